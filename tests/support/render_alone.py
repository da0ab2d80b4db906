"""Renders the recipes of an order file and prints their pixel hashes: the other process of the bit tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from duktus.domain.base import Base
from duktus.domain.recipe import Recipe
from duktus.rendering.compare import pixel_hash
from duktus.rendering.renderer import Renderer

if __name__ == "__main__":
    order = json.loads(Path(sys.argv[1]).read_text())
    style, file = order["style"]
    renderer = Renderer(Base.model_validate(order["base"]), {style: Path(file)}, batch=4)
    recipes = [Recipe.model_validate(one) for one in order["recipes"]]
    found = {picture.index: pixel_hash(picture.pixels) for picture in renderer.render(recipes)}
    print(json.dumps([found[index] for index in range(len(recipes))]))  # noqa: T201
