"""What a style file holds and what other programs make of it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from duktus.domain.recipe import Hash
from duktus.domain.style import Method


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProgramRow(_Frozen):
    """One program: how many modules of the file it loads, and how strongly."""

    program: str
    version: str
    source: str
    measured: bool
    """Whether the rule behind the row was measured, or read in the source."""
    proved: bool = False
    """Whether the file was really loaded by this program's own code, here and now."""
    loaded: int | None
    """Of the denoiser; None when nobody has said what happens with this spelling."""
    of: int
    """As this program counts: ComfyUI counts fused q, k, v as one."""
    text_loaded: int | None = None
    text_of: int = 0
    strength: tuple[float, float] | None = None
    """Lowest and highest strength of the loaded modules, 1 being as taught."""
    words: str = ""

    @property
    def whole(self) -> bool:
        """Every module, at the strength that was taught."""
        all_there = self.loaded == self.of and (self.text_loaded or 0) == self.text_of
        low, high = self.strength or (0.0, 0.0)
        return all_there and abs(low - 1) < 1e-3 and abs(high - 1) < 1e-3


class StyleCheck(_Frozen):
    """A style file: where it belongs, how it is spelled, what is wrong, and a row per program."""

    name: str
    file_hash: Hash
    tensor_hash: Hash
    family: str
    architecture: str
    """The base or public architecture its modules and shapes were found in."""
    base: str | None
    """The base's name when it was one at hand."""
    method: Method = Method.LORA
    vectors: int = 0
    """That a learned word stands for; 0 of a LoRA."""
    modules: int
    text_modules: int
    unmatched: tuple[str, ...]
    """Names of pairs that belong to no module of that architecture."""
    unsupported: dict[str, int]
    """Modules by kind (LoHa, DoRA, ...) that duktus neither checks nor applies."""
    ranks: tuple[int, ...]
    layout: str
    canonical: bool
    traps: tuple[str, ...]
    problems: tuple[str, ...]
    """Damage that no renaming mends."""
    trigger: str | None
    rows: tuple[ProgramRow, ...]
