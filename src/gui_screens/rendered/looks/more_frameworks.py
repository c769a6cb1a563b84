"""Looks from npm: Fomantic-UI, 98.css, Milligram, Pure, Spectre, Water."""

from __future__ import annotations

from gui_screens.rendered.looks.frameworks import fields
from gui_screens.rendered.looks.look import DRAWN_SLIDER, Look

_FOMANTIC = Look(
    name="fomantic",
    licence="MIT",
    package="fomantic-ui-css",
    light=("fomantic-ui-css/semantic.min.css",),
    dark=("fomantic-ui-css/semantic.min.css",),
    tones={
        "primary": "ui primary button",
        "secondary": "ui button",
        "danger": "ui negative button",
        "plain": "ui basic teal button",
    },
    overrides={
        "text_input": '<div class="ui fluid input"><input type="{kind}" placeholder="{hint}" '
        'value="{value}" data-w="text_input"{state}></div>',
        "textarea": '<div class="ui form"><textarea rows="{rows}" placeholder="{hint}" '
        'data-w="text_input"{state}>{value}</textarea></div>',
        "dropdown": '<div class="ui selection dropdown l-caret" data-w="dropdown">'
        '<div class="text">{label}</div></div>',
        "checkbox": '<div class="ui checkbox" data-g><input type="checkbox"{state}>'
        '<label data-w="checkbox" data-box="::before">{label}</label></div>',
        "radio_button": '<div class="ui radio checkbox" data-g><input type="radio"{state}>'
        '<label data-w="radio_button" data-box="::before">{label}</label></div>',
        "toggle": '<div class="ui toggle checkbox" data-g><input type="checkbox"{state}>'
        '<label data-w="toggle" data-box="::before"></label></div>',
        "slider": DRAWN_SLIDER,
    },
    card='<section class="ui segment l-in" style="{style}">{title}{body}</section>',
    card_title='<h4 class="ui dividing header l-h">{title}</h4>',
    table="ui unstackable celled table",
    accents=("#2185d0", "#21ba45", "#f2711c"),
)
_NINETY_EIGHT = Look(
    name="98",
    licence="MIT",
    package="98.css",
    light=("98.css/dist/98.css",),
    dark=("98.css/dist/98.css",),
    native_dark=True,
    overrides={
        "checkbox": '<span class="l-98" data-g><input type="checkbox" id="{id}"{state}>'
        '<label for="{id}" data-w="checkbox" data-box="::before">{label}</label></span>',
        "radio_button": '<span class="l-98" data-g><input type="radio" id="{id}"{state}>'
        '<label for="{id}" data-w="radio_button" data-box="::before">{label}</label></span>',
        "slider": '<input type="range" value="{value}" data-w="slider" data-thumb="21">',
    },
    card='<section class="window" style="{style}">{title}<div class="window-body l-in">{body}'
    "</div></section>",
    card_title='<div class="title-bar"><div class="title-bar-text">{title}</div>'
    '<div class="title-bar-controls"><button aria-label="Minimize" data-w="button"></button>'
    '<button aria-label="Maximize" data-w="button"></button>'
    '<button aria-label="Close" data-w="button"></button></div></div>',
    accents=("#000080", "#008080"),
    zoom=1.3,
)
_MILLIGRAM = Look(
    name="milligram",
    licence="MIT",
    package="milligram",
    light=("milligram/dist/milligram.min.css",),
    dark=("milligram/dist/milligram.min.css",),
    tones={
        "primary": "button",
        "secondary": "button button-outline",
        "danger": "button l-danger",
        "plain": "button button-outline",
    },
    accents=("#9b4dca", "#d6336c", "#2b8a3e"),
)
_PURE = Look(
    name="pure",
    licence="BSD-3-Clause",
    package="purecss",
    light=("purecss/build/pure-min.css",),
    dark=("purecss/build/pure-min.css",),
    tones={
        "primary": "pure-button pure-button-primary",
        "secondary": "pure-button",
        "danger": "pure-button l-danger",
        "plain": "pure-button l-plain",
    },
    overrides={"slider": DRAWN_SLIDER},
    table="pure-table pure-table-horizontal",
    body="pure-form",
    accents=("#0078e7", "#1cb841", "#df7514"),
)
_SPECTRE = Look(
    name="spectre",
    licence="MIT",
    package="spectre.css",
    light=("spectre.css/dist/spectre.min.css", "spectre.css/dist/spectre-exp.min.css"),
    dark=("spectre.css/dist/spectre.min.css", "spectre.css/dist/spectre-exp.min.css"),
    tones={
        "primary": "btn btn-primary",
        "secondary": "btn",
        "danger": "btn btn-error",
        "plain": "btn btn-success",
    },
    overrides={
        **fields("form-input", "form-input", "form-select"),
        "checkbox": '<label class="form-checkbox" data-g><input type="checkbox"{state}>'
        '<i class="form-icon" data-w="checkbox"></i> {label}</label>',
        "radio_button": '<label class="form-radio" data-g><input type="radio"{state}>'
        '<i class="form-icon" data-w="radio_button"></i> {label}</label>',
        "toggle": '<label class="form-switch" data-g><input type="checkbox"{state}>'
        '<i class="form-icon" data-w="toggle"></i></label>',
        "slider": '<input type="range" class="slider" value="{value}" data-w="slider" '
        'data-thumb="12">',
    },
    card='<section class="card" style="{style}"><div class="card-body l-in">{title}{body}'
    "</div></section>",
    card_title='<div class="card-title h5 l-h">{title}</div>',
    table="table",
    accents=("#5755d9", "#32b643", "#e85600"),
)
_WATER = Look(
    name="water",
    licence="MIT",
    package="water.css",
    light=("water.css/out/light.min.css",),
    dark=("water.css/out/dark.min.css",),
    native_dark=True,
    overrides={
        "slider": '<input type="range" value="{value}" data-w="slider" data-thumb="18">',
    },
    card='<fieldset class="l-in l-fieldset" style="{style}">{title}{body}</fieldset>',
    card_title="<legend>{title}</legend>",
    accents=("#0076d1", "#41adff"),
)
MORE_FRAMEWORKS: tuple[Look, ...] = (
    _FOMANTIC,
    _NINETY_EIGHT,
    _MILLIGRAM,
    _PURE,
    _SPECTRE,
    _WATER,
)
