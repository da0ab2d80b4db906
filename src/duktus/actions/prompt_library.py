"""`duktus prompts`: snippets to compose prompts from, and which pictures use them."""

from __future__ import annotations

from dataclasses import dataclass

from duktus.actions.names import checked_name
from duktus.actions.workspace import Workspace
from duktus.archive import snippets
from duktus.archive.snippets import Use
from duktus.archive.times import now
from duktus.domain import templates
from duktus.domain.errors import ConflictError, InputError, NotFoundError
from duktus.domain.snippet import Snippet, SnippetKind


@dataclass(frozen=True, slots=True)
class Changed:
    """A snippet's new version, and the pictures made with the earlier ones."""

    snippet: Snippet
    affected: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A snippet with every version, oldest first, and every picture made with any of them."""

    versions: tuple[Snippet, ...]
    uses: tuple[Use, ...]

    @property
    def newest(self) -> Snippet:
        """What its name means now."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class Listed:
    """A snippet as its name means it now; ``pictures`` counts those made with any of its versions."""

    snippet: Snippet
    pictures: int


def add_snippet(
    workspace: Workspace, name: str, text: str, *, kind: str = "other", brand: str = ""
) -> Snippet:
    """Put a snippet into the library; :class:`ConflictError` when the name is taken."""
    checked_name("snippet", name)
    found = _kind(kind)
    workspace.prepare()
    with workspace.archive.write() as connection:
        try:
            known = snippets.get(connection, name)
        except NotFoundError:
            known = None
        if known is not None:
            raise ConflictError(
                f"There is already a snippet named '{name}'.",
                f"It says: {known.text}",
                f"Choose another name, or change it: duktus prompts change {name} TEXT.",
            )
        one = Snippet(
            name=name,
            version=1,
            kind=found,
            text=snippets.pin(connection, _checked(text)),
            brand=brand.strip(),
            author=workspace.author,
            created=now(),
        )
        snippets.add(connection, one)
    return one


def change_snippet(workspace: Workspace, name: str, text: str) -> Changed:
    """Give a snippet a new text as a further version. Pictures made with earlier ones keep them; which they
    are is told.
    """
    with workspace.archive.write() as connection:
        old = snippets.get(connection, name)
        new = snippets.pin(connection, _checked(text))
        if new == old.text:
            raise InputError(f"The snippet '{name}' says that already.", "", "Give another text.")
        one = old.model_copy(
            update={"version": old.version + 1, "text": new, "author": workspace.author, "created": now()}
        )
        one = Snippet.model_validate(one.model_dump())  # the hash is the new text's
        snippets.add(connection, one)
        affected = snippets.uses(connection, name)
    return Changed(one, tuple(affected))


def show_snippet(workspace: Workspace, name: str) -> Shown:
    """Every version of a snippet and every picture that uses it."""
    with workspace.archive.read() as connection:
        return Shown(tuple(snippets.versions(connection, name)), tuple(snippets.uses(connection, name)))


def list_snippets(workspace: Workspace, *, kind: str | None = None, brand: str | None = None) -> list[Listed]:
    """The library by name; only of one kind, or of one brand, when asked."""
    wanted = None if kind is None else _kind(kind)
    with workspace.archive.read() as connection:
        counted = snippets.count_uses(connection)
        return [
            Listed(one, counted.get(one.name, 0))
            for one in snippets.everyone(connection)
            if (wanted is None or one.kind is wanted) and (brand is None or one.brand == brand)
        ]


def _kind(text: str) -> SnippetKind:
    try:
        return SnippetKind(text.strip().lower())
    except ValueError as error:
        raise InputError(
            f"'{text}' is no kind of snippet.", f"Kinds: {', '.join(SnippetKind)}.", "Choose one with --kind."
        ) from error


def _checked(text: str) -> str:
    plain = " ".join(text.split())
    if not plain:
        raise InputError("A snippet needs a text.", "", "Give its words.")
    if templates.is_template(plain):
        raise InputError(
            f"The text '{plain}' has alternatives.",
            "A snippet is one text, so that a picture can say which it used.",
            "Make one snippet of each, and choose in the prompt: {<snippet:a>|<snippet:b>}.",
        )
    return plain
