"""Files of learned words that may come from anywhere: beside which base they fit, and mended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from duktus.actions.progress import Progress
from duktus.actions.workspace import Workspace
from duktus.domain.base import Base
from duktus.domain.errors import InputError, UserError
from duktus.domain.style_check import StyleCheck
from duktus.families import registry
from duktus.families.family import TeachesWords
from duktus.families.safetensors_header import read_header
from duktus.families.style_files import truth, word_proving, words
from duktus.families.style_files.words import Vocabulary, WordFile


def is_word_file(path: Path) -> bool:
    """Whether a file holds a learned word; False also where it cannot be read, for others to say why."""
    try:
        return words.is_word(read_header(path))
    except UserError:
        return False


def recognised_word(workspace: Workspace, path: Path, base: str | None) -> WordFile:
    """The file beside the base named, or whichever base or public vocabulary it fits first."""
    return words.fit(path, _vocabularies(workspace, base))


def checked_word(workspace: Workspace, word: WordFile, told: Progress) -> StyleCheck:
    """By rule, and the diffusers row by really loading where the base is at hand."""
    name = word.vocabulary.base
    if name is None:
        return words.check(word)
    told.say(f"Loading {word.path.name} with diffusers.")
    folder = workspace.base_folder(name)
    return words.check(word, lambda one: word_proving.refusal(one, folder))


def mend_word(word: WordFile, target: Path, *, full_metadata: bool = False) -> None:
    """Write the word in its family's one layout; :class:`InputError` for a damaged one."""
    said = word.header.metadata if full_metadata else {}
    kept = {key: value for key, value in said.items() if key.startswith(("modelspec.", "ss_", "duktus."))}
    kept = {key: value for key, value in kept.items() if key not in OF_THE_FILE}
    family = registry.family(word.vocabulary.family)
    assert isinstance(family, TeachesWords)
    family.write_word(target, word.tensors(), {**kept, "title": word.trigger, "trigger": word.trigger})


OF_THE_FILE = ("modelspec.hash_sha256", "modelspec.architecture", "ss_num_vectors_per_token")


def check_teachable(base: Base) -> None:
    """:class:`InputError` when no word can be brought in for this base."""
    if not isinstance(registry.family(base.family), TeachesWords):
        raise InputError(
            f"A learned word cannot be used with {base.name}.",
            f"Its family, {base.family}, has no CLIP vocabulary that vectors could stand in.",
            "Name a base of the family it was taught on with --base.",
        )


def _vocabularies(workspace: Workspace, base: str | None) -> Sequence[Vocabulary]:
    if base is not None:
        named = workspace.base(base)
        check_teachable(named)
        return [_of_folder(named.folder, named.family, named.name)]
    own, known = workspace.base_name, workspace.known_bases()
    found: list[Vocabulary] = []
    for name in sorted(known, key=lambda name: (name != own, name)):
        try:
            family = registry.family_of(known[name])
        except UserError:  # a base that cannot be read says so where it is used
            continue
        if isinstance(family, TeachesWords):
            found.append(_of_folder(known[name], family.name, name))
    public = [name for name, one in registry.FAMILIES.items() if isinstance(one, TeachesWords)]
    found += [_vocabulary(name, truth.FAMILY_WORDS[name], None, truth.PUBLIC[name]) for name in public]
    return found


def _of_folder(folder: Path, family: str, name: str) -> Vocabulary:
    return _vocabulary(family, name, name, truth.configs_of(folder))


def _vocabulary(family: str, name: str, base: str | None, configs: truth.Configs) -> Vocabulary:
    able = registry.family(family)
    assert isinstance(able, TeachesWords)
    names = able.word_layout().names
    widths = {part: int(configs[part]["hidden_size"]) for part in names if part in configs}
    return Vocabulary(family, name, base, {part: names[part] for part in widths}, widths)
