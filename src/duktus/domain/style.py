"""A taught style: its settings, its curves and its verdict."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from duktus.domain.recipe import AdapterRef, BaseRef, Hash


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Targets(StrEnum):
    """Which modules of the denoiser the style may change."""

    ATTENTION = "attention"
    ATTENTION_FEED_FORWARD = "attention + feed-forward"
    ATTENTION_FEED_FORWARD_CONV = "attention + feed-forward + convolutions"
    STYLE_BLOCKS = "style blocks"
    """The attention of those blocks alone that carry style and not content; of SDXL (arXiv 2403.14572)."""


class NoiseLevels(StrEnum):
    """Which noise levels a run is shown how often."""

    UNIFORM = "uniform"
    """Each as often as any other."""
    LOGIT_NORMAL = "logit-normal"
    """The middle most often (arXiv 2403.03206, section 3.1). Flow-matching families only."""
    SHIFTED = "shifted"
    """Logit-normal, moved towards high noise by the family's own shift. Flow-matching families only."""
    HIGH_NOISE = "high noise"
    """Where style is decided: log-SNR normal around -6 (arXiv 2411.14793). Flow-matching families only."""


class Method(StrEnum):
    """What of a base a run teaches."""

    LORA = "lora"
    """Low-rank matrices beside the denoiser's weights (Hu et al. 2021, arXiv 2106.09685)."""
    TEXTUAL_INVERSION = "textual inversion"
    """Vectors that the trigger word stands for (Gal et al. 2022, arXiv 2208.01618); no weight changes."""

    @classmethod
    def _missing_(cls, value: object) -> Method | None:
        """LoRA and textual-inversion are also written like this."""
        plain = value.lower().replace("-", " ") if isinstance(value, str) else None
        return next((one for one in cls if one == plain), None)


class Optimiser(StrEnum):
    """How the gradients of a step become its changes."""

    ADAMW = "adamw"
    """Loshchilov and Hutter 2019, arXiv 1711.05101."""
    ADAFACTOR = "adafactor"
    """Shazeer and Stern 2018, arXiv 1804.04235: keeps two vectors for each matrix, so hardly any memory."""
    PRODIGY = "prodigy"
    """Mishchenko and Defazio 2024, arXiv 2306.06101: finds its learning rate by itself."""

    @classmethod
    def _missing_(cls, value: object) -> Optimiser | None:
        """AdamW, Adafactor and Prodigy are also written like this."""
        return next((one for one in cls if isinstance(value, str) and one == value.lower()), None)

    @property
    def own_learning_rate(self) -> float | None:
        """The learning rate that it wants whatever the base; None where the base's own is right.

        Prodigy multiplies what it estimates by it, and its authors advise 1
        (github.com/konstmish/prodigy). Adafactor's changes are held to an RMS of 1, as large as AdamW's,
        so it takes AdamW's rate.
        """
        return 1.0 if self is Optimiser.PRODIGY else None


