"""Which architecture a style file is for, which module each of its pairs belongs to, and what is wrong."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from duktus.domain.errors import InputError, MismatchError
from duktus.families.style_files import truth as truths
from duktus.families.style_files.reading import StyleFile, count_words
from duktus.families.style_files.spellings import Place, Spelling, stems
from duktus.families.style_files.truth import TEXT_PARTS, Truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SIGNS = {
    "flux": re.compile(
        r"double_blocks|single_blocks|single_transformer_blocks|transformer_blocks[._]\d+[._]attn[._]"
    ),
    "flux2": re.compile(
        r"double_blocks|single_blocks|(single_)?transformer_blocks[._]\d+[._](attn|ff|ff_context)[._]"
    ),
    "zimage": re.compile(r"(^|[._])layers[._]\d+[._](attention|feed_forward)|(noise|context)_refiner"),
    "sd15": re.compile(r"(down|up|input|output)_blocks|mid_block|middle_block|lora_te_|^text_encoder\."),
    "sdxl": re.compile(r"(down|up|input|output)_blocks|mid_block|middle_block|lora_te[12]_|^text_encoder"),
}
"""Where to look first. They only save the building of module lists; the lists decide."""

CANONICAL = {
    "sd15": (Spelling.KOHYA, Spelling.TEXT_KOHYA),
    "sdxl": (Spelling.KOHYA, Spelling.TEXT_KOHYA),
    "flux": (Spelling.PEFT, Spelling.TEXT_PEFT),
    "zimage": (Spelling.COMFY_DIFFUSERS, Spelling.TEXT_PEFT),
    "flux2": (Spelling.PEFT, Spelling.TEXT_PEFT),
}
"""The one spelling per family that every program of it loads, for the denoiser and the text encoder."""
FOLDED = frozenset({"flux", "zimage", "flux2"})
"""Families whose canonical files carry no alpha: it is folded into the up matrix."""

TEXT_WORN = frozenset({"sd15", "sdxl"})
"""Families whose text encoders take the text part of a style when rendering."""


class Trap(StrEnum):
    """What is known to go wrong with a file, in words for people."""

    FUSED = "fused q, k, v (or linear1) in one matrix"
    FUSED_UNSCALED = "fused matrices whose alpha was not multiplied with their parts"
    SPELLING = "names that not every program of this family reads"
    METADATA_ALPHA = "alpha only in the metadata, where most programs never look"
    ALPHA_BESIDE_AB = "alpha beside lora_A/lora_B, which some programs ignore or refuse"
    NO_TEXT_MODEL = "text encoder names without text_model_"
    NAMED = "the name of an adapter in the keys (.default.), which few programs read"


@dataclass(frozen=True)
class Recognised:
    """A file whose pairs have been given their true modules."""

    file: StyleFile
    truth: Truth
    places: Mapping[str, Place]
    """``{stem: where it belongs}`` of the pairs that fit."""
    unmatched: tuple[str, ...]
    """Stems of pairs that belong to no module of this architecture, or do not fit its shape."""
    unscaled: frozenset[str] = field(default_factory=frozenset)
    """Stems of fused pairs whose alpha was not multiplied with the number of parts."""

    @cached_property
    def scales(self) -> Mapping[str, float]:
        """``{stem: alpha / rank}`` as the file was meant."""
        out: dict[str, float] = {}
        for stem, place in self.places.items():
            pair = self.file.pairs[stem]
            alpha = self.file.alphas.get(stem)
            meant: float | None = None
            if alpha is not None:
                meant = alpha / pair.rank
                if stem in self.unscaled:
                    meant *= len(place.modules)
            elif self.file.metadata_scale is not None:
                meant = self.file.metadata_scale.scale(place.modules[0], pair.rank)
            out[stem] = 1.0 if meant is None else meant
        return out

    def is_text(self, stem: str) -> bool:
        """Whether a pair belongs to a text encoder."""
        return self.places[stem].modules[0].partition(".")[0] in TEXT_PARTS

    @cached_property
    def layout(self) -> str:
        """The spellings of the file in words, the commonest first."""
        counted = Counter(self._spelling(stem) for stem in self.places)
        return "; ".join(spelling.value for spelling, _ in counted.most_common())

    def _spelling(self, stem: str) -> Spelling:
        """One spelling of a stem: the canonical one if it is, else the one that fits most of the file."""
        ways = self.places[stem].spellings
        mine = CANONICAL[self.truth.family]
        if ways & set(mine):
            return next(way for way in mine if way in ways)
        return max(ways, key=lambda way: (self._common[way], way.value))

    @cached_property
    def _common(self) -> Counter[Spelling]:
        return Counter(way for place in self.places.values() for way in place.spellings)

    @cached_property
    def traps(self) -> tuple[Trap, ...]:
        """What is known to go wrong with this file somewhere."""
        mine = set(CANONICAL[self.truth.family])
        spellings = {self._spelling(stem) for stem in self.places}
        pairs = [self.file.pairs[stem] for stem in self.places]
        folded = self.truth.family in FOLDED
        found = {
            Trap.FUSED: any(len(place.modules) > 1 for place in self.places.values()),
            Trap.FUSED_UNSCALED: bool(self.unscaled),
            Trap.SPELLING: bool(spellings - mine - {Spelling.TEXT_KOHYA_BARE, Spelling.TEXT_PEFT_BARE}),
            Trap.NO_TEXT_MODEL: bool(spellings & {Spelling.TEXT_KOHYA_BARE, Spelling.TEXT_PEFT_BARE}),
            Trap.METADATA_ALPHA: any(
                stem not in self.file.alphas and scale != 1 for stem, scale in self.scales.items()
            ),
            Trap.NAMED: any(pair.named for pair in pairs),
            Trap.ALPHA_BESIDE_AB: any(pair.ab and pair.alpha and folded for pair in pairs),
        }
        return tuple(trap for trap, is_so in found.items() if is_so)

    @property
    def canonical(self) -> bool:
        """Whether the file already is in our layout, whole."""
        folded = self.truth.family in FOLDED
        alphas = any(pair.alpha for pair in self.file.pairs.values())
        kohya = all(pair.down.endswith(".lora_down.weight") for pair in self.file.pairs.values())
        ab = all(pair.down.endswith(".lora_A.weight") for pair in self.file.pairs.values())
        whole = not (self.traps or self.unmatched or self.file.others or self.file.unknown)
        return whole and (ab and not alphas if folded else kohya)


def recognise(file: StyleFile, candidates: Sequence[Truth] = (), *, only: bool = False) -> Recognised:
    """The file beside the architecture that fits it best; ``candidates`` (bases at hand) win a tie against
    the public architectures, which are not looked at when ``only`` the candidates count.

    Raises:
        MismatchError: no pair belongs to any architecture that duktus knows.
    """
    names = [*file.pairs, *(stem for found in file.others.values() for stem in found)]
    best: Recognised | None = None
    most = 0
    for one in candidates if only else _likely(names, candidates):
        dictionary = stems(one)
        matched = [stem for stem in names if stem in dictionary]
        fitting = {
            s: dictionary[s] for s in matched if s not in file.pairs or _fits(file, s, dictionary[s], one)
        }
        if len(fitting) > most:
            most = len(fitting)
            best = _place(file, one, {s: place for s, place in fitting.items() if s in file.pairs})
        if most == len(names):
            break
    if best is None:
        raise _foreign(file, names, candidates if only else ())
    if not best.places:
        raise InputError(
            f"{file.path.name} cannot be used:",
            f"it holds {count_words(file.others)} and no plain low-rank pair (LoRA); duktus neither checks "
            "nor applies these kinds.",
            "Ask its author for a LoRA, or extract one from it with the tool that made it.",
        )
    return best


def _likely(names: Iterable[str], candidates: Sequence[Truth]) -> Iterable[Truth]:
    """Bases at hand first, then the public architectures whose signs the names bear."""
    yield from candidates
    text = list(names)
    for family, sign in SIGNS.items():
        if any(sign.search(name) for name in text):
            yield from truths.of_family(family)


def _foreign(file: StyleFile, names: Sequence[str], only: Sequence[Truth]) -> MismatchError:
    if only:
        return MismatchError(
            f"{file.path.name} is no style for {only[0].name}:",
            f"0 of {len(names)} modules of it fit there, the first is {names[0]!r}.",
            "duktus style check without --base says what it belongs to.",
        )
    return MismatchError(
        f"{file.path.name} is a style of none of the families duktus knows:",
        f"0 of {len(names)} modules were found in {', '.join(truths.FAMILY_WORDS.values())}; the first is "
        f"{names[0]!r}.",
        "If it belongs to one of your own bases, name that with --base.",
    )


def _fits(file: StyleFile, stem: str, place: Place, truth: Truth) -> bool:
    pair = file.pairs[stem]
    shapes = [truth.modules[module] for module in place.modules]
    outer = sum(shape[0] for shape in shapes)
    inner = shapes[0][1:]
    down = pair.down_shape[1:]
    if len(down) > len(inner):  # a Linear written as a 1x1 convolution
        return down == (*inner, 1, 1) and pair.up_shape[0] == outer
    if len(inner) > len(down):  # a 1x1 convolution written as a Linear
        return inner == (*down, 1, 1) and pair.up_shape[0] == outer
    return down == inner and pair.up_shape[0] == outer and pair.up_shape[2:] in {(), (1, 1)}


def _place(file: StyleFile, truth: Truth, places: dict[str, Place]) -> Recognised:
    order = {module: number for number, module in enumerate(truth.modules)}
    places = dict(sorted(places.items(), key=lambda item: order[item[1].modules[0]]))
    unmatched = tuple(stem for stem in file.pairs if stem not in places)
    return Recognised(file, truth, places, unmatched, frozenset(_unscaled(file, places)))


def _unscaled(file: StyleFile, places: Mapping[str, Place]) -> list[str]:
    """Fused pairs that were made of n pairs (n times the rank of the others, one block each) and still carry
    the others' alpha.

    Source: kohya-ss/sd-scripts issue 2204.
    """
    plain = Counter(
        (file.pairs[stem].rank, file.alphas[stem])
        for stem, place in places.items()
        if len(place.modules) == 1 and stem in file.alphas
    )
    if not plain:
        return []
    (rank, alpha), _ = plain.most_common(1)[0]
    suspects = [
        stem
        for stem, place in places.items()
        if len(place.modules) > 1
        and file.pairs[stem].rank == rank * len(place.modules)
        and file.alphas.get(stem) == alpha
    ]
    if not suspects:
        return []
    with file.tensors() as tensors:
        return [
            stem
            for stem in suspects
            if is_blockwise(tensors.get_tensor(file.pairs[stem].up), len(places[stem].modules), rank)
        ]


def is_blockwise(up: torch.Tensor, parts: int, rank: int) -> bool:
    """Whether a fused up matrix (out, parts * rank) has in each row the columns of one part only, the parts
    one after the other.
    """
    columns = up.flatten(1).reshape(up.shape[0], parts, rank).abs().amax(dim=2) > 0
    if bool((columns.sum(dim=1) > 1).any()):
        return False
    owner = columns.float().argmax(dim=1)[columns.any(dim=1)]
    return bool((owner[1:] >= owner[:-1]).all())
