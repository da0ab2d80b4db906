"""Every text the sheet says by itself, per language; the user's own words are never translated."""

from __future__ import annotations

from collections.abc import Mapping

from duktus.rendering import languages

ENGLISH: Mapping[str, str] = {
    **languages.ENGLISH,
    "guidance": "guidance",
    "negative": "negative prompt",
    "varies": "varies",
    "sheet": "contact sheet",
    "empty": "not rendered yet",
    "stars_1": "1 star",
    "stars_n": "{n} stars",
    "pictures_n": "{n} pictures",
    "of": "{n} of {total} pictures",
    "kept_n": "{n} kept",
    "discarded_n": "{n} discarded",
    "recipe": "recipe",
    "recipes": "recipes {first} to {last}",
    "set": "set {id}",
    "asset": "picture",
    "reduced": "Pictures are shown at {percent} % of their size; the HTML sheet holds them whole.",
    "previews": "The series is too large for one file; its pictures are shown reduced to {pixels} pixels.",
    "decimal": ".",
    "change": "{from} → {to}",
    "mean_change": "{percent} %",
    "identical": "identical",
    "other_size": "other size",
    "differences": "Differences from the neighbours",
    "legend": "Mean pixel change from the neighbour one step back along each axis, as a share of full range.",
    "against": "Mean pixel change from the neighbour",
    "show_differences": "Differences",
    "small": "Small",
    "medium": "Medium",
    "large": "Large",
    "picture_size": "Picture size",
    "enlarge": "Enlarge",
    "close": "Close",
    "previous": "Previous picture",
    "next": "Next picture",
    "pixels": "Show pixels",
    "keys": "Arrow keys move across the sheet, Escape closes.",
    "portrait": "Picture {n}",
    "grid": "Pictures by {axes}",
    "reason": "reason",
    "labelled_n": "{n} labelled {colour}",
    "in": "in {names}",
    "collections": "collections",
    "denoise": "denoise",
    "control weight": "control weight",
    "variation strength": "variation strength",
    "hires denoise": "hires denoise",
}

GERMAN: Mapping[str, str] = {
    **languages.GERMAN,
    "guidance": "Guidance",
    "negative": "Negativ-Prompt",
    "varies": "wechselt",
    "sheet": "Kontaktbogen",
    "empty": "noch nicht gerechnet",
    "stars_1": "1 Stern",
    "stars_n": "{n} Sterne",
    "pictures_n": "{n} Bilder",
    "of": "{n} von {total} Bildern",
    "kept_n": "{n} behalten",
    "discarded_n": "{n} verworfen",
    "recipe": "Rezept",
    "recipes": "Rezepte {first} bis {last}",
    "set": "Satz {id}",
    "asset": "Bild",
    "reduced": "Die Bilder sind auf {percent} % verkleinert; der HTML-Bogen enthält sie ganz.",
    "previews": "Die Serie ist zu groß für eine Datei; ihre Bilder sind auf {pixels} Pixel verkleinert.",
    "decimal": ",",
    "change": "{from} → {to}",
    "mean_change": "{percent} %",
    "identical": "gleich",
    "other_size": "andere Größe",
    "differences": "Unterschiede zu den Nachbarn",
    "legend": "Mittlere Pixeländerung zum Nachbarn einen Schritt zurück je Achse, vom vollen Umfang.",
    "against": "Mittlere Pixeländerung zum Nachbarn",
    "show_differences": "Unterschiede",
    "small": "Klein",
    "medium": "Mittel",
    "large": "Groß",
    "picture_size": "Bildgröße",
    "enlarge": "Vergrößern",
    "close": "Schließen",
    "previous": "Voriges Bild",
    "next": "Nächstes Bild",
    "pixels": "Pixel zeigen",
    "keys": "Pfeiltasten bewegen sich über den Bogen, Escape schließt.",
    "portrait": "Bild {n}",
    "grid": "Bilder nach {axes}",
    "reason": "Grund",
    "labelled_n": "{n} mit Farbe {colour}",
    "in": "in {names}",
    "collections": "Sammlungen",
    "denoise": "Denoise",
    "control weight": "Gewicht der Vorlage",
    "variation strength": "Variation",
    "hires denoise": "Denoise des zweiten Durchgangs",
}

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "de": GERMAN}


class Words(languages.Texts):
    """The texts of one language; :class:`InputError` for a language the sheet does not have."""

    def __init__(self, language: str) -> None:
        super().__init__("sheet", LANGUAGES, language)

    def number_of(self, key: str, n: int) -> str:
        """E.g. "1 picture" or "12 pictures"."""
        return self._texts[f"{key}_1"] if n == 1 else self._texts[f"{key}_n"].format(n=n)

    def percent(self, share: float) -> str:
        """A share in 0..1 as per cent: one decimal, two below 1 %, never rounded down to nothing."""
        value = 100 * share
        if 0 < value < 0.01:
            return "<0.01".replace(".", self["decimal"])
        return f"{value:.{1 if value >= 1 else 2}f}".replace(".", self["decimal"])
