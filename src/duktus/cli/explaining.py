"""A picture file explained, for ``show``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duktus.actions.foreign.completing import Completed
    from duktus.actions.show import Shown
    from duktus.domain.foreign import ForeignRecipe
    from duktus.rendering.metadata.explain import Explained

_PLAIN = (
    "prompt", "negative_prompt", "seed", "steps", "cfg", "guidance", "sampler", "schedule", "denoise",
    "variation_seed", "variation_strength", "clip_skip", "noise",
)  # fmt: skip


def explained_json(found: Explained) -> dict[str, Any]:
    """What a file says of itself."""
    return {
        "container": found.container,
        "width": found.width,
        "height": found.height,
        "bytes": found.size,
        "blocks": [{"place": one.place, "key": one.key, "length": one.length} for one in found.blocks],
        "foreign": found.foreign.model_dump(mode="json") if found.foreign else None,
        "others": list(found.others),
        "source_type": found.source_type,
        "signed": found.signed,
        "damage": list(found.damage),
        "notes": list(found.notes),
    }


def completed_json(found: Completed | None) -> dict[str, Any] | None:
    """What this workspace can make of a foreign recipe."""
    if found is None:
        return None
    recipe = found.recipe.as_json() if found.recipe else None
    return {"recipe": recipe, "missing": list(found.missing), "cautions": list(found.cautions)}


def harmless(text: str) -> str:
    """A stranger's text as one line that cannot steer a terminal: what does not print is escaped."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def explained_lines(shown: Shown) -> Iterator[str]:
    """The same for people."""
    yield from (harmless(line) for line in _lines(shown))


def _lines(shown: Shown) -> Iterator[str]:
    found = shown.explained
    yield f"  {'file':<16} {found.container}, {found.width} x {found.height} pixels, {found.size:,} bytes"
    if shown.imported is not None:
        yield f"  {'imported':<16} {shown.imported.created:%Y-%m-%d %H:%M} UTC from {shown.imported.source}"
    foreign = found.foreign or (shown.imported.foreign if shown.imported else None)
    if shown.recipe is None and foreign is not None:
        yield from _foreign(foreign)
    elif shown.recipe is None:
        yield f"  {'made by':<16} unknown: nothing in it says how it was made"
    if shown.completed is not None:
        yield from _completed(shown.completed)
    if found.others:
        yield f"  {'also in it':<16} settings as {', '.join(found.others)} writes them"
    blocks = ", ".join(f"{one.key} ({one.place}, {one.length:,})" for one in found.blocks)
    yield f"  {'metadata':<16} {blocks or 'none'}"
    yield f"  {'marked as':<16} {found.source_type or 'nothing: it does not say that a model made it'}"
    for text in found.damage:
        yield f"  {'damaged':<16} {text}"
    for text in found.notes:
        yield f"  {'note':<16} {text}"


def _foreign(foreign: ForeignRecipe) -> Iterator[str]:
    yield f"  {'made by':<16} {foreign.tool.value} {foreign.version}".rstrip()
    for name in _PLAIN:
        value = getattr(foreign, name)
        if value not in (None, ""):
            yield f"  {name:<16} {value}"
    if foreign.width and foreign.height:
        yield f"  {'size':<16} {foreign.width} x {foreign.height}"
    if foreign.model is not None:
        yield f"  {'model':<16} {foreign.model.name} {foreign.model.hash}".rstrip()
    for one in foreign.adapters:
        of_text = "" if one.strength_text is None else f", of the text encoder {one.strength_text:g}"
        yield f"  {'LoRA':<16} {one.name} strength {one.strength:g}{of_text} {one.hash}".rstrip()
    for one in foreign.unmapped:
        value = one.value if len(one.value) <= 80 else f"{one.value[:77]}..."
        yield f"  {'not mapped':<16} {one.name} = {value}: {one.why}"


def _completed(found: Completed) -> Iterator[str]:
    if found.recipe is not None:
        yield f"  {'as a recipe':<16} {found.recipe.id}: this workspace can render it"
    for text in found.missing:
        yield f"  {'missing':<16} {text}"
    for text in found.cautions:
        yield f"  {'careful':<16} {text}"
