"""Bases, styles, prompts and picture files that a workspace keeps, and whether it is well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duktus.actions.bases import BaseChecked, BaseListed, BaseRemoved, BaseShown
    from duktus.actions.import_pictures import Imported
    from duktus.actions.machine import Finding
    from duktus.actions.prompt_library import Changed, Listed
    from duktus.actions.prompt_library import Shown as SnippetShown
    from duktus.actions.style_files import Checked, Repair
    from duktus.domain.asset import Asset, PictureFormat
    from duktus.domain.base import Base
    from duktus.domain.snippet import Snippet
    from duktus.domain.style import Style


from duktus.notebook.door import Door, id_of, name_of


class Keeping(Door):
    """Bases, styles, prompts and picture files that a workspace keeps, and whether it is well."""

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

    def add_base(
        self,
        source: str | Path,
        *,
        name: str | None = None,
        role: str | None = None,
        revision: str | None = None,
        config: str | Path | None = None,
        parts: str | Path | None = None,
    ) -> Base:
        """Add a base from a diffusers folder, a .safetensors file or a hub id.

        ``config`` is a folder or hub id with the settings of a single file's family, ``parts`` a folder or
        base with what a file of a transformer alone lacks; ``role`` one of ``"teach and render"``,
        ``"render only"``, ``"teach only"``.
        """
        from duktus.actions.add_base import Wanted, add_base
        from duktus.domain.base import role_of

        wanted = Wanted(
            str(source),
            name,
            None if role is None else role_of(role),
            revision,
            None if config is None else str(config),
            None if parts is None else str(parts),
        )
        return add_base(self._inner, wanted, progress=self._progress).base

    def doctor(self, *, base: str | None = None, quick: bool = False) -> list[Finding]:
        """Check the machine and the workspace, and try what it computes in on a base: the workspace's own
        when None, nothing when ``quick``. Each finding says what to do where it is not well.
        """
        from duktus.actions.doctor import doctor

        return doctor(self._inner, base=base, quick=quick, progress=self._progress)

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
        return export_style(self._inner, name_of(style), place, program=program, full_metadata=full_metadata)

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

        names = [id_of(asset) for asset in assets]
        return list(export_pictures(self._inner, names, Path(out), kind=kind, strip=strip))

    def scrub(self, picture: str | Path, out: str | Path | None = None, *, everything: bool = False) -> Path:
        """Write a copy of a picture without its metadata; ``everything`` takes the AI mark out too."""
        from duktus.actions.scrub import scrub

        return scrub(Path(picture), None if out is None else Path(out), everything=everything).path
