"""Where a parser puts what it finds: typed, within bounds, and with a list of everything it could not use."""

from __future__ import annotations

import re
from typing import Any

from duktus.domain.foreign import (
    MAX_EDGE,
    MAX_FOREIGN_SEED,
    MAX_LEFT,
    MAX_WORDS,
    ForeignAdapter,
    ForeignModel,
    ForeignRecipe,
    Tool,
    Unmapped,
)
from duktus.rendering.metadata.sampler_names import sampler_and_schedule
from duktus.rendering.metadata.strict_json import as_number, as_text, as_whole, as_words, sound

_WHOLE = {
    "seed": (0, MAX_FOREIGN_SEED),
    "variation_seed": (0, MAX_FOREIGN_SEED),
    "steps": (1, 10_000),
    "width": (1, MAX_EDGE),
    "height": (1, MAX_EDGE),
    "clip_skip": (1, 24),
}
_NUMBERS = {
    "cfg": (0.0, 1000.0),
    "guidance": (0.0, 1000.0),
    "denoise": (0.0, 1.0),
    "variation_strength": (0.0, 1.0),
}
MAX_LEFTOVERS = 200
MAX_ADAPTERS = 50
UNKNOWN = "It has no place in a recipe of duktus."


class Reading:
    """What one parser found so far. Whatever breaks a bound is noted as unmapped and not used."""

    def __init__(self, tool: Tool, version: str = "") -> None:
        self.tool = tool
        self.version = sound(version)
        self._values: dict[str, Any] = {}
        self._adapters: list[ForeignAdapter] = []
        self._left: list[Unmapped] = []
        self._more = 0

    def take(self, field: str, value: Any, name: str) -> None:
        """One setting. ``name`` is what the other program calls it; ``None`` means it is not there."""
        if value is None:
            return
        if field in _WHOLE:
            low, high = _WHOLE[field]
            number, kind = as_whole(value), "whole number"
        elif field in _NUMBERS:
            low, high = _NUMBERS[field]
            number, kind = as_number(value), "number"
        else:
            self._take_text(field, value, name)
            return
        if number is None or not low <= number <= high:
            self.left(name, value, f"It is no {kind} from {low:g} to {high:g}.")
        else:
            self._values[field] = number

    def _take_text(self, field: str, value: Any, name: str) -> None:
        text = as_text(value)
        if text is None or len(text) > (MAX_WORDS if "prompt" in field else MAX_LEFT):
            self.left(name, value, "It is no text, or too long.")
        else:
            self._values[field] = text

    def size(self, value: str | None, name: str) -> None:
        """A size such as ``1024x768``, ``(1024, 768)`` or ``1024 x 768``."""
        match = re.fullmatch(r"\(?\s*'?(\d{1,6})'?\s*[x*,\u00d7]\s*'?(\d{1,6})'?\s*\)?", value or "")
        if match:
            self.take("width", match[1], name)
            self.take("height", match[2], name)
        elif value:
            self.left(name, value, "It is no size.")

    def sampling(self, sampler: Any, schedule: Any, name: str = "Sampler") -> None:
        """Sampler and schedule under any program's names; reported when we have no such one."""
        ours, spaced, why = sampler_and_schedule(as_text(sampler) or "", as_text(schedule) or "")
        self._values["sampler"] = ours[:MAX_LEFT] or None
        self._values["schedule"] = spaced[:MAX_LEFT] or None
        if why:
            both = ", ".join(as_words(one) for one in (sampler, schedule) if one)
            self.left(name, both, why)

    def model(self, name: Any, hash_: Any = "") -> None:
        """The base."""
        text = as_text(name) or ""
        if text or hash_:
            self._values["model"] = ForeignModel(
                name=text[:MAX_LEFT], hash=(as_text(hash_) or "").removeprefix("0x")[:200]
            )

    def adapter(self, name: Any, strength: Any, strength_text: Any = None, hash_: Any = "") -> None:
        """One LoRA; left when its strength is none."""
        value, of_text = as_number(strength), as_number(strength_text)
        named = as_text(name)
        if not named or value is None or abs(value) > 100 or (of_text is not None and abs(of_text) > 100):
            self.left("LoRA", f"{as_words(name)}: {as_words(strength)}", "Its name or strength is none.")
            return
        if len(self._adapters) >= MAX_ADAPTERS:
            self._more += 1
            return
        self._adapters.append(
            ForeignAdapter(
                name=named[:MAX_LEFT],
                strength=value,
                strength_text=None if of_text == value else of_text,
                hash=(as_text(hash_) or "").removeprefix("0x")[:200],
            )
        )

    def noise(self, value: str) -> None:
        """Which generator drew the noise, ``cpu`` or ``gpu``."""
        self._values["noise"] = value
        if value == "gpu":
            self.left(
                "RNG", "GPU", "Our noise comes from a CPU generator, so the seed gives another picture."
            )

    def left(self, name: str, value: Any, why: str = UNKNOWN) -> None:
        """Something that cannot be mapped."""
        if len(self._left) >= MAX_LEFTOVERS:
            self._more += 1
            return
        words = as_words(value)
        self._left.append(
            Unmapped(
                name=sound(name)[:MAX_LEFT],
                value=words[: MAX_LEFT - 3] + "..." * (len(words) > MAX_LEFT - 3),
                why=why,
            )
        )

    @property
    def empty(self) -> bool:
        """Nothing was found that makes a recipe."""
        return not any(value is not None for value in self._values.values())

    def done(self) -> ForeignRecipe:
        """Everything together."""
        left = list(self._left)
        if self._more:
            left.append(Unmapped(name="...", value=f"{self._more} more", why="Only the first are listed."))
        return ForeignRecipe(
            tool=self.tool,
            version=self.version[:MAX_LEFT],
            adapters=tuple(self._adapters),
            unmapped=tuple(left),
            **self._values,
        )
