"""Teaching, rendering, series and their proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duktus.actions.rendering import OnPreview
    from duktus.actions.sweep import Foreseen
    from duktus.actions.verify import Verified, VerifiedSeries
    from duktus.archive.series import Summary
    from duktus.domain.asset import Asset, PictureFormat
    from duktus.domain.decision import Standing
    from duktus.domain.foreign import Picture
    from duktus.domain.style import Style


from duktus.notebook.asking import OneOrMore, request_of
from duktus.notebook.door import Door, id_of


@dataclass(frozen=True, slots=True)
class SeriesHandle:
    """A series with its assets in the order of its cells."""

    workspace: Making
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


class Making(Door):
    """Teaching, rendering, series and their proof."""

    def teach(
        self,
        pictures: str | Path,
        *,
        name: str,
        trigger: str,
        base: str | None = None,
        template: str | None = None,
        held_out: str | Path | int | None = None,
        prior_pictures: str | Path | None = None,
        resume: bool = False,
        **settings: Any,
    ) -> Style:
        """Teach a style from a folder of pictures.

        ``settings`` are fields of :class:`duktus.domain.style.TeachSettings` that differ from the base's
        own, e.g. ``steps=200``. ``prior="a portrait of a woman"`` names a class that the base shall go on
        drawing as before; it draws pictures of it itself, unless ``prior_pictures`` is a folder of some.
        ``held_out`` is a folder of further pictures to measure on, or how many of these are held out.
        """
        from duktus.actions.teach_style import teach_style
        from duktus.actions.teaching.lesson import Lesson

        lesson = Lesson(
            pictures=Path(pictures),
            name=name,
            trigger=trigger,
            base=base,
            template=template,
            held_out=Path(held_out) if isinstance(held_out, str) else held_out,
            prior_pictures=None if prior_pictures is None else Path(prior_pictures),
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

        request = request_of(prompt, style, seed, base, options)
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
            id_of(asset),
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
        ``schedule``, ``size`` as (width, height), ``clip_skip``, ``negative``; ``strength`` and
        ``text_strength`` also by style; and where it applies ``denoise``, ``control_weight``,
        ``variation_strength``, ``hires_denoise``.
        Also ``replace`` (lists of texts), ``zip`` (lists of axes), ``skip`` (``"strength=0, cfg=5"``),
        ``draw``, ``wildcard_seed`` and ``wildcards`` (a dict of lists), as in a sweep file.

        What the pictures begin from, for all of them alike: ``image`` (a file or an asset) with ``denoise``,
        ``mask``, ``mask_inverted``, ``mask_feather`` and ``extend``; ``variation_seed`` and
        ``variation_strength``; ``controls``; ``references``; ``hires`` with ``hires_denoise``,
        ``hires_steps`` and ``hires_by``; ``refiner`` with ``refine_at``; ``draft``. They are written as on
        the command line
        (:class:`duktus.actions.beginnings.beginning_asked.Beginning`).
        """
        from duktus.actions.sweep import sweep

        done = sweep(
            self._inner,
            request_of(prompt, style, seed, base, options),
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
        parent: Picture | str | Path,
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
        (width, height), ``clip_skip``; and in the prompt ``add``, ``drop``, ``swap`` ("old => new"), each one
        text or several, the same with ``negative_`` before it; and a beginning as for :meth:`sweep`. The
        settings of an imported picture are taken over as far as they map, on ``base`` when given. What the
        parent began from stays unless it is said anew; ``without`` drops ``"image"``, ``"mask"``,
        ``"control"``, ``"reference"``, ``"variation"``, ``"hires"``, ``"upscale"`` or ``"draft"``.
        ``aim`` says what is sought.
        """
        from duktus.actions.going_on import go_on
        from duktus.actions.wanting import wanted

        went = go_on(
            self._inner,
            id_of(parent),
            wanted(changes),
            aim=aim,
            out=None if out is None else Path(out),
            kind=kind,
            steps_strip=steps_strip,
            progress=self._progress,
        )
        return list(went.assets)

    def sweep_from(
        self,
        picture: Picture | str | Path,
        *,
        name: str | None = None,
        seed: OneOrMore[int] = (),
        **options: Any,
    ) -> SeriesHandle:
        """Lay axes over the recipe of a picture; ``prompt``, ``style``, ``base`` and ``options`` as for
        :meth:`sweep` say what is different.
        """
        from duktus.actions.sweep import sweep
        from duktus.actions.sweeping_from import around

        prompt, style, base = (options.pop(key, ()) for key in ("prompt", "style", "base"))
        further = request_of(prompt, style, seed, base, options)
        request, notes = around(self._inner, id_of(picture), further)
        if self._progress is not None:
            for note in notes:
                self._progress.say(note)
        return self.series(sweep(self._inner, request, name=name, progress=self._progress).series.name)

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

        return foresee(self._inner, request_of(prompt, style, seed, base, options), name=name)

    def sweep_file(self, path: str | Path, *, name: str | None = None) -> SeriesHandle:
        """Render the sweep written in a ``.sweep.toml`` file."""
        from duktus.actions.sweep import sweep
        from duktus.actions.sweeping.sweep_file import read

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

        extend(self._inner, series, request_of(prompt, (), seed, base, options), progress=self._progress)
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

    def verify(self, asset: Asset | str | Path, *, base: str | None = None) -> Verified:
        """Render a picture again and compare every pixel, on ``base`` where it has another name here."""
        from duktus.actions.verify import verify

        return verify(self._inner, id_of(asset), base=base, progress=self._progress)

    def verify_series(self, name: str, *, base: str | None = None) -> VerifiedSeries:
        """Render every picture of a series again and compare every pixel."""
        from duktus.actions.verify import verify_series

        return verify_series(self._inner, name, base=base, progress=self._progress)

    def diary(
        self, subject: Picture | str, out: str | Path, *, title: str | None = None, language: str = "en"
    ) -> Path:
        """Write the diary of a series, a collection or the way to a picture, as .pdf, .html or .md."""
        from duktus.actions.diary import write_diary

        return write_diary(
            self._inner, id_of(subject), Path(out), title=title, language=language, progress=self._progress
        ).path
