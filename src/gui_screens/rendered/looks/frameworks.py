"""Looks from npm: Bootstrap, Bulma, Pico, UIkit, Materialize, Foundation."""

from __future__ import annotations

from gui_screens.rendered.looks.look import DRAWN_SLIDER, Look


def _labelled(kind: str, widget: str, css: str) -> str:
    return (
        f'<label class="l-check"><input type="{kind}" class="{css}" data-w="{widget}"{{state}}>'
        "<span>{label}</span></label>"
    )


def fields(css_input: str, css_area: str, css_select: str) -> dict[str, str]:
    """Text fields and drop-downs that differ from the plain ones by their class only."""
    return {
        "text_input": f'<input type="{{kind}}" class="{css_input}" placeholder="{{hint}}" '
        'value="{value}" data-w="text_input"{state}>',
        "textarea": f'<textarea rows="{{rows}}" class="{css_area}" placeholder="{{hint}}" '
        'data-w="text_input"{state}>{value}</textarea>',
        "dropdown": f'<select class="{css_select}" data-w="dropdown"{{state}}>'
        "<option>{label}</option></select>",
    }


_BOOTSTRAP = Look(
    name="bootstrap",
    licence="MIT",
    package="bootstrap",
    light=("bootstrap/dist/css/bootstrap.min.css",),
    dark=("bootstrap/dist/css/bootstrap.min.css",),
    native_dark=True,
    tones={
        "primary": "btn btn-primary",
        "secondary": "btn btn-outline-secondary",
        "danger": "btn btn-danger",
        "plain": "btn btn-secondary",
    },
    overrides={
        **fields("form-control", "form-control", "form-select"),
        "checkbox": _labelled("checkbox", "checkbox", "form-check-input"),
        "radio_button": _labelled("radio", "radio_button", "form-check-input"),
        "toggle": '<span class="form-switch l-bare"><input type="checkbox" '
        'class="form-check-input" data-w="toggle"{state}></span>',
        "slider": '<input type="range" class="form-range" value="{value}" data-w="slider" '
        'data-thumb="16">',
    },
    card='<section class="card" style="{style}"><div class="card-body l-in">{title}{body}'
    "</div></section>",
    card_title='<h5 class="card-title l-h">{title}</h5>',
    table="table",
    accents=("#0d6efd", "#198754", "#6f42c1"),
)
_BULMA = Look(
    name="bulma",
    licence="MIT",
    package="bulma",
    light=("bulma/css/bulma.min.css",),
    dark=("bulma/css/bulma.min.css",),
    native_dark=True,
    tones={
        "primary": "button is-primary",
        "secondary": "button",
        "danger": "button is-danger",
        "plain": "button is-link is-light",
    },
    overrides={
        **fields("input", "textarea", ""),
        "dropdown": '<div class="select l-block" data-w="dropdown"><select{state}>'
        "<option>{label}</option></select></div>",
        "slider": DRAWN_SLIDER,
    },
    card='<section class="box l-in" style="{style}">{title}{body}</section>',
    card_title='<h4 class="title is-5 l-h">{title}</h4>',
    table="table is-fullwidth",
    accents=("#00d1b2", "#485fc7", "#ff6685"),
)
_PICO = Look(
    name="pico",
    licence="MIT",
    package="@picocss/pico",
    light=("@picocss/pico/css/pico.min.css",),
    dark=("@picocss/pico/css/pico.min.css",),
    native_dark=True,
    tones={
        "primary": "",
        "secondary": "secondary",
        "danger": "contrast",
        "plain": "outline",
    },
    overrides={
        "toggle": '<span class="l-bare"><input type="checkbox" role="switch" data-w="toggle"'
        "{state}></span>",
        "slider": '<input type="range" value="{value}" data-w="slider" data-thumb="20">',
    },
    card='<article class="l-in" style="{style}">{title}{body}</article>',
    card_title='<h4 class="l-h">{title}</h4>',
    accents=("#0172ad",),
)
_UIKIT = Look(
    name="uikit",
    licence="MIT",
    package="uikit",
    light=("uikit/dist/css/uikit.min.css",),
    dark=("uikit/dist/css/uikit.min.css",),
    tones={
        "primary": "uk-button uk-button-primary",
        "secondary": "uk-button uk-button-default",
        "danger": "uk-button uk-button-danger",
        "plain": "uk-button uk-button-secondary",
    },
    overrides={
        **fields("uk-input", "uk-textarea", "uk-select"),
        "checkbox": _labelled("checkbox", "checkbox", "uk-checkbox"),
        "radio_button": _labelled("radio", "radio_button", "uk-radio"),
        "slider": '<input type="range" class="uk-range" value="{value}" data-w="slider" '
        'data-thumb="15">',
    },
    card='<section class="uk-card uk-card-default uk-card-body uk-card-small l-in" '
    'style="{style}">{title}{body}</section>',
    card_title='<h3 class="uk-card-title l-h">{title}</h3>',
    table="uk-table uk-table-divider uk-table-small",
    accents=("#1e87f0", "#32d296", "#faa05a"),
)
_MATERIALIZE = Look(
    name="materialize",
    licence="MIT",
    package="materialize-css",
    light=("materialize-css/dist/css/materialize.min.css",),
    dark=("materialize-css/dist/css/materialize.min.css",),
    tones={
        "primary": "btn",
        "secondary": "btn grey lighten-1 black-text",
        "danger": "btn red",
        "plain": "btn indigo",
    },
    overrides={
        "textarea": '<textarea rows="{rows}" class="l-lined" placeholder="{hint}" '
        'data-w="text_input"{state}>{value}</textarea>',
        "dropdown": '<select class="browser-default" data-w="dropdown"{state}>'
        "<option>{label}</option></select>",
        "checkbox": '<label class="l-mat" data-g><input type="checkbox" class="filled-in"{state}>'
        '<span data-w="checkbox" data-box="::after">{label}</span></label>',
        "radio_button": '<label class="l-mat" data-g><input type="radio" class="with-gap"{state}>'
        '<span data-w="radio_button" data-box="::before">{label}</span></label>',
        "toggle": '<span class="switch" data-g><label><input type="checkbox"{state}>'
        '<span class="lever" data-w="toggle" data-grow="0 3"></span></label></span>',
        "slider": DRAWN_SLIDER,
    },
    card='<section class="card l-in l-padded" style="{style}">{title}{body}</section>',
    card_title='<span class="card-title l-h">{title}</span>',
    table="striped",
    accents=("#26a69a", "#ee6e73", "#3f51b5"),
)
_FOUNDATION = Look(
    name="foundation",
    licence="MIT",
    package="foundation-sites",
    light=("foundation-sites/dist/css/foundation.min.css",),
    dark=("foundation-sites/dist/css/foundation.min.css",),
    tones={
        "primary": "button",
        "secondary": "button hollow",
        "danger": "button alert",
        "plain": "button secondary",
    },
    overrides={
        "toggle": '<span class="switch small" data-g><input class="switch-input" id="{id}" '
        'type="checkbox"{state}><label class="switch-paddle" for="{id}" data-w="toggle">'
        "</label></span>",
        "slider": '<span class="l-fslide" data-w="slider" style="--v:{value}">'
        '<span class="slider"><span class="slider-handle"></span>'
        '<span class="slider-fill"></span></span></span>',
    },
    card='<section class="callout l-in" style="{style}">{title}{body}</section>',
    card_title='<h5 class="l-h">{title}</h5>',
    accents=("#1779ba", "#3adb76", "#cc4b37"),
)
FRAMEWORKS: tuple[Look, ...] = (
    _BOOTSTRAP,
    _BULMA,
    _PICO,
    _UIKIT,
    _MATERIALIZE,
    _FOUNDATION,
)
