"""`duktus log`: the way from the training pictures through every step to a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from duktus.actions.workspace import Workspace
from duktus.archive import collections, decisions, descents, pictures, series, styles, ways
from duktus.archive.store import write_whole
from duktus.domain.asset import Asset
from duktus.domain.beginning import Source
from duktus.domain.beginning_told import beginning_told, short
from duktus.domain.changes import plain, told
from duktus.domain.decision import DecisionEvent, Standing, counting, standing
from duktus.domain.descent import Aim, Descent, Subject
from duktus.domain.errors import InputError, NotFoundError
from duktus.domain.foreign import ForeignRecipe, Picture
from duktus.domain.recipe import Lane, Recipe
from duktus.domain.style import Style
from duktus.domain.way import Graph, Link, Node, NodeKind
from duktus.rendering.graphs import WRITERS

ENDINGS = {".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg"}


@dataclass(frozen=True, slots=True)
class Step:
    """One picture on the way. ``descent`` says how it came from the one before, whose recipe was changed;
    None where it was drawn over the one before (``over``), and for the first, which alone may be an imported
    one.
    """

    picture: Picture
    descent: Descent | None
    over: Source | None
    aim: Aim | None
    standing: Standing
    decisions: tuple[DecisionEvent, ...]
    """Those that count, oldest first."""
    made_from: Mapping[str, str] = field(default_factory=dict[str, str])
    """The ids of the pictures that its recipe begins from and this archive knows, by their file hashes."""


@dataclass(frozen=True, slots=True)
class Way:
    """Everything on the way to a picture, oldest first."""

    styles: tuple[Style, ...]
    """The styles of all steps that this workspace taught, in the order in which they were first used."""
    steps: tuple[Step, ...]
    onward: tuple[Descent, ...]
    """What was made from the picture afterwards."""
    series: tuple[str, ...]
    collections: tuple[str, ...]


def log(workspace: Workspace, name: str) -> Way:
    """The way to the picture behind an id, the beginning of one, or a file."""
    with workspace.archive.read() as connection:
        last = pictures.named(connection, name)
        way = ways.to(connection, last)
        ids = [picture.id for picture, _ in way]
        listed = {picture.id: picture for picture, _ in way}
        aims = descents.aims_of(connection, Subject.ASSET, ids)
        events = {asset_id: decisions.history(connection, asset_id) for asset_id in ids}
        own = [one.recipe for one in listed.values() if one.recipe is not None]
        used = dict.fromkeys(one.style for recipe in own for one in recipe.adapters)
        taught: list[Style] = []
        for style_hash in used:
            try:
                taught.append(styles.by_hash(connection, style_hash))
            except NotFoundError:
                continue  # the recipe still names it; where it was taught is told elsewhere
        steps = tuple(
            Step(
                picture,
                descent,
                picture.recipe.source if place and descent is None and picture.recipe else None,
                aims.get(picture.id),
                standing(events[picture.id]),
                tuple(counting(events[picture.id])),
                pictures.ids_of(connection, picture.recipe.pictures if picture.recipe else ()),
            )
            for place, (picture, descent) in enumerate(way)
        )
        return Way(
            tuple(taught),
            steps,
            tuple(descents.onward(connection, last.id)),
            tuple(series.holding(connection, last.id)),
            tuple(collections.holding(connection, last.id)),
        )


def graph_of(workspace: Workspace, way: Way) -> Graph:
    """The way as nodes and links."""
    nodes: dict[str, Node] = {}
    links: list[Link] = []
    for style in way.styles:
        count = len(style.training_pictures)
        training = f"training {style.hash}"
        hashes = ", ".join(picture[:8] for picture in style.training_pictures)
        title = f"{count} training picture{'' if count == 1 else 's'}"
        nodes[training] = Node(training, NodeKind.TRAINING, title, (hashes,) if hashes else ())
        nodes.setdefault(style.base.weights, _base_node(style.base.name, style.base.weights))
        lines = (f"taught {style.steps} steps, {style.created:%Y-%m-%d}", f"verdict: {style.verdict.outcome}")
        nodes[style.hash] = Node(style.hash, NodeKind.STYLE, f"style {style.name}", lines)
        links += [Link(training, style.hash), Link(style.base.weights, style.hash)]
    first = way.steps[0].picture.recipe  # None: another program made it, and the way begins with it
    if first is not None:
        nodes.setdefault(first.base.weights, _base_node(first.base.name, first.base.weights))
    before: str | None = None
    for step in way.steps:
        shown = step.picture
        nodes[shown.id] = Node(
            shown.id, NodeKind.PICTURE, shown.id, tuple(step_lines(step)), workspace.file(shown)
        )
        if before is None and first is not None:
            origins = [one.style for one in first.adapters if one.style in nodes] or [first.base.weights]
            links += [Link(origin, shown.id, ()) for origin in origins]
        elif before is not None and step.descent is not None:
            links.append(Link(before, shown.id, tuple(told(step.descent.changes))))
        elif before is not None:  # drawn over it, which its own lines say
            links.append(Link(before, shown.id))
        before = shown.id
    return Graph(tuple(nodes.values()), tuple(links))


def step_lines(step: Step) -> list[str]:
    """What is told of a picture beside what was changed."""
    lines: list[str] = []
    if step.descent is None:
        lines.append(in_short(said_of(step.picture)))
        if step.picture.recipe is not None:
            known = beginning_told(step.picture.recipe, lambda one: step.made_from.get(one, short(one)))
            lines += [f"{part.label} {part.words}" for part in known]
    if step.aim is not None:
        lines.append(f"sought: {step.aim.text}")
    for event in step.decisions:
        stars = f" {event.stars} stars" if event.stars is not None else ""
        label = f" {event.label}" if event.label else ""
        reason = f": {event.reason}" if event.reason else ""
        lines.append(f"{event.kind}{stars}{label}{reason} ({event.author}, {event.created:%Y-%m-%d})")
    return lines


def said_of(picture: Picture) -> Recipe | ForeignRecipe | None:
    """What is known of a picture's making, by whatever program."""
    return picture.recipe if isinstance(picture, Asset) else picture.said


