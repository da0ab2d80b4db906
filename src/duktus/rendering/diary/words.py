"""Every text the diary says by itself, per language; the person's own words are never translated."""

from __future__ import annotations

from collections.abc import Mapping

from duktus.rendering import languages

ENGLISH: Mapping[str, str] = {
    **languages.ENGLISH,
    "diary": "diary",
    "aim": "Sought",
    "pictures": "{n} pictures",
    "kept": "{n} kept",
    "discarded": "{n} discarded",
    "undecided": "{n} undecided",
    "from_to": "{first} to {last}",
    "made by": "made by",
    "unknown": "an unknown program",
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
    "undecided_1": "undecided",
    "rate": "{n} stars",
    "rate_1": "1 star",
    "label_none": "label taken off",
    "by": "{author}, {day}",
    "negative_prompt": "negative prompt",
    "prompts": "The prompts",
    "guidance": "guidance",
    "lane": "lane",
    "draft": "draft",
    "width": "width",
    "height": "height",
    "picture": "Picture {n}",
    "page": "{n} / {total}",
}

GERMAN: Mapping[str, str] = {
    **languages.GERMAN,
    "diary": "Tagebuch",
    "aim": "Gesucht",
    "pictures": "{n} Bilder",
    "kept": "{n} behalten",
    "discarded": "{n} verworfen",
    "undecided": "{n} offen",
    "from_to": "{first} bis {last}",
    "made by": "gemacht mit",
    "unknown": "einem unbekannten Programm",
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
    "undecided_1": "offen",
    "rate": "{n} Sterne",
    "rate_1": "1 Stern",
    "label_none": "Farbe entfernt",
    "by": "{author}, {day}",
    "negative_prompt": "Negativ-Prompt",
    "prompts": "Die Prompts",
    "guidance": "Führung",
    "lane": "Bahn",
    "draft": "Entwurf",
    "weight": "Gewicht",
    "feather": "weicher Rand",
    "from": "von",
    "width": "Breite",
    "height": "Höhe",
    "picture": "Bild {n}",
    "page": "{n} / {total}",
}

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "de": GERMAN}


class Words(languages.Texts):
    """The texts of one language; :class:`InputError` for a language the diary does not have."""

    def __init__(self, language: str) -> None:
        super().__init__("diary", LANGUAGES, language)

    def count(self, key: str, n: int) -> str:
        """E.g. "1 picture" or "12 pictures"."""
        return self._texts[f"{key}_1"] if n == 1 else self.fill(key, n=n)
