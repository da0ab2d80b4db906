"""Every text the diary says by itself, per language; the person's own words are never translated."""

from __future__ import annotations

from collections.abc import Mapping

from duktus.domain.errors import InputError

ENGLISH: Mapping[str, str] = {
    "diary": "diary",
    "aim": "Sought",
    "pictures": "{n} pictures",
    "pictures_1": "1 picture",
    "kept": "{n} kept",
    "discarded": "{n} discarded",
    "undecided": "{n} undecided",
    "from_to": "{first} to {last}",
    "base": "base",
    "made by": "made by",
    "unknown": "an unknown program",
    "style": "style",
    "strength": "strength",
    "strength of": "strength of {name}",
    "taught": "{name}: taught on {base} from {n} pictures, {steps} steps, {day}; verdict: {verdict}",
    "elsewhere": "{name}: taught elsewhere",
    "first": "The first picture",
    "changed": "Changed",
    "changed_from": "Changed from No. {n}",
    "nothing": "Nothing: the same recipe again",
    "order": "{name}: the same parts in another order or spelling",
    "added": "added {parts}",
    "removed": "removed {parts}",
    "part": "“{part}”",
    "reworded": "“{old}” → “{new}”",
    "with": "with {name}",
    "without": "without {name}",
    "another": "another version of {name}",
    "keep": "kept",
    "discard": "discarded",
    "undecided_1": "undecided",
    "rate": "{n} stars",
    "rate_1": "1 star",
    "label": "label {colour}",
    "label_none": "label taken off",
    "by": "{author}, {day}",
    "prompt": "prompt",
    "negative_prompt": "negative prompt",
    "prompts": "The prompts",
    "cfg": "cfg",
    "guidance": "guidance",
    "seed": "seed",
    "steps": "steps",
    "sampler": "sampler",
    "schedule": "schedule",
    "size": "size",
    "width": "width",
    "height": "height",
    "notes": "Notes",
    "missing": "The picture file is missing",
    "unreadable": "The picture file cannot be read",
    "picture": "Picture {n}",
    "page": "{n} / {total}",
    "red": "red",
    "yellow": "yellow",
    "green": "green",
    "blue": "blue",
    "purple": "purple",
}

GERMAN: Mapping[str, str] = {
    "diary": "Tagebuch",
    "aim": "Gesucht",
    "pictures": "{n} Bilder",
    "pictures_1": "1 Bild",
    "kept": "{n} behalten",
    "discarded": "{n} verworfen",
    "undecided": "{n} offen",
    "from_to": "{first} bis {last}",
    "made by": "gemacht mit",
    "unknown": "einem unbekannten Programm",
    "base": "Basis",
    "style": "Stil",
    "strength": "Stärke",
    "strength of": "Stärke von {name}",
    "taught": "{name}: gelehrt auf {base} aus {n} Bildern, {steps} Schritte, {day}; Urteil: {verdict}",
    "elsewhere": "{name}: anderswo gelehrt",
    "first": "Das erste Bild",
    "changed": "Geändert",
    "changed_from": "Geändert gegenüber Nr. {n}",
    "nothing": "Nichts: dasselbe Rezept noch einmal",
    "order": "{name}: dieselben Teile in anderer Reihenfolge oder Schreibung",
    "added": "hinzu {parts}",
    "removed": "weg {parts}",
    "part": "„{part}“",
    "reworded": "„{old}“ → „{new}“",
    "with": "mit {name}",
    "without": "ohne {name}",
    "another": "andere Fassung von {name}",
    "keep": "behalten",
    "discard": "verworfen",
    "undecided_1": "offen",
    "rate": "{n} Sterne",
    "rate_1": "1 Stern",
    "label": "Farbe {colour}",
    "label_none": "Farbe entfernt",
    "by": "{author}, {day}",
    "prompt": "Prompt",
    "negative_prompt": "Negativ-Prompt",
    "prompts": "Die Prompts",
    "cfg": "CFG",
    "guidance": "Führung",
    "seed": "Seed",
    "steps": "Schritte",
    "sampler": "Sampler",
    "schedule": "Rauschplan",
    "size": "Größe",
    "width": "Breite",
    "height": "Höhe",
    "notes": "Anmerkungen",
    "missing": "Die Bilddatei fehlt",
    "unreadable": "Die Bilddatei ist nicht lesbar",
    "picture": "Bild {n}",
    "page": "{n} / {total}",
    "red": "rot",
    "yellow": "gelb",
    "green": "grün",
    "blue": "blau",
    "purple": "violett",
}

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "de": GERMAN}


class Words:
    """The texts of one language; :class:`InputError` for a language the diary does not have."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise InputError(
                f"The diary does not speak {language!r}.", f"It has {' and '.join(LANGUAGES)}.", "Choose one."
            )
        self.language = language
        self._texts = LANGUAGES[language]

    def __getitem__(self, key: str) -> str:
        """The text for a key; a parameter without a translation stands for itself."""
        return self._texts.get(key, key.replace("_", " "))

    def fill(self, key: str, **values: object) -> str:
        """The text with its placeholders filled."""
        return self._texts[key].format(**values)

    def count(self, key: str, n: int) -> str:
        """E.g. "1 picture" or "12 pictures"."""
        return self._texts[f"{key}_1"] if n == 1 else self.fill(key, n=n)