def in_short(said: Recipe | ForeignRecipe | None) -> str:
    """The settings of a recipe in one line; of another program's, what it says."""
    if said is None:
        return "made elsewhere; nothing says how"
    styles_ = [f"{one.name} {plain(one.strength)}" for one in said.adapters]
    if isinstance(said, ForeignRecipe):
        named = ("cfg", "seed", "steps", "sampler", "schedule")
        values = [f"{name} {plain(getattr(said, name))}" for name in named if getattr(said, name) is not None]
        return ", ".join([f"made by {said.tool.value}", *styles_, *values])
    recipe = said
    return ", ".join(
        [
            *styles_,
            f"cfg {plain(recipe.cfg)}",
            f"seed {recipe.seed}",
            f"{recipe.steps} steps {recipe.sampler.value} {recipe.schedule.value}",
            f"{recipe.width} x {recipe.height}",
            *(["draft"] if recipe.numerics.lane is Lane.DRAFT else []),
        ]
    )


def draw_way(workspace: Workspace, way: Way, kind: str, out: Path | None = None) -> str:
    """The graph as ``mermaid``, ``dot`` or ``svg`` text, also written to ``out`` when given."""
    if kind not in WRITERS:
        raise InputError(
            f"'{kind}' is no kind of graph.",
            f"Known: {', '.join(WRITERS)}.",
            "Choose one of them with --graph.",
        )
    text = WRITERS[kind](graph_of(workspace, way))
    if out is not None:
        write_whole(out, text.encode())
    return text


def graph_kind(kind: str | None, out: Path | None) -> str | None:
    """The kind of graph that is asked for, by its name or by the file's ending; None for none."""
    if kind is not None or out is None:
        return kind
    if out.suffix.lower() not in ENDINGS:
        raise InputError(
            f"{out} does not say what kind of graph it is to be.",
            f"Known endings: {', '.join(ENDINGS)}.",
            "Write for instance --out way.svg.",
        )
    return ENDINGS[out.suffix.lower()]


def _base_node(name: str, weights: str) -> Node:
    return Node(weights, NodeKind.BASE, f"base {name}", (f"weights {weights[:12]}",))
