"""What a recipe cannot hold, in words."""

from __future__ import annotations

from pydantic import ValidationError

from duktus.domain.errors import InputError

_BOUNDS = {
    "greater_than_equal": "It is {ge} or more.",
    "greater_than": "It is more than {gt}.",
    "less_than_equal": "It is at most {le}.",
    "less_than": "It is less than {lt}.",
    "multiple_of": "It is a multiple of {multiple_of}.",
}


def out_of_bounds(error: ValidationError) -> InputError:
    """The first thing that is wrong, with its bound."""
    first = error.errors()[0]
    name = str(first["loc"][-1]) if first["loc"] else "This recipe"
    value = first["input"]
    given = f" {value!r}" if isinstance(value, (str, int, float)) else ""
    bound = _BOUNDS.get(first["type"])
    why = bound.format(**first.get("ctx", {})) if bound else f"{first['msg'].removeprefix('Value error, ')}."
    if name == "seed" and value == -1:
        next_step = "For a seed by chance leave it out: duktus render draws one and says which."
    else:
        next_step = "Choose a value within that bound." if bound else "Change one of the two."
    return InputError(f"{name}{given} cannot be used.", f"{why[:1].upper()}{why[1:]}", next_step)
