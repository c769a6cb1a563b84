"""Words for the pages: eight languages, drawn from a seeded generator."""

from __future__ import annotations

import functools
import json
import random
from importlib import resources

_NAMES = (
    "Mara Lind", "Jonas Weber", "Aïcha Benali", "Tomás Rivas", "Ewa Nowak", "Ivan Petrov",
    "Leila Haddad", "Ravi Menon", "Nora Dahl", "Paul Okoro", "Sofia Marino", "Kim Duarte",
    "Elena Popa", "Hugo Martin", "Ines Costa", "Omar Aziz", "Lucy Hale", "Sven Holm",
)  # fmt: skip
_PRODUCTS = (
    "Canvas bag", "Desk lamp", "Trail shoes", "Steel bottle", "Wool scarf", "Oak stool",
    "Mini speaker", "Field watch", "Tea kettle", "Rain jacket", "Clay mug", "Reading chair",
    "Pocket radio", "Linen shirt", "Garden fork", "Film camera",
)  # fmt: skip
_FILES = (
    "budget.xlsx", "notes.txt", "plan-b.pdf", "holiday.jpg", "thesis.docx", "mix-03.wav",
    "invoice-118.pdf", "logo.svg", "backup.zip", "scan_07.png", "agenda.md", "photo-22.jpg",
)  # fmt: skip
#: How often each language is drawn; English leads because most training screens use it.
LANGUAGES: dict[str, int] = {
    "en": 10, "de": 3, "fr": 3, "es": 3, "pl": 2, "ru": 3, "hi": 1, "ar": 2,
}  # fmt: skip


@functools.cache
def _phrases() -> dict[str, dict[str, list[str]]]:
    text = resources.files(__package__).joinpath("phrases.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, list[str]]] = json.loads(text)
    return loaded


class Content:
    """Endless words of one language; each list is dealt like a shuffled deck.

    Args:
        rng: Source of every choice; the same state gives the same words.
        language: A key of :data:`LANGUAGES`.
    """

    def __init__(self, rng: random.Random, language: str) -> None:
        self._rng = rng
        self.language = language
        self._lists = _phrases()[language]
        self._decks: dict[str, list[str]] = {}

    @property
    def direction(self) -> str:
        """Writing direction, ``"ltr"`` or ``"rtl"``."""
        return str(self._lists["dir"])

    def _deal(self, kind: str, source: tuple[str, ...] | list[str]) -> str:
        deck = self._decks.setdefault(kind, [])
        if not deck:
            deck.extend(self._rng.sample(list(source), len(source)))
        return deck.pop()

    def action(self) -> str:
        """What a button says."""
        return self._deal("actions", self._lists["actions"])

    def field(self) -> str:
        """The label of a text field."""
        return self._deal("fields", self._lists["fields"])

    def item(self) -> str:
        """A menu entry or an option."""
        return self._deal("items", self._lists["items"])

    def phrase(self) -> str:
        """The label of a check box, radio button or toggle."""
        return self._deal("phrases", self._lists["phrases"])

    def link(self) -> str:
        """What a link says."""
        return self._deal("links", self._lists["links"])

    def title(self) -> str:
        """A heading."""
        return self._deal("titles", self._lists["titles"])

    def prose(self) -> str:
        """One sentence of running text."""
        return self._deal("prose", self._lists["prose"])

    def name(self) -> str:
        """A person."""
        return self._deal("names", _NAMES)

    def product(self) -> str:
        """Something to buy."""
        return self._deal("products", _PRODUCTS)

    def file(self) -> str:
        """A file name."""
        return self._deal("files", _FILES)

    def email(self) -> str:
        """An address in the reserved example domain."""
        return self.name().split()[0].lower() + "@example.org"

    def price(self) -> str:
        """An amount of money."""
        amount = f"{self._rng.randint(3, 240)}.{self._rng.choice(['00', '50', '90', '95'])}"
        return self._rng.choice(["${}", "€{}", "{} €", "£{}"]).format(amount)

    def number(self) -> str:
        """A figure for a tile."""
        return self._rng.choice(
            [
                f"{self._rng.randint(2, 99)}%",
                f"{self._rng.randint(1, 90)},{self._rng.randint(100, 999)}",
                f"{self._rng.uniform(1, 9):.1f}k",
            ]
        )

    def date(self) -> str:
        """A day."""
        return f"{self._rng.randint(1, 28):02d}.{self._rng.randint(1, 12):02d}.2025"

    def value(self) -> str:
        """What somebody typed into a field."""
        return self._rng.choice(
            [
                self.name(),
                self.email(),
                str(self._rng.randint(10, 99999)),
                self.product(),
            ]
        )
