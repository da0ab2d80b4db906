"""One value or several, as Python gives them, made into a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from duktus.notebook.door import name_of

if TYPE_CHECKING:
    from duktus.actions.recipes.request import Request
    from duktus.domain.style import Style

ValueT = TypeVar("ValueT")
OneOrMore = ValueT | Sequence[ValueT]


def several(value: Any) -> tuple[Any, ...]:
    """One value or several, as several."""
    return (value,) if isinstance(value, str) or not isinstance(value, Sequence) else tuple(value)


def request_of(
    prompt: OneOrMore[str],
    style: OneOrMore[Style | str],
    seed: OneOrMore[int],
    base: OneOrMore[str] | None,
    options: dict[str, Any],
) -> Request:
    """The request that the arguments of a verb make; :class:`InputError` for an option nobody knows."""
    from duktus.actions.beginnings.beginning_asked import NAMES, from_options
    from duktus.actions.recipes.request import Request
    from duktus.domain import axes
    from duktus.domain.errors import InputError

    over = {  # several values of these make an axis
        name: tuple(options[name])
        for name in ("denoise", "variation_strength", "hires_denoise")
        if isinstance(options.get(name), Sequence)
    }
    options = {name: value for name, value in options.items() if name not in over}
    beginning, options = from_options(options)
    known = {
        "strength": "strengths",
        "cfg": "cfgs",
        "guidance": "guidances",
        "steps": "steps",
        "sampler": "samplers",
        "schedule": "schedules",
        "size": "sizes",
        "negative": "negatives",
        "clip_skip": "clip_skips",
    }
    special = (
        "control_weight",
        "reference_weight",
        "text_strength",
        "replace",
        "zip",
        "skip",
        "draw",
        "wildcard_seed",
        "wildcards",
    )
    known_too = (*known, *special)
    unknown = [option for option in options if option not in known_too]
    if unknown:
        raise InputError(
            f"The option '{unknown[0]}' is unknown.",
            f"Known: {', '.join([*known_too, *NAMES])}.",
        )
    plain = {option: value for option, value in options.items() if option in known}
    strengths: Any = plain.pop("strength") if isinstance(plain.get("strength"), Mapping) else {}
    values: dict[str, Any] = {known[option]: several(value) for option, value in plain.items()}
    if "sizes" in values and not isinstance(values["sizes"][0], (tuple, list)):
        values["sizes"] = (values["sizes"],)
    values["samplers"] = tuple(axes.samplers([str(value) for value in values.get("samplers", ())]))
    values["schedules"] = tuple(axes.schedules([str(value) for value in values.get("schedules", ())]))
    return Request(
        prompts=several(prompt),
        styles=tuple(axes.style_strength(name_of(one)) for one in several(style)),
        text_strengths=tuple(
            filter(None, (axes.style_text_strength(name_of(one)) for one in several(style)))
        ),
        seeds=several(seed),
        beginning=beginning,
        bases=() if base is None else several(base),
        style_strengths=tuple((name, several(given)) for name, given in strengths.items()),
        replacements=_rows(options.get("replace", ())),
        zipped=_rows(options.get("zip", ())),
        skipped=tuple(axes.pairs("skip", text) for text in several(options.get("skip", ()))),
        denoises=over.get("denoise", ()),
        variation_strengths=over.get("variation_strength", ()),
        hires_denoises=over.get("hires_denoise", ()),
        style_text_strengths=_text_strengths(options.get("text_strength", ()), several(style)),
        control_weights=several(options.get("control_weight", ())),
        reference_weights=several(options.get("reference_weight", ())),
        draw=options.get("draw"),
        wildcard_seed=options.get("wildcard_seed", 1),
        lists=tuple((name, tuple(given)) for name, given in options.get("wildcards", {}).items()),
        **values,
    )


def _text_strengths(given: Any, used: Sequence[Any]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """By style; values alone are those of the one style."""
    from duktus.domain.errors import InputError

    if given == ():
        return ()
    if isinstance(given, Mapping):
        return tuple((name, several(values)) for name, values in given.items())
    if len(used) != 1:
        raise InputError(
            f"text_strength was given with {len(used) or 'no'} styles.",
            "It is the text strength of one style.",
            "Name which one you mean: text_strength={'hand': [0.8, 1.0]}.",
        )
    return ((name_of(used[0]).partition(":")[0], several(given)),)


def _rows(given: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    """One row of texts, or several."""
    rows = [given] if given and isinstance(given[0], str) else given
    return tuple(tuple(row) for row in rows)
