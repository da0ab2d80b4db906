"""The options that say what a picture begins from, shared by ``render`` and ``sweep``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from duktus.domain.errors import InputError

if TYPE_CHECKING:
    from duktus.actions.beginnings.beginning_asked import Beginning

Image = Annotated[str | None, typer.Option("--image", metavar="FILE|ASSET", help="A picture to draw over.")]
Denoise = Annotated[
    float | None,
    typer.Option("--denoise", help="How much of it may change, 0 to 1; 0.6 when not said."),
]
Masks = Annotated[
    list[str] | None,
    typer.Option(
        "--mask",
        help="Where it may change: a file (white changes), alpha, circle:X,Y,R or rect:X,Y,W,H; repeated "
        "masks add up. All else comes back exactly.",
    ),
]
MaskInverted = Annotated[bool, typer.Option("--mask-inverted", help="Change what the mask leaves out.")]
MaskFeather = Annotated[
    int, typer.Option("--mask-feather", help="Pixels over which the mask's edge is mixed, inside it.")
]
Extended = Annotated[
    str | None, typer.Option("--extend", help="New room beside the picture: left=64,top=32, or 64.")
]
VariationSeed = Annotated[int | None, typer.Option("--variation-seed", help="Turn the noise to this seed.")]
VariationStrength = Annotated[
    float | None, typer.Option("--variation-strength", help="How far, 0 to 1; 0.1 when not said.")
]
Controls = Annotated[
    list[str] | None,
    typer.Option(
        "--control",
        metavar="KIND:PICTURE[:WEIGHT[:START-END]]",
        help="Hold it to a canny, line, depth or pose picture, e.g. line:sketch.png:0.8:0-0.6.",
    ),
]
ControlsReady = Annotated[
    bool,
    typer.Option("--control-ready", help="Canny and line pictures are white lines on black already."),
]
References = Annotated[
    list[str] | None,
    typer.Option(
        "--reference",
        metavar="[NETWORK@]PICTURE[:WEIGHT]",
        help="A picture to look at as at a second prompt (IP-Adapter), e.g. muse.png:0.6.",
    ),
]
Larger = Annotated[
    str | None, typer.Option("--hires", help="A second pass at a larger size: 2x, or 256x320.")
]
LargerDenoise = Annotated[
    float | None, typer.Option("--hires-denoise", help="How much it may change, 0 to 1; 0.5 when not said.")
]
LargerSteps = Annotated[int | None, typer.Option("--hires-steps", help="As many as before when not said.")]
LargerBy = Annotated[str, typer.Option("--hires-by", help="How it is enlarged first: latent or pixel.")]
Refiner = Annotated[
    str | None, typer.Option("--refiner", metavar="BASE", help="A base that finishes the picture (SDXL).")
]
RefineAt = Annotated[
    float | None,
    typer.Option("--refine-at", help="Where it takes over, 0 to 1 of the noise; 0.8 when not said."),
]
Draft = Annotated[
    bool, typer.Option("--draft", help="As fast as possible; marked, with how far it is from proof.")
]


@dataclass(frozen=True, slots=True)
class Begins:
    """The options as typed."""

    image: str | None
    denoise: float | None
    masks: list[str] | None
    mask_inverted: bool
    mask_feather: int
    extended: str | None
    variation_seed: int | None
    variation_strength: float | None
    controls: list[str] | None
    controls_ready: bool
    references: list[str] | None
    hires: str | None
    hires_denoise: float | None
    hires_steps: int | None
    hires_by: str
    refiner: str | None
    refine_at: float | None
    draft: bool

    def beginning(self) -> Beginning:
        """What they ask for; what can be seen to be wrong without a workspace is refused here."""
        from duktus.actions.beginnings.beginning_asked import Beginning
        from duktus.domain import beginning_words as words

        for text in self.masks or []:
            words.shape(text)
        for text in self.controls or []:
            words.control(text)
        for text in self.references or []:
            words.reference(text)
        if self.extended is not None:
            words.extend(self.extended)
        if self.hires_by not in {"latent", "pixel"}:
            raise InputError(
                f"hires-by '{self.hires_by}' is unknown.", "Known: latent, pixel.", "Choose one of them."
            )
        return Beginning(
            image=self.image,
            denoise=self.denoise,
            mask=tuple(self.masks or ()),
            mask_inverted=self.mask_inverted,
            mask_feather=self.mask_feather,
            extend=self.extended,
            variation_seed=self.variation_seed,
            variation_strength=self.variation_strength,
            controls=tuple(self.controls or ()),
            controls_ready=self.controls_ready,
            references=tuple(self.references or ()),
            hires=self.hires,
            hires_denoise=self.hires_denoise,
            hires_steps=self.hires_steps,
            hires_by=self.hires_by,
            refiner=self.refiner,
            refine_at=self.refine_at,
            draft=self.draft,
        )
