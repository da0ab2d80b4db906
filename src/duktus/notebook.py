"""The Python door, with the verbs of the command line.

::

    import duktus

    ws = duktus.open("my-workspace")
    style = ws.teach("portraits/", name="sportrait-laz", trigger="sportrait-laz")
    series = ws.sweep("sportrait-laz, portrait of a man", style=style, strength=[0.8, 1.0], cfg=[3.8, 4.0])
    series.sheet("sheet.png")
    ws.keep(series.assets[0], reason="the eyes")

Errors that a person can mend are :class:`duktus.domain.errors.UserError`. Actions are loaded when their verb
is used, so that opening a workspace does not load torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from duktus.actions.bases import BaseChecked, BaseListed, BaseRemoved, BaseShown
    from duktus.actions.collect import Collection
    from duktus.actions.diff import Diff
    from duktus.actions.import_pictures import Imported
    from duktus.actions.log import Way
    from duktus.actions.progress import Progress
    from duktus.actions.prompt_library import Changed, Listed
    from duktus.actions.prompt_library import Shown as SnippetShown
    from duktus.actions.rendering import OnPreview
    from duktus.actions.request import Request
    from duktus.actions.search import Page
    from duktus.actions.show import Shown
    from duktus.actions.style_files import Checked, Repair
    from duktus.actions.sweep import Foreseen
    from duktus.actions.verify import Verified, VerifiedSeries
    from duktus.actions.workspace import Workspace as Inner
    from duktus.archive.collections import Summary as CollectionSummary
    from duktus.archive.series import Summary
    from duktus.domain.asset import Asset, PictureFormat
    from duktus.domain.base import Base
    from duktus.domain.decision import DecisionEvent, Standing
    from duktus.domain.descent import Aim
    from duktus.domain.query import Query
    from duktus.domain.snippet import Snippet
    from duktus.domain.style import Style

ValueT = TypeVar("ValueT")
OneOrMore = ValueT | Sequence[ValueT]


def open_workspace(path: str | Path, *, progress: Progress | None = None) -> Workspace:
    """The workspace in the folder ``path``, made when it is none yet.

    ``progress`` is told what goes on (:class:`duktus.actions.progress.Progress`); nobody when None.
    """
    from duktus.wiring import workspace_at

    inner = workspace_at(Path(path))
    inner.prepare()
    return Workspace(inner, progress)


@dataclass(frozen=True, slots=True)
class SeriesHandle:
    """A series with its assets in the order of its cells."""

    workspace: Workspace
    name: str
    assets: tuple[Asset, ...]
    notes: tuple[str, ...]
    standings: dict[str, Standing]
    """What was decided, by asset id."""

    def sheet(self, out: str | Path) -> Path:
        """Lay the contact sheet as .png or .html."""
        return self.workspace.sheet(self.name, out)

    def verify(self) -> VerifiedSeries:
        """Render every picture again and compare every pixel."""
        return self.workspace.verify_series(self.name)

    def paths(self) -> list[Path]:
        """The files of the pictures."""
        return [self.workspace.path(asset) for asset in self.assets]


class Workspace:
    """A workspace and everything that can be asked of it."""

    def __init__(self, inner: Inner, progress: Progress | None = None) -> None:
        self._inner = inner
        self._progress = progress

    @property
    def root(self) -> Path:
        """Its folder."""
        return self._inner.root

    def path(self, asset: Asset) -> Path:
        """The file of a picture."""
        return self._inner.file(asset)

    def teach(
        self,
        pictures: str | Path,
        *,
        name: str,
        trigger: str,
        base: str | None = None,
        template: str | None = None,
        held_out: str | Path | None = None,
        resume: bool = False,
        **settings: Any,
    ) -> Style:
        """Teach a style from a folder of pictures.

        ``settings`` are fields of :class:`duktus.domain.style.TeachSettings` that differ from the base's
        own, e.g. ``steps=200``.
        """
        from duktus.actions.lesson import Lesson
        from duktus.actions.teach_style import teach_style

        lesson = Lesson(
            pictures=Path(pictures),
            name=name,
            trigger=trigger,
            base=base,
            template=template,
            held_out=None if held_out is None else Path(held_out),
            resume=resume,
            changes=tuple(settings.items()),
        )
        return teach_style(self._inner, lesson, progress=self._progress).style

    def render(
        self,
        prompt: str,
        *,
        style: OneOrMore[Style | str] = (),
        seed: OneOrMore[int] = 1,
        base: str | None = None,
        aim: str = "",
        out: str | Path | None = None,
        kind: PictureFormat | None = None,
        steps_strip: bool = False,
        on_preview: OnPreview | None = None,
        **options: Any,
    ) -> list[Asset]:
        """Render one prompt, one picture per seed. ``aim`` says what is sought; ``options`` as for
        :meth:`sweep`.
        """
        from duktus.actions.render import render

        request = _request(prompt, style, seed, base, options)
        return list(
            render(
                self._inner,
                request,
                aim=aim,
                out=None if out is None else Path(out),
                kind=kind,
                steps_strip=steps_strip,
                progress=self._progress,
                on_preview=on_preview,
            ).assets
        )

    def upscale(
        self,
        asset: Asset | str | Path,
        *,
        using: str | Path | None = None,
        tile: int = 192,
        out: str | Path | None = None,
    ) -> Asset:
        """Enlarge a picture with an upscaler of the settings, a Swin2SR folder or a safetensors file."""
        from duktus.actions.upscale import upscale

        (made,) = upscale(
            self._inner,
            _id(asset),
            using=None if using is None else str(using),
            tile=tile,
            out=None if out is None else Path(out),
            progress=self._progress,
        ).assets
        return made

    def sweep(
        self,
        prompt: OneOrMore[str],
        *,
        style: OneOrMore[Style | str] = (),
        seed: OneOrMore[int] = 1,
        base: OneOrMore[str] | None = None,
        name: str | None = None,
        out: str | Path | None = None,
        kind: PictureFormat | None = None,
        steps_strip: bool = False,
        on_preview: OnPreview | None = None,
        **options: Any,
    ) -> SeriesHandle:
        """Render every combination of the values given as a series; the same call again goes on.

        ``options``, each one value or several: ``strength``, ``cfg``, ``guidance``, ``steps``, ``sampler``,
        ``schedule``, ``size`` as (width, height), ``negative``; ``strength`` also by style.
        Also ``replace`` (lists of texts), ``zip`` (lists of axes), ``skip`` (``"strength=0, cfg=5"``),
        ``draw``, ``wildcard_seed`` and ``wildcards`` (a dict of lists), as in a sweep file.

        What the pictures begin from, for all of them alike: ``image`` (a file or an asset) with ``denoise``,
        ``mask``, ``mask_inverted``, ``mask_feather`` and ``extend``; ``variation_seed`` and
        ``variation_strength``; ``controls``; ``hires`` with ``hires_denoise``, ``hires_steps`` and
        ``hires_by``; ``draft``. They are written as on the command line
        (:class:`duktus.actions.beginning_asked.Beginning`).
        """
        from duktus.actions.sweep import sweep

        done = sweep(
            self._inner,
            _request(prompt, style, seed, base, options),
            name=name,
            out=None if out is None else Path(out),
            kind=kind,
            steps_strip=steps_strip,
            progress=self._progress,
            on_preview=on_preview,
        )
        return self.series(done.series.name)

    def go_on(
        self,
        parent: Asset | str | Path,
        *,
        aim: str = "",
        out: str | Path | None = None,
        kind: PictureFormat | None = None,
        steps_strip: bool = False,
        **changes: Any,
    ) -> list[Asset]:
        """Render the recipe of a picture with changes, and remember its parent and what was changed.

        ``changes``: ``prompt``, ``negative``, ``strength``, ``style`` ("NAME:STRENGTH", one or several),
        ``seed`` (one or several), ``cfg``, ``guidance``, ``steps``, ``sampler``, ``schedule``, ``size`` as
        (width, height); and in the prompt ``add``, ``drop``, ``swap`` ("old => new"), each one
        text or several, the same with ``negative_`` before it; and a beginning as for :meth:`sweep`.
        ``aim`` says what is sought.
        """
        from duktus.actions.going_on import go_on
        from duktus.actions.wanting import wanted

        went = go_on(
            self._inner,
            _id(parent),
            wanted(changes),
            aim=aim,
            out=None if out is None else Path(out),
            kind=kind,
            steps_strip=steps_strip,
            progress=self._progress,
        )
        return list(went.assets)

    def search(self, words: str = "", *, page: int = 1, per_page: int = 50, **conditions: Any) -> Page:
        """One page of the pictures for which every condition holds.

        ``conditions`` as on the command line, numbers also as a value or a (least, most): ``style``,
        ``base``, ``strength``, ``cfg``, ``steps``, ``seed``, ``sampler``, ``schedule``, ``size``,
        ``negative_words``, ``decision``, ``stars``, ``label``, ``since``, ``until``,
        ``series``, ``collection``, ``order``; and ``saved`` and ``save`` name a kept search.
        """
        from duktus.actions.search import find, save_search, saved_search
        from duktus.domain.reading_queries import query_of

        save, saved = conditions.pop("save", None), conditions.pop("saved", None)
        known = saved_search(self._inner, saved) if saved else None
        query = query_of({"words": words, **conditions}, known)
        if save:
            save_search(self._inner, save, query)
        return find(self._inner, query, page=page, per_page=per_page)

    def saved_searches(self) -> dict[str, Query]:
        """Every kept search by its name."""
        from duktus.actions.search import saved_searches_of

        return saved_searches_of(self._inner)

    def forget_search(self, name: str) -> None:
        """Remove a kept search; the pictures it finds stay."""
        from duktus.actions.search import forget_search

        forget_search(self._inner, name)

    def collect(self, name: str, *assets: Asset | str) -> Collection:
        """Put pictures at the end of a collection, made when there is none."""
        from duktus.actions.collect import collect

        return collect(self._inner, name, [_id(asset) for asset in assets])

    def take_out(self, name: str, *assets: Asset | str) -> Collection:
        """Take pictures out of a collection; they stay in the archive."""
        from duktus.actions.collect import take_out

        return take_out(self._inner, name, [_id(asset) for asset in assets])

    def place(self, name: str, asset: Asset | str, to: int) -> Collection:
        """Put a picture of a collection at a place, counted from 1."""
        from duktus.actions.collect import place

        return place(self._inner, name, _id(asset), to)

    def collection(self, name: str) -> Collection:
        """The collection of that name with its pictures in order."""
        from duktus.actions.collect import show_collection

        return show_collection(self._inner, name)

    def list_collections(self) -> list[CollectionSummary]:
        """Every collection in short, oldest first."""
        from duktus.actions.collect import list_collections

        return list_collections(self._inner)

    def aim(self, subject: Asset | str, text: str) -> Aim:
        """Say what is sought with a series, a collection or a picture."""
        from duktus.actions.aim import say_aim

        return say_aim(self._inner, _id(subject), text).aim

    def log(self, asset: Asset | str | Path) -> Way:
        """The way from the training pictures through every step to a picture."""
        from duktus.actions.log import log

        return log(self._inner, _id(asset))

    def draw_log(self, asset: Asset | str | Path, kind: str = "svg", out: str | Path | None = None) -> str:
        """That way as a graph: ``mermaid``, ``dot`` or ``svg`` text, also written to ``out``."""
        from duktus.actions.log import draw_way, log

        way = log(self._inner, _id(asset))
        return draw_way(self._inner, way, kind, None if out is None else Path(out))

    def diary(
        self, subject: Asset | str, out: str | Path, *, title: str | None = None, language: str = "en"
    ) -> Path:
        """Write the diary of a series, a collection or the way to a picture, as .pdf, .html or .md."""
        from duktus.actions.diary import write_diary

        return write_diary(
            self._inner, _id(subject), Path(out), title=title, language=language, progress=self._progress
        ).path

    def plan(
        self,
        prompt: OneOrMore[str],
        *,
        style: OneOrMore[Style | str] = (),
        seed: OneOrMore[int] = 1,
        base: OneOrMore[str] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> Foreseen:
        """What :meth:`sweep` would render and cost; nothing is written."""
        from duktus.actions.sweep import foresee

        return foresee(self._inner, _request(prompt, style, seed, base, options), name=name)

    def sweep_file(self, path: str | Path, *, name: str | None = None) -> SeriesHandle:
        """Render the sweep written in a ``.sweep.toml`` file."""
        from duktus.actions.sweep import sweep
        from duktus.actions.sweep_file import read

        found = read(Path(path))
        done = sweep(self._inner, found.request, name=name or found.name, progress=self._progress)
        return self.series(done.series.name)

    def extend(
        self,
        series: str,
        prompt: OneOrMore[str] = (),
        *,
        seed: OneOrMore[int] = (),
        base: OneOrMore[str] | None = None,
        **options: Any,
    ) -> SeriesHandle:
        """Add values to the axes of a series; what is rendered already stays. ``options`` as for
        :meth:`sweep`.
        """
        from duktus.actions.going_further import extend

        extend(self._inner, series, _request(prompt, (), seed, base, options), progress=self._progress)
        return self.series(series)

    def resume(self, series: str) -> SeriesHandle:
        """Render what is missing of a series that was paused or stopped."""
        from duktus.actions.going_further import resume

        resume(self._inner, series, progress=self._progress)
        return self.series(series)

    def pause(self, series: str) -> None:
        """Ask whoever renders a series, in whatever process, to stop after the present step."""
        from duktus.actions.going_further import pause

        pause(self._inner, series)

    def add_snippet(self, name: str, text: str, *, kind: str = "other", brand: str = "") -> Snippet:
        """Put a piece of prompt into the library; a prompt names it ``<snippet:NAME>``."""
        from duktus.actions.prompt_library import add_snippet

        return add_snippet(self._inner, name, text, kind=kind, brand=brand)

    def change_snippet(self, name: str, text: str) -> Changed:
        """Give a snippet a new text, and learn which pictures were made with the earlier ones."""
        from duktus.actions.prompt_library import change_snippet

        return change_snippet(self._inner, name, text)

    def snippet(self, name: str) -> SnippetShown:
        """Every version of a snippet, and every picture made with any of them."""
        from duktus.actions.prompt_library import show_snippet

        return show_snippet(self._inner, name)

    def snippets(self, *, kind: str | None = None, brand: str | None = None) -> list[Listed]:
        """The prompt library."""
        from duktus.actions.prompt_library import list_snippets

        return list_snippets(self._inner, kind=kind, brand=brand)

    def sheet(self, series: str, out: str | Path) -> Path:
        """Lay the contact sheet of a series as .png or .html."""
        from duktus.actions.sheet import sheet

        return sheet(self._inner, series, Path(out), progress=self._progress)

    def series(self, name: str) -> SeriesHandle:
        """The series of that name."""
        from duktus.actions.series import show_series

        shown = show_series(self._inner, name)
        assets = tuple(shown.assets[cell.asset_id] for cell in shown.series.cells if cell.asset_id)
        return SeriesHandle(self, name, assets, shown.series.notes, shown.standings)

    def list_series(self) -> list[Summary]:
        """Every series in short, oldest first."""
        from duktus.actions.series import list_series

        return list_series(self._inner)

    def add_base(
        self,
        source: str | Path,
        *,
        name: str | None = None,
        role: str | None = None,
        revision: str | None = None,
        config: str | Path | None = None,
    ) -> Base:
        """Add a base from a diffusers folder, a .safetensors file or a hub id.

        ``config`` is a folder or hub id with the settings of a single file's family; ``role`` one of
        ``"teach and render"``, ``"render only"``, ``"teach only"``.
        """
        from duktus.actions.add_base import Wanted, add_base
        from duktus.domain.base import role_of

        wanted = Wanted(
            str(source),
            name,
            None if role is None else role_of(role),
            revision,
            None if config is None else str(config),
        )
        return add_base(self._inner, wanted, progress=self._progress).base

    def bases(self) -> list[BaseListed]:
        """Every base by name, in short."""
        from duktus.actions.bases import list_bases

        return list_bases(self._inner)

    def base(self, name: str | None = None) -> BaseShown:
        """Everything known about a base, the workspace's own when None."""
        from duktus.actions.bases import show_base

        return show_base(self._inner, name)

    def check_base(self, name: str | None = None) -> BaseChecked:
        """Whether every file of a base is there, whole, and the one that was added."""
        from duktus.actions.bases import check_base

        return check_base(self._inner, name)

    def remove_base(self, name: str) -> BaseRemoved:
        """Forget an added base."""
        from duktus.actions.bases import remove_base

        return remove_base(self._inner, name)

    def styles(self) -> list[Style]:
        """Every style, oldest first."""
        from duktus.actions.styles import list_styles

        return list_styles(self._inner)

    def style(self, name: str) -> Style:
        """The style of that name."""
        from duktus.actions.styles import show_style

        return show_style(self._inner, name)

    def export(
        self,
        style: Style | str,
        out: str | Path | None = None,
        *,
        program: str | None = None,
        full_metadata: bool = False,
    ) -> Path:
        """Copy a style's file out of the workspace; refuse unless ``program``, if named, loads it whole."""
        from duktus.actions.styles import export_style

        place = None if out is None else Path(out)
        return export_style(self._inner, _name(style), place, program=program, full_metadata=full_metadata)

    def check_style(
        self, file: str | Path, *, base: str | None = None, repair: Repair | bool = False
    ) -> Checked:
        """Say how much of a style file each program loads, and how strongly; with ``repair`` also write a
        mended copy, beside the file unless a :class:`duktus.actions.style_files.Repair` says where.
        """
        from duktus.actions.style_files import Repair, check_style

        wanted = (Repair() if repair else None) if isinstance(repair, bool) else repair
        return check_style(self._inner, Path(file), base=base, repair=wanted, progress=self._progress)

    def import_style(
        self,
        file: str | Path,
        *,
        name: str | None = None,
        base: str | None = None,
        trigger: str | None = None,
    ) -> Style:
        """Bring a style of another program into the workspace, mended where it needs it."""
        from duktus.actions.import_style import import_style

        return import_style(
            self._inner, Path(file), name=name, base=base, trigger=trigger, progress=self._progress
        ).style

    def import_pictures(self, place: str | Path) -> Imported:
        """Take a picture of another program, or every one below a folder, into the archive."""
        from duktus.actions.import_pictures import import_pictures

        return import_pictures(self._inner, Path(place), progress=self._progress)

    def export_pictures(
        self,
        *assets: Asset | str | Path,
        out: str | Path,
        kind: PictureFormat | None = None,
        strip: bool = False,
    ) -> list[Path]:
        """Copy pictures out, in another format or without their prompt."""
        from duktus.actions.export_pictures import export_pictures

        names = [_id(asset) for asset in assets]
        return list(export_pictures(self._inner, names, Path(out), kind=kind, strip=strip))

    def scrub(self, picture: str | Path, out: str | Path | None = None, *, everything: bool = False) -> Path:
        """Write a copy of a picture without its metadata; ``everything`` takes the AI mark out too."""
        from duktus.actions.scrub import scrub

        return scrub(Path(picture), None if out is None else Path(out), everything=everything).path

    def show(self, asset: Asset | str | Path) -> Shown:
        """Everything known about a picture, or what any picture file says of itself."""
        from duktus.actions.show import show

        return show(self._inner, _id(asset))

    def diff(self, a: Asset | str | Path, b: Asset | str | Path) -> Diff:
        """Which parameters differ between two pictures."""
        from duktus.actions.diff import diff

        return diff(self._inner, _id(a), _id(b))

    def verify(self, asset: Asset | str | Path, *, base: str | None = None) -> Verified:
        """Render a picture again and compare every pixel, on ``base`` where it has another name here."""
        from duktus.actions.verify import verify

        return verify(self._inner, _id(asset), base=base, progress=self._progress)

    def verify_series(self, name: str, *, base: str | None = None) -> VerifiedSeries:
        """Render every picture of a series again and compare every pixel."""
        from duktus.actions.verify import verify_series

        return verify_series(self._inner, name, base=base, progress=self._progress)

    def keep(self, *assets: Asset | str, reason: str = "") -> list[DecisionEvent]:
        """Keep pictures."""
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind

        return decide(self._inner, [_id(asset) for asset in assets], DecisionKind.KEEP, reason=reason)

    def discard(self, *assets: Asset | str, reason: str = "") -> list[DecisionEvent]:
        """Discard pictures; their files stay."""
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind

        return decide(self._inner, [_id(asset) for asset in assets], DecisionKind.DISCARD, reason=reason)

    def rate(self, *assets: Asset | str, stars: int, reason: str = "") -> list[DecisionEvent]:
        """Give pictures 0 to 5 stars."""
        from duktus.actions.decide import rate

        return rate(self._inner, [_id(asset) for asset in assets], stars, reason=reason)

    def undecided(self, *assets: Asset | str, reason: str = "") -> list[DecisionEvent]:
        """Put pictures back to the undecided."""
        from duktus.actions.decide import decide
        from duktus.domain.decision import DecisionKind

        return decide(self._inner, [_id(asset) for asset in assets], DecisionKind.UNDECIDED, reason=reason)

    def label(self, *assets: Asset | str, colour: str, reason: str = "") -> list[DecisionEvent]:
        """Give pictures a colour label: red, yellow, green, blue, purple, or none."""
        from duktus.actions.decide import label

        return label(self._inner, [_id(asset) for asset in assets], colour, reason=reason)

    def redo(self, asset: Asset | str | None = None) -> DecisionEvent:
        """Bring back what was undone last, of one picture or of all; what was brought back."""
        from duktus.actions.decide import redo

        return redo(self._inner, None if asset is None else _id(asset))[1]

    def undo(self, asset: Asset | str | None = None) -> DecisionEvent:
        """Take back the newest decision, of one picture or of all; what was taken back."""
        from duktus.actions.decide import undo

        return undo(self._inner, None if asset is None else _id(asset))[1]


