"""How far drafts are from proof: measured once for each kind of draft on this machine, and kept.

A kind is everything that decides the shape of the computation, with the base, the device and the versions.
The first draft of a kind is rendered in both lanes; later ones take its figure and say whose it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duktus.actions.workspace import Workspace
from duktus.archive.store import write_whole
from duktus.domain.asset import DraftMeasured, Facts
from duktus.domain.canonical import canonical_json, sha256_hex
from duktus.domain.recipe import Lane, Recipe
from duktus.rendering.compare import compare
from duktus.rendering.groups import GUIDED, shape_key

if TYPE_CHECKING:
    from duktus.rendering import Renderer


def measured_drafts(
    workspace: Workspace, renderer: Renderer, recipes: Sequence[Recipe]
) -> dict[str, DraftMeasured]:
    """By the hash of each draft recipe among ``recipes``: how far drafts of its kind are from proof."""
    drafts = [recipe for recipe in recipes if recipe.numerics.lane is Lane.DRAFT]
    if not drafts:
        return {}
    path = workspace.root / "archive" / "drafts.json"
    known = _read(path)
    here = renderer.facts().model_dump(mode="json", exclude={"seconds", "threads"})
    kinds = {recipe.hash: _kind(recipe, here) for recipe in drafts}
    missing = [recipe for recipe in drafts if kinds[recipe.hash] not in known]
    for recipe in missing:
        if kinds[recipe.hash] not in known:
            known[kinds[recipe.hash]] = _measure(renderer, recipe)
    if missing:
        plain = {kind: one.model_dump(mode="json") for kind, one in known.items()}
        write_whole(path, json.dumps(plain, indent=1).encode())
    return {name: known[kind] for name, kind in kinds.items()}


def marked(facts: Facts, draft: DraftMeasured | None) -> Facts:
    """The facts of a picture with the figure of its draft, when it is one."""
    return facts if draft is None else facts.model_copy(update={"draft": draft})


def _measure(renderer: Renderer, recipe: Recipe) -> DraftMeasured:
    proof = recipe.model_copy(update={"numerics": recipe.numerics.model_copy(update={"lane": Lane.PROOF})})
    one, other = (next(iter(renderer.render([lane]))) for lane in (proof, recipe))
    psnr = compare(one.pixels, other.pixels).psnr
    return DraftMeasured(psnr=None if math.isinf(psnr) else round(psnr, 2), recipe=recipe.id)


def _kind(recipe: Recipe, facts: dict[str, Any]) -> str:
    return sha256_hex(canonical_json([recipe.base.weights, repr(shape_key(recipe)), round(GUIDED, 4), facts]))


def _read(path: Path) -> dict[str, DraftMeasured]:
    """What was measured before; a file that cannot be read is measured anew."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return {kind: DraftMeasured.model_validate(value) for kind, value in values.items()}
    except (OSError, ValueError, AttributeError):
        return {}
