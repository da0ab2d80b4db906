"""What other programs make of a style file: rules as data, each with its public source.

The rules state facts (which key names are looked up, how alpha is treated); none of it is those programs'
code. ``measured`` says that the rule was checked by running the program's own loader or its published rules
on files of every layout; otherwise it was read in the source or the documentation named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from duktus.families.style_files.spellings import Spelling

if TYPE_CHECKING:
    from collections.abc import Mapping


class Alpha(StrEnum):
    """What a program does with ``.alpha`` tensors of a spelling."""

    USED = "used"
    IGNORED = "ignored"
    REFUSED = "the whole file is refused"


class Rest(StrEnum):
    """What a program does with names it does not know."""

    SKIPPED = "skipped without a word"
    REFUSED = "the whole file is refused"


@dataclass(frozen=True, slots=True)
class Reads:
    """How one program reads the files of one family."""

    spellings: Mapping[Spelling, Alpha]
    rest: Rest
    fused_counts: bool = False
    """Modules are counted as the original code has them (q, k, v as one)."""
    metadata_alpha: bool = False
    """Alpha in ``lora_adapter_metadata`` is used where there is no tensor."""
    needs: tuple[str, ...] = ()
    """Module paths of which at least one must be there, each, or nothing is recognised."""
    named: frozenset[Spelling] | None = None
    """Spellings that are also read with an adapter's name in the key (``.lora_A.default.weight``); None: not
    known.
    """
    unknown: frozenset[Spelling] = frozenset()
    """Spellings of which nobody has said what happens."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """One program, the version the rules hold for, and where they come from."""

    name: str
    version: str
    source: str
    measured: bool
    families: Mapping[str, Reads]
    others: frozenset[str] = field(default_factory=frozenset)
    """Kinds of adapters beside LoRA that it reads."""


def _used(*spellings: Spelling) -> dict[Spelling, Alpha]:
    return dict.fromkeys(spellings, Alpha.USED)


_TEXT = _used(Spelling.TEXT_KOHYA, Spelling.TEXT_PEFT)
_TEXT_BARE = _used(Spelling.TEXT_KOHYA_BARE, Spelling.TEXT_PEFT_BARE)
"""transformers 5 took ``text_model`` out of its text encoder, so diffusers finds the short names too; not so
for the second encoder of SDXL, over which it stumbles."""
_UNET_COMFY = _used(
    Spelling.KOHYA, Spelling.KOHYA_NATIVE, Spelling.LYCORIS, Spelling.PROCESSOR, Spelling.COMFY_NATIVE
)
_UNET_FORGE = {way: alpha for way, alpha in _UNET_COMFY.items() if way is not Spelling.LYCORIS}
_WEB_UI = _used(Spelling.KOHYA, Spelling.KOHYA_NATIVE, Spelling.TEXT_KOHYA)
_COMFY_KINDS = frozenset(
    {"DoRA", "LoHa", "LoKr", "OFT", "GLoRA", "weight difference", "LoCon with a Tucker core"}
)

COMFYUI = Program(
    name="ComfyUI",
    version="October 2025; Z-Image names December 2025, FLUX.2 names January 2026",
    source="github.com/comfyanonymous/ComfyUI comfy/lora.py (model_lora_keys_unet, model_lora_keys_clip) and "
    "comfy/weight_adapter/lora.py; pull requests 10978, 10980, 11805; for FLUX.2, read and not run, "
    "flux_to_diffusers in comfy/utils.py and pull requests 11981, 11997",
    measured=True,
    others=_COMFY_KINDS,
    families={
        "sd15": Reads(_UNET_COMFY | _TEXT, Rest.SKIPPED, fused_counts=True, named=frozenset(Spelling)),
        "sdxl": Reads(_UNET_COMFY | _TEXT, Rest.SKIPPED, fused_counts=True, named=frozenset(Spelling)),
        "flux": Reads(
            _used(
                Spelling.PEFT,
                Spelling.LYCORIS,
                Spelling.LORA_TRANSFORMER,
                Spelling.BARE,
                Spelling.KOHYA_NATIVE,
                Spelling.COMFY_NATIVE,
            )
            | _TEXT,
            Rest.SKIPPED,
            fused_counts=True,
            named=frozenset(Spelling),
        ),
        "zimage": Reads(
            _used(
                Spelling.COMFY_DIFFUSERS,
                Spelling.PEFT,
                Spelling.LYCORIS,
                Spelling.BARE,
                Spelling.KOHYA_NATIVE,
                Spelling.COMFY_NATIVE,
            ),
            Rest.SKIPPED,
            fused_counts=True,
            named=frozenset(Spelling),
        ),
        "flux2": Reads(
            _used(
                Spelling.PEFT,
                Spelling.LYCORIS,
                Spelling.LORA_TRANSFORMER,
                Spelling.BARE,
                Spelling.KOHYA_NATIVE,
                Spelling.COMFY_NATIVE,
            ),
            Rest.SKIPPED,
            fused_counts=True,
        ),
    },
)

A1111 = Program(
    name="A1111",
    version="1.10",
    source="github.com/AUTOMATIC1111/stable-diffusion-webui extensions-builtin/Lora/networks.py; "
    "diffusers, state_dict_utils.convert_state_dict_to_kohya, names it as a reader of the kohya layout",
    measured=False,
    others=frozenset({"DoRA", "LoHa", "LoKr", "OFT", "GLoRA", "LoCon with a Tucker core"}),
    families={
        "sd15": Reads(_WEB_UI, Rest.SKIPPED, fused_counts=True),
        "sdxl": Reads(_WEB_UI, Rest.SKIPPED, fused_counts=True),
    },
)

FORGE = Program(
    name="Forge",
    version="June 2025",
    source="github.com/lllyasviel/stable-diffusion-webui-forge "
    "packages_3rdparty/comfyui_lora_collection/lora.py",
    measured=False,
    others=_COMFY_KINDS - {"OFT"},
    families={
        "sd15": Reads(
            _UNET_FORGE | _TEXT, Rest.SKIPPED, fused_counts=True, unknown=frozenset({Spelling.LYCORIS})
        ),
        "sdxl": Reads(
            _UNET_FORGE | _TEXT, Rest.SKIPPED, fused_counts=True, unknown=frozenset({Spelling.LYCORIS})
        ),
        "flux": Reads(
            _used(Spelling.PEFT, Spelling.KOHYA_NATIVE, Spelling.COMFY_NATIVE) | _TEXT,
            Rest.SKIPPED,
            fused_counts=True,
            unknown=frozenset({Spelling.LYCORIS, Spelling.LORA_TRANSFORMER, Spelling.BARE}),
        ),
    },
)

DIFFUSERS = Program(
    name="diffusers",
    version="0.42.1",
    source="github.com/huggingface/diffusers src/diffusers/loaders/"
    "lora_conversion_utils.py and lora_pipeline.py",
    measured=True,
    families={
        "sd15": Reads(
            _used(Spelling.KOHYA, Spelling.PEFT, Spelling.PROCESSOR) | _TEXT | _TEXT_BARE,
            Rest.REFUSED,
            metadata_alpha=True,
            named=frozenset(),
        ),
        "sdxl": Reads(
            _used(Spelling.KOHYA, Spelling.KOHYA_NATIVE, Spelling.PEFT, Spelling.PROCESSOR) | _TEXT,
            Rest.REFUSED,
            metadata_alpha=True,
            named=frozenset(),
        ),
        "flux": Reads(
            _used(Spelling.PEFT, Spelling.KOHYA_NATIVE) | _TEXT,
            Rest.SKIPPED,
            metadata_alpha=True,
            named=frozenset(),
            note="fused linear1 is split at the width of the full model, 3072",
        ),
        "zimage": Reads(
            _used(Spelling.COMFY_DIFFUSERS, Spelling.KOHYA, Spelling.KOHYA_NATIVE)
            | {Spelling.PEFT: Alpha.REFUSED},
            Rest.REFUSED,
            metadata_alpha=True,
            named=frozenset({Spelling.COMFY_DIFFUSERS}),
        ),
        "flux2": Reads(
            {
                Spelling.PEFT: Alpha.REFUSED,
                Spelling.PEFT_WRAPPED: Alpha.REFUSED,
                Spelling.COMFY_DIFFUSERS: Alpha.REFUSED,
                Spelling.COMFY_NATIVE: Alpha.REFUSED,
                Spelling.KOHYA_NATIVE: Alpha.USED,
            },
            Rest.SKIPPED,
            metadata_alpha=True,
        ),
    },
)

INVOKEAI = Program(
    name="InvokeAI",
    version="August 2026",
    source="github.com/invoke-ai/InvokeAI invokeai/backend/patches/lora_conversions/ and "
    "invokeai/backend/model_manager/configs/lora.py; for FLUX.2, pull request 8862",
    measured=False,
    others=frozenset({"LoHa", "LoKr", "DoRA"}),
    families={
        "sd15": Reads(
            _used(Spelling.KOHYA, Spelling.TEXT_KOHYA),
            Rest.REFUSED,
            unknown=frozenset(
                {Spelling.KOHYA_NATIVE, Spelling.PEFT, Spelling.COMFY_NATIVE, Spelling.PROCESSOR}
            ),
        ),
        "sdxl": Reads(_used(Spelling.KOHYA, Spelling.KOHYA_NATIVE, Spelling.TEXT_KOHYA), Rest.REFUSED),
        "flux": Reads(
            {
                Spelling.PEFT: Alpha.REFUSED,
                Spelling.KOHYA_NATIVE: Alpha.USED,
                Spelling.COMFY_NATIVE: Alpha.USED,
            }
            | _TEXT,
            Rest.REFUSED,
            needs=("transformer.transformer_blocks.0.", "transformer.single_transformer_blocks.0."),
        ),
        "zimage": Reads(
            {
                Spelling.COMFY_DIFFUSERS: Alpha.IGNORED,
                Spelling.PEFT: Alpha.IGNORED,
                Spelling.KOHYA_DOUBLE: Alpha.USED,
            },
            Rest.REFUSED,
        ),
        "flux2": Reads(
            {
                Spelling.PEFT: Alpha.REFUSED,
                Spelling.PEFT_WRAPPED: Alpha.REFUSED,
                Spelling.COMFY_NATIVE: Alpha.USED,
            },
            Rest.REFUSED,
            unknown=frozenset({Spelling.KOHYA_NATIVE, Spelling.LYCORIS, Spelling.LORA_TRANSFORMER}),
        ),
    },
)

PROGRAMS = (COMFYUI, A1111, FORGE, DIFFUSERS, INVOKEAI)