def _id(asset: Asset | str | Path) -> str:
    return str(asset) if isinstance(asset, (str, Path)) else asset.id


def _name(style: Style | str) -> str:
    return style if isinstance(style, str) else style.name


def _several(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, str) or not isinstance(value, Sequence) else tuple(value)


def _request(
    prompt: OneOrMore[str],
    style: OneOrMore[Style | str],
    seed: OneOrMore[int],
    base: OneOrMore[str] | None,
    options: dict[str, Any],
) -> Request:
    from duktus.actions.beginning_asked import NAMES, from_options
    from duktus.actions.request import Request
    from duktus.domain import axes
    from duktus.domain.errors import InputError

    denoises = ()
    if isinstance(options.get("denoise"), Sequence):
        denoises = tuple(options["denoise"])
        options = {name: value for name, value in options.items() if name != "denoise"}
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
    }
    special = ("control_weight", "replace", "zip", "skip", "draw", "wildcard_seed", "wildcards")
    known_too = (*known, *special)
    unknown = [option for option in options if option not in known_too]
    if unknown:
        raise InputError(
            f"The option '{unknown[0]}' is unknown.",
            f"Known: {', '.join([*known_too, *NAMES])}.",
        )
    plain = {option: value for option, value in options.items() if option in known}
    strengths: Any = plain.pop("strength") if isinstance(plain.get("strength"), Mapping) else {}
    values: dict[str, Any] = {known[option]: _several(value) for option, value in plain.items()}
    if "sizes" in values and not isinstance(values["sizes"][0], (tuple, list)):
        values["sizes"] = (values["sizes"],)
    values["samplers"] = tuple(axes.samplers([str(value) for value in values.get("samplers", ())]))
    values["schedules"] = tuple(axes.schedules([str(value) for value in values.get("schedules", ())]))
    return Request(
        prompts=_several(prompt),
        styles=tuple(axes.style_strength(_name(one)) for one in _several(style)),
        text_strengths=tuple(filter(None, (axes.style_text_strength(_name(one)) for one in _several(style)))),
        seeds=_several(seed),
        beginning=beginning,
        bases=() if base is None else _several(base),
        style_strengths=tuple((name, _several(given)) for name, given in strengths.items()),
        replacements=_rows(options.get("replace", ())),
        zipped=_rows(options.get("zip", ())),
        skipped=tuple(axes.pairs("skip", text) for text in _several(options.get("skip", ()))),
        denoises=denoises,
        control_weights=_several(options.get("control_weight", ())),
        draw=options.get("draw"),
        wildcard_seed=options.get("wildcard_seed", 1),
        lists=tuple((name, tuple(given)) for name, given in options.get("wildcards", {}).items()),
        **values,
    )


def _rows(given: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    """One row of texts, or several."""
    rows = [given] if given and isinstance(given[0], str) else given
    return tuple(tuple(row) for row in rows)