class TeachSettings(_Frozen):
    """Everything that decides what a training run learns, in the standard terms of the field."""

    trigger: str = Field(min_length=1)
    method: Method = Method.LORA
    vectors: int = Field(default=1, ge=1, le=75, description="that the word stands for, by textual inversion")
    init_word: str | None = Field(
        default=None, min_length=1, description="what these vectors begin as; None = not by textual inversion"
    )
    steps: int = Field(ge=1, le=100_000)
    learning_rate: float = Field(gt=0, le=1)
    rank: int = Field(default=16, ge=1, le=512)
    alpha: float = Field(default=16, gt=0)
    batch: int = Field(default=4, ge=1, le=256)
    resolution: int = Field(ge=64, le=4096, multiple_of=8)
    seed: int = Field(default=0, ge=0)
    targets: Targets = Targets.ATTENTION_FEED_FORWARD
    caption_dropout: float = Field(default=0.05, ge=0, le=1)
    min_snr_gamma: float | None = Field(default=5.0, gt=0)
    noise_levels: NoiseLevels = NoiseLevels.UNIFORM
    weight_decay: float = Field(default=0.01, ge=0)
    optimiser: Optimiser = Optimiser.ADAMW
    prior: str | None = Field(
        default=None,
        min_length=1,
        description="prompt of the class that the base shall go on drawing as before",
    )
    prior_weight: float = Field(default=1.0, gt=0, le=100, description="of the class pictures' loss")
    self_prior: float | None = Field(
        default=None, gt=0, le=100, description="weight of the base's own answers to neutral captions"
    )
    neutral: str | None = Field(
        default=None, description="caption for the self-prior; None = each picture's own without the trigger"
    )
    prior_count: int = Field(default=50, ge=4, le=5000, description="class pictures that the base draws")
    crops: int = Field(default=1, ge=1, le=64, description="cached random crops per picture")
    flip: bool = False
    held_out: int | None = Field(default=None, ge=0, description="pictures kept back; None = by rule")
    evaluate_every: int = Field(default=25, ge=1)
    checkpoint_every: int = Field(default=100, ge=1)
    keep_checkpoints: int = Field(default=3, ge=1)
    sample_every: int | None = Field(default=None, ge=1)
    keep: Literal["best", "last"] = Field(default="best", description="which step's adapter is delivered")
    patience: int | None = Field(
        default=4, ge=1, description="evaluations without a new lowest held-out loss that end the run"
    )
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    probe_timesteps: int = Field(default=6, ge=2, le=64, description="noise levels of the held-out loss")
    probe_draws: int = Field(
        default=2, ge=1, le=64, description="fixed noises per held-out picture, up to four pictures"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    gradient_checkpointing: Literal["auto", "on", "off"] = Field(
        default="auto", description="compute again on the way back instead of keeping; auto = by free memory"
    )
    int8_base: Literal["auto", "on", "off"] = Field(
        default="auto", description="hold the frozen base's large weights in 8 bits; auto = by free memory"
    )
    group_offload: Literal["auto", "on", "off"] = Field(
        default="auto", description="keep those weights away and bring them block by block; auto = likewise"
    )


class Outcome(StrEnum):
    """What the verdict on a training run says in one word."""

    GOOD = "good"
    UNDER_TRAINED = "under-trained"
    OVER_TRAINED = "over-trained"
    MEMORISED = "memorised"
    DAMAGED = "damaged"
    NOT_JUDGED = "not judged"
    """Of a style that was taught elsewhere: its training was not seen."""


class Verdict(_Frozen):
    """The judgement on a training run: the word, what was seen, and what to change next."""

    outcome: Outcome
    best_step: int
    reasons: tuple[str, ...]
    next_step: str
    measures: dict[str, float] = {}


class CurvePoint(_Frozen):
    """One evaluation: mean held-out loss with fixed noise and timesteps, and the training loss."""

    step: int
    train_loss: float | None = None
    held_out_loss: float | None = None
    train_probe_loss: float | None = None
    prior_loss: float | None = None
    """On class pictures kept back; None without a prior."""


class Imported(_Frozen):
    """Where a style that was taught elsewhere came from."""

    file_name: str
    file_hash: Hash
    """Of the file as it was given."""
    tensor_hash: Hash
    layout: str
    """How its names were spelled, in words."""
    mended: tuple[str, ...] = ()
    """What was mended; empty when the file was taken as it is."""


class Style(_Frozen):
    """A taught style: a LoRA, or the vectors of a word. ``hash`` is the SHA-256 of the tensor bytes of its
    file, so that a changed header does not change what it is.
    """

    name: str
    hash: Hash
    file_hash: Hash
    trigger: str
    base: BaseRef
    family: str
    settings: TeachSettings | None
    """None for a style that was taught elsewhere."""
    steps: int
    seconds: float
    verdict: Verdict
    curve: tuple[CurvePoint, ...]
    training_pictures: tuple[str, ...] = ()
    """SHA-256 of each training picture's file."""
    captions: tuple[str, ...] = ()
    class_pictures: tuple[str, ...] = ()
    """SHA-256 of each class picture's file; empty without a prior."""
    facts: dict[str, Any] = {}
    """Device, dtype, library versions, peak memory: facts about the run."""
    imported: Imported | None = None
    """Set for a style that was taught elsewhere."""
    modules: int | None = None
    """Of the denoiser; None for styles recorded before it was counted."""
    text_modules: int = 0
    """Of the text encoders."""
    method: Method = Method.LORA
    vectors: int = 0
    """That its trigger word stands for; 0 of a LoRA."""
    created: datetime

    def at(self, strength: float, text: float | None = None) -> AdapterRef:
        """How a recipe names this style at a strength. ``text`` is that of its text-encoder part, if it has
        one; the same when not said.
        """
        word = self.trigger if self.method is Method.TEXTUAL_INVERSION else None
        of_text = (strength if text is None else text) if self.text_modules else None
        return AdapterRef(
            name=self.name, style=self.hash, strength=strength, strength_text=of_text, word=word
        )
