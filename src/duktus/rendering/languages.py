"""Texts in several languages, and the words that the sheet and the diary have in common."""

from __future__ import annotations

from collections.abc import Mapping

from duktus.domain.errors import InputError

ENGLISH: Mapping[str, str] = {
    "strength": "strength",
    "cfg": "cfg",
    "seed": "seed",
    "steps": "steps",
    "sampler": "sampler",
    "schedule": "schedule",
    "size": "size",
    "prompt": "prompt",
    "base": "base",
    "style": "style",
    "clip_skip": "clip skip",
    "clip skip": "clip skip",
    "missing": "The picture file is missing",
    "unreadable": "The picture file cannot be read",
    "keep": "kept",
    "discard": "discarded",
    "pictures_1": "1 picture",
    "notes": "Notes",
    "label": "label {colour}",
    "red": "red",
    "yellow": "yellow",
    "green": "green",
    "blue": "blue",
    "purple": "purple",
    "drawn over": "drawn over",
    "mask": "mask",
    "variation": "variation",
    "control": "control",
    "control 2": "control 2",
    "reference": "reference",
    "reference weight": "reference weight",
    "second pass": "second pass",
    "refiner": "refiner",
    "upscaled": "upscaled",
}

GERMAN: Mapping[str, str] = {
    "strength": "Stärke",
    "cfg": "CFG",
    "seed": "Seed",
    "steps": "Schritte",
    "sampler": "Sampler",
    "schedule": "Rauschplan",
    "size": "Größe",
    "prompt": "Prompt",
    "base": "Basis",
    "style": "Stil",
    "clip_skip": "Clip Skip",
    "clip skip": "Clip Skip",
    "missing": "Die Bilddatei fehlt",
    "unreadable": "Die Bilddatei ist nicht lesbar",
    "keep": "behalten",
    "discard": "verworfen",
    "pictures_1": "1 Bild",
    "notes": "Anmerkungen",
    "label": "Farbe {colour}",
    "red": "rot",
    "yellow": "gelb",
    "green": "grün",
    "blue": "blau",
    "purple": "violett",
    "drawn over": "übermalt",
    "mask": "Maske",
    "variation": "Variation",
    "control": "Vorlage",
    "control 2": "Vorlage 2",
    "reference": "Vorbild",
    "reference weight": "Gewicht des Vorbilds",
    "second pass": "zweiter Durchgang",
    "refiner": "Refiner",
    "upscaled": "vergrößert",
}


class Texts:
    """The texts of one language; :class:`InputError` for a language that there is none of."""

    def __init__(self, whose: str, languages: Mapping[str, Mapping[str, str]], language: str) -> None:
        if language not in languages:
            raise InputError(
                f"The {whose} does not speak {language!r}.",
                f"It has {' and '.join(languages)}.",
                "Choose one.",
            )
        self.language = language
        self._texts = languages[language]

    def __getitem__(self, key: str) -> str:
        """The text for a key; the third of a kind (``control 3``) by the text of its kind, and a name without
        a translation stands for itself.
        """
        kind, _, number = key.rpartition(" ")
        if key not in self._texts and number.isdecimal() and kind in self._texts:
            return f"{self._texts[kind]} {number}"
        return self._texts.get(key, key.replace("_", " "))

    def has(self, key: str) -> bool:
        """Whether there is a text of its own for a key."""
        return key in self._texts

    def fill(self, key: str, **values: object) -> str:
        """The text with its placeholders filled."""
        return self._texts[key].format(**values)
