"""Reading what people write about a picture's beginning: shapes, sides, sizes, controls."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from duktus.domain.beginning import ControlKind, Extend
from duktus.domain.errors import InputError

_SHAPE = re.compile(r"^(?P<kind>circle|rect):(?P<numbers>.*)$", re.IGNORECASE)
_CONTROL = re.compile(
    r"^(?P<kind>[A-Za-z]+)(@(?P<name>[^:]+))?:(?P<picture>.+?)"
    r"(:(?P<weight>\d*\.?\d+)(:(?P<start>\d*\.?\d+)-(?P<end>\d*\.?\d+))?)?$"
)
_REFERENCE = re.compile(r"^((?P<name>[^:@/\\]+)@)?(?P<picture>.+?)(:(?P<weight>\d*\.?\d+))?$")
_KINDS_ELSEWHERE = {
    "scribble": ControlKind.LINE,
    "lineart": ControlKind.LINE,
    "sketch": ControlKind.LINE,
    "softedge": ControlKind.LINE,
    "hed": ControlKind.LINE,
    "openpose": ControlKind.POSE,
    "midas": ControlKind.DEPTH,
    "zoe": ControlKind.DEPTH,
    "edges": ControlKind.CANNY,
}
"""What the field calls them, after its networks and preprocessors."""
_WANTED = {"circle": ("x", "y", "radius"), "rect": ("x", "y", "width", "height")}


@dataclass(frozen=True, slots=True)
class Length:
    """Pixels of the source picture, or per cent of its width (x, width, radius) or height (y, height)."""

    value: float
    per_cent: bool

    def of(self, whole: int) -> float:
        """In pixels, where the whole side has that many."""
        return self.value * whole / 100 if self.per_cent else self.value


@dataclass(frozen=True, slots=True)
class Shape:
    """A circle (x, y, radius) or a rectangle (x, y, width, height) on the source picture."""

    kind: Literal["circle", "rect"]
    numbers: tuple[Length, ...]


@dataclass(frozen=True, slots=True)
class ControlAsked:
    """A control as written: which kind, from which file or asset, how strongly and when."""

    kind: ControlKind
    name: str | None
    """Of the network; None: the first of that kind."""
    picture: str
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True, slots=True)
class ReferenceAsked:
    """A reference as written: from which file or asset, how strongly, through which network."""

    picture: str
    name: str | None = None
    """Of the network; None: the first that fits the base."""
    weight: float = 1.0


def shape(text: str) -> Shape | None:
    """``circle:64,40,20`` or ``rect:0,0,50%,30``; None when the text is no shape (a file, ``alpha``).

    :class:`InputError` when it begins as one and is none.
    """
    match = _SHAPE.match(text.strip())
    if match is None:
        return None
    kind = match["kind"].lower()
    wanted = _WANTED[kind]
    parts = [part.strip() for part in match["numbers"].split(",")]
    found = [re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", part) for part in parts]
    if len(parts) != len(wanted) or not all(found):
        raise InputError(
            f"mask '{text}' is not a {kind}.",
            f"A {kind} is {kind}:{','.join(wanted)} in pixels of the picture, or in per cent.",
            "Write for instance --mask circle:64,40,20 or --mask rect:0,0,50%,100%.",
        )
    numbers = tuple(Length(float(one[1]), per_cent=bool(one[2])) for one in found if one)
    return Shape("circle" if kind == "circle" else "rect", numbers)


def extend(text: str) -> Extend:
    """Pixels per side from ``left=64,top=32``, or from ``64`` for all sides; multiples of 8."""
    sides: dict[str, int] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip().lower() for piece in part.partition("="))
        names = [name] if equals else ["left", "top", "right", "bottom"]
        number = number if equals else name
        if (
            not number.isdecimal()
            or int(number) % 8
            or int(number) > 8192
            or any(one not in Extend.model_fields or one in sides for one in names)
        ):
            raise InputError(
                f"extend '{text}' cannot be used.",
                "It names pixels per side, in multiples of 8 up to 8192: left, top, right, bottom.",
                "Write for instance --extend left=64,right=64, or --extend 32 for every side.",
            )
        sides.update(dict.fromkeys(names, int(number)))
    return Extend(**sides)


def hires_size(text: str, first: tuple[int, int]) -> tuple[int, int]:
    """The larger size from ``2x`` or ``256x320`` over a first pass of that size; multiples of 8."""
    cleaned = text.strip().lower()
    factor = re.fullmatch(r"(\d+(?:\.\d+)?)x", cleaned)
    sides = re.fullmatch(r"(\d+)x(\d+)", cleaned)
    if factor:
        width, height = (round(side * float(factor[1]) / 8) * 8 for side in first)
    elif sides:
        width, height = int(sides[1]), int(sides[2])
    else:
        raise _no_hires(text, "It is a factor, or a size in pixels.")
    if width % 8 or height % 8 or max(width, height) > 8192:
        raise _no_hires(text, f"{width} x {height} is not in multiples of 8 up to 8192.")
    if width < first[0] or height < first[1] or (width, height) == first:
        raise _no_hires(
            text, f"{width} x {height} is not larger than the first pass, {first[0]} x {first[1]}."
        )
    if abs(width * first[1] / first[0] - height) > 8:
        raise _no_hires(text, f"{width} x {height} has other proportions than {first[0]} x {first[1]}.")
    return width, height


def _no_hires(text: str, why: str) -> InputError:
    return InputError(f"hires '{text}' cannot be used.", why, "Write for instance --hires 2x.")


def control(text: str) -> ControlAsked:
    """A control from ``line:sketch.png``, ``line:sketch.png:0.8``, ``line@mine:sketch.png:0.8:0-0.5``."""
    match = _CONTROL.match(text.strip())
    kinds = {kind.value: kind for kind in ControlKind}
    if match is not None and (ours := _KINDS_ELSEWHERE.get(match["kind"].lower())) is not None:
        raise InputError(
            f"'{match['kind']}' is called {ours.value} here.",
            f"Kinds of control pictures are {', '.join(kinds)}.",
            f"Write --control {ours.value}{text.strip()[len(match['kind']) :]}.",
        )
    if match is None or match["kind"].lower() not in kinds:
        raise InputError(
            f"control '{text}' cannot be used.",
            f"It is KIND:PICTURE[:WEIGHT[:START-END]], with KIND one of {', '.join(kinds)}.",
            "Write for instance --control line:sketch.png:0.8:0-0.6.",
        )
    return ControlAsked(
        kind=kinds[match["kind"].lower()],
        name=match["name"],
        picture=match["picture"],
        weight=float(match["weight"] or 1),
        start=float(match["start"] or 0),
        end=float(match["end"] or 1),
    )


def reference(text: str) -> ReferenceAsked:
    """A reference from ``muse.png``, ``muse.png:0.6`` or ``my-adapter@muse.png:0.6``."""
    match = _REFERENCE.match(text.strip())
    if match is None:
        raise InputError(
            f"reference '{text}' cannot be used.",
            "It is [NETWORK@]PICTURE[:WEIGHT].",
            "Write for instance --reference muse.png:0.6.",
        )
    return ReferenceAsked(match["picture"], match["name"], float(match["weight"] or 1))
