"""The one renderer: everything duktus draws, from samples while teaching to releases, comes from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from duktus.domain.asset import Facts
from duktus.domain.base import Base
from duktus.domain.errors import MismatchError, NotFoundError
from duktus.domain.recipe import Lane, Recipe
from duktus.families import lora
from duktus.families.control import ControlNetwork
from duktus.families.reference import ReferenceNetwork
from duktus.families.registry import check_refiner, family, steerable
from duktus.families.safetensors_header import tensor_hash
from duktus.families.unet.inpainting import PaintsWithin
from duktus.families.upscaler import UpscalerNetwork
from duktus.rendering.compare import Pixels
from duktus.rendering.conditioning import conditioning
from duktus.rendering.denoise import Batch, Snapshot, denoise
from duktus.rendering.facts import current_facts
from duktus.rendering.groups import Group, plan
from duktus.rendering.passes import Sources, enlarged, refined, steering
from duktus.rendering.references import References
from duktus.rendering.steps import StepsStrip, previews, to_pixels
from duktus.rendering.upscaling import Upscaler
from duktus.rendering.wearing import dress, speak

if TYPE_CHECKING:
    from duktus.families.control import LoadedControl
    from duktus.families.family import LoadedBase
    from duktus.rendering.steering import Steering


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture and its place in the recipes that were asked for."""

    index: int
    recipe: Recipe
    pixels: Pixels
    facts: Facts
    steps_strip: Pixels | None
    """The picture after 1, 3, 6, 10, ... steps side by side, when it was asked for."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A cheap look at a picture on its way: one pixel per latent."""

    index: int
    step: int
    steps: int
    pixels: Pixels


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Watch:
    """Who wants to know what while a render runs."""

    on_preview: Callable[[Preview], None] | None
    on_step: Callable[[int, int], None] | None
    should_stop: Callable[[], bool]
    keep_steps: bool


@dataclass(frozen=True, slots=True)
class Materials:
    """What recipes name beside styles, by hash: pictures (PNG files), networks of each kind, refiners."""

    pictures: Mapping[str, Path] = field(default_factory=dict[str, Path])
    controls: Mapping[str, ControlNetwork] = field(default_factory=dict[str, ControlNetwork])
    upscalers: Mapping[str, UpscalerNetwork] = field(default_factory=dict[str, UpscalerNetwork])
    references: Mapping[str, ReferenceNetwork] = field(default_factory=dict[str, ReferenceNetwork])
    refiners: Mapping[str, Base] = field(default_factory=dict[str, Base])


class Renderer:
    """Renders recipes of one base.

    ``styles`` maps tensor hashes to style files; a recipe may use any of them, and of ``materials``.
    ``batch`` is the most pictures computed together (in the proof lane it changes the speed, never the bits).
    """

    def __init__(
        self,
        base: Base,
        styles: Mapping[str, Path],
        *,
        batch: int = 6,
        device: str = "cpu",
        materials: Materials | None = None,
    ) -> None:
        self.base = base
        self.batch = batch
        self._device = device
        self._files = dict(styles)
        self._loaded: LoadedBase | None = None
        self._loaded_as: tuple[str, Lane] | None = None
        self._mounted: dict[str, lora.LoraSet] = {}
        self._materials = materials or Materials()
        self._upscalers: dict[str, Upscaler] = {}
        self._networks: dict[str, LoadedControl] = {}
        self._refiners: dict[str, LoadedBase] = {}
        self._sources: Sources | None = None
        self._references: References | None = None
        self._checked: set[str] = set()

    def facts(self) -> Facts:
        """What is true here and now, for a picture of no duration."""
        return current_facts(torch.device(self._device), 0)

    def render(
        self,
        recipes: Sequence[Recipe],
        *,
        on_preview: Callable[[Preview], None] | None = None,
        on_step: Callable[[int, int], None] | None = None,
        keep_steps: bool = False,
        should_stop: Callable[[], bool] = _never,
    ) -> Iterator[Picture]:
        """Every picture as soon as its batch is finished; equal recipes are computed once.

        ``on_step`` gets steps done and steps in all, counted per picture. When ``should_stop`` says so, the
        iterator ends after the current step without the unfinished pictures.

        Raises:
            MismatchError: a recipe of another base, or a style that does not fit.
            NotFoundError: a style that was not given.
            InputError: a sampler, schedule, size or guidance that the base cannot do.
        """
        for recipe in recipes:
            self._check(recipe)
        watch = _Watch(on_preview, on_step, should_stop, keep_steps)
        return self._run(recipes, plan(recipes, self.batch), watch)

    def _run(self, asked: Sequence[Recipe], groups: Sequence[Group], watch: _Watch) -> Iterator[Picture]:
        total = sum(group.steps * len(group.recipes) for group in groups)
        done = 0
        for group in groups:
            started = time.perf_counter()
            batch = self._batch(group)
            strip: StepsStrip | None = None
            latents: torch.Tensor | None = None
            behind = 0
            for evaluations in group.passes:
                if latents is not None:
                    size = group.recipes[0].picture_size
                    batch = enlarged(
                        batch, latents, group.recipes[0], self._steering(batch.base, group, size)
                    )
                strip = StepsStrip(evaluations) if watch.keep_steps else None
                for snapshot in self._snapshots(group, batch):
                    latents = snapshot.latents
                    done += len(group.recipes)
                    if strip is not None:
                        strip.look(snapshot, batch.base)
                    if watch.on_preview is not None:
                        _show(group, batch, snapshot, behind, watch.on_preview)
                    if watch.on_step is not None:
                        watch.on_step(done, total)
                    if watch.should_stop():
                        return
                behind += evaluations
            assert latents is not None
            for picture in self._finish(group, batch, latents, strip, started):
                yield replace(picture, recipe=asked[picture.index])

    def _snapshots(self, group: Group, batch: Batch) -> Iterator[Snapshot]:
        refine = group.recipes[0].refine
        if refine is None:
            return denoise(batch)
        return refined(batch, lambda: self._taken_over(group, batch), refine.at)

    def _taken_over(self, group: Group, batch: Batch) -> Batch:
        """The same pictures on the base that refines them; of styles it knows the words, and no controls."""
        base = self._decoder(group, batch)
        speak(base, group.recipes, self._file)
        return replace(batch, base=base, conditioning=conditioning(base, group), steering=())

    def _decoder(self, group: Group, batch: Batch) -> LoadedBase:
        """The base that finishes the group's pictures."""
        first = group.recipes[0]
        if first.refine is None:
            return batch.base
        if first.refine.weights not in self._refiners:
            refiner = self._materials.refiners[first.refine.weights]
            self._refiners[first.refine.weights] = self._load(refiner, first)
        return self._refiners[first.refine.weights]

    def _check(self, recipe: Recipe) -> None:
        if recipe.base.weights != self.base.weights:
            raise MismatchError(
                f"Recipe {recipe.id} is for the base {recipe.base.name}, not {self.base.name}.",
                "The hashes of the weights differ.",
                "Render it with its own base.",
            )
        family(self.base.family).check_recipe(self.base, recipe)
        for adapter in recipe.adapters:
            if adapter.style not in self._files:
                raise NotFoundError(
                    f"Style {adapter.name} of recipe {recipe.id} is not here.",
                    f"No file with tensor hash {adapter.style[:12]} was given.",
                )
        self._check_beginning(recipe)

    def _check_beginning(self, recipe: Recipe) -> None:
        for picture in recipe.pictures:
            if picture not in self._materials.pictures:
                raise NotFoundError(
                    f"A picture that recipe {recipe.id} is made from is not here.",
                    f"No file with hash {picture[:12]} was given.",
                )
        if recipe.refine is not None:
            refiner = self._materials.refiners.get(recipe.refine.weights)
            if refiner is None:
                raise NotFoundError(
                    f"The refiner {recipe.refine.name} of recipe {recipe.id} is not here.",
                    f"No base with hash {recipe.refine.weights[:12]} was given.",
                )
            check_refiner(self.base, refiner)
        if recipe.upscale is not None and recipe.upscale.network not in self._materials.upscalers:
            raise NotFoundError(
                f"The upscaler {recipe.upscale.name} of recipe {recipe.id} is not here.",
                f"No network with hash {recipe.upscale.network[:12]} was given.",
            )
        for reference in recipe.references:
            if reference.network not in self._materials.references:
                raise NotFoundError(
                    f"The reference network {reference.name} of recipe {recipe.id} is not here.",
                    f"No network with hash {reference.network[:12]} was given.",
                )
        for control in recipe.controls:
            if control.network not in self._materials.controls:
                raise NotFoundError(
                    f"The control network {control.name} of recipe {recipe.id} is not here.",
                    f"No network with hash {control.network[:12]} was given.",
                )
            network = self._materials.controls[control.network]
            network.check_size(control.name, recipe.width, recipe.height)
            if recipe.hires is not None:
                network.check_size(control.name, recipe.hires.width, recipe.hires.height)

    def _batch(self, group: Group) -> Batch:
        base = self._base(group.recipes[0])
        self._mount(base, group)
        first = group.recipes[0]
        dress(base, group.recipes, self._file)
        if self._references is None:
            find = self._materials.pictures.__getitem__
            self._references = References(base, self._materials.references, find)
        self._references.show(group)
        told = conditioning(base, group)
        over = self._over(base).over(group.recipes)
        within = isinstance(base, PaintsWithin) and base.inpaints and over is not None
        if isinstance(base, PaintsWithin) and base.inpaints and over is not None:
            told = base.within(told, *self._over(base).opened(group.recipes))
            # It was taught to keep what the mask leaves: nothing is held, and at 1 nothing shines through.
            over = None if over.denoise == 1 else replace(over, free=None)
        return Batch(
            base=base,
            conditioning=told,
            seeds=tuple(recipe.seed for recipe in group.recipes),
            cfg=tuple(recipe.cfg for recipe in group.recipes) if group.guided else None,
            steps=first.steps,
            sampler=first.sampler,
            schedule=first.schedule,
            shape=base.latent_shape(first.width, first.height),
            guidance=group.guidance,
            variations=tuple(recipe.variation for recipe in group.recipes),
            over=over,
            steering=self._steering(base, group, (first.width, first.height)),
            hurried=first.numerics.lane is Lane.DRAFT and not first.references and not within,
        )

    def _over(self, base: LoadedBase) -> Sources:
        if self._sources is None:
            self._sources = Sources(base, self._materials.pictures.__getitem__)
        return self._sources

    def _steering(self, base: LoadedBase, group: Group, size: tuple[int, int]) -> tuple[Steering, ...]:
        for control in group.recipes[0].controls:
            if control.network not in self._networks:
                network = self._materials.controls[control.network]
                self._networks[control.network] = steerable(self.base.family).load_control(network, base)
        return steering(group.recipes, size, self._networks, self._materials.pictures.__getitem__)

    def _base(self, recipe: Recipe) -> LoadedBase:
        wanted = (recipe.numerics.dtype, recipe.numerics.lane)
        if self._loaded is None or self._loaded_as != wanted:
            self._loaded, self._mounted, self._networks, self._refiners = None, {}, {}, {}
            self._sources, self._references = None, None
            self._loaded = self._load(self.base, recipe)
            self._loaded_as = wanted
        return self._loaded

    def _load(self, base: Base, recipe: Recipe) -> LoadedBase:
        """In the arithmetic of the recipe."""
        loaded = family(base.family).load(base, device=self._device, dtype=recipe.numerics.dtype)
        if recipe.numerics.lane is Lane.PROOF:
            loaded.proof_arithmetic()
        else:
            loaded.draft_arithmetic()
        return loaded

    def _mount(self, base: LoadedBase, group: Group) -> None:
        """Attach exactly this group's styles, in the order of their hashes, with their strengths."""
        for mounted in self._mounted.values():
            mounted.eject()
        for style in group.styles:
            if style not in self._mounted:
                self._mounted[style] = self._read(base, style)
            mounted = self._mounted[style]
            mounted.attach()
            strengths = torch.tensor(group.strengths(style), device=base.device)
            mounted.set_strengths(strengths.repeat(2) if group.guided else strengths)

    def _file(self, style: str) -> Path:
        """Its file, whose hash is checked once."""
        path = self._files[style]
        if style not in self._checked and tensor_hash(path) != style:
            raise MismatchError(
                f"{path.name} is not the style it should be:", f"its tensor hash is not {style[:12]}."
            )
        self._checked.add(style)
        return path

    def _read(self, base: LoadedBase, style: str) -> lora.LoraSet:
        path = self._file(style)
        adapter = lora.mount(base.denoiser, family(self.base.family).read_style(path, base))
        adapter.eject()
        return adapter

    def _finish(
        self, group: Group, batch: Batch, latents: torch.Tensor, strip: StepsStrip | None, started: float
    ) -> Iterator[Picture]:
        pixels = to_pixels(self._decoder(group, batch).decode(latents))
        seconds = (time.perf_counter() - started) / len(group.recipes)
        facts = current_facts(batch.base.device, seconds)
        for place, (recipe, indices) in enumerate(zip(group.recipes, group.indices, strict=True)):
            finished = self._finished(batch.base, recipe, pixels[place])
            for index in indices:
                yield Picture(
                    index=index,
                    recipe=recipe,
                    pixels=finished,
                    facts=facts,
                    steps_strip=None if strip is None else strip.of(place),
                )

    def _finished(self, base: LoadedBase, recipe: Recipe, pixels: Pixels) -> Pixels:
        """What was painted, composed with its source and enlarged, as the recipe says."""
        canvas = self._over(base).of(recipe)
        if canvas is not None:
            pixels = canvas.composed(pixels)
        if recipe.upscale is None:
            return pixels
        network = recipe.upscale.network
        if network not in self._upscalers:
            self._upscalers[network] = Upscaler(self._materials.upscalers[network], self._device)
        return self._upscalers[network].enlarge(pixels, recipe.upscale)


def _show(
    group: Group, batch: Batch, snapshot: Snapshot, behind: int, on_preview: Callable[[Preview], None]
) -> None:
    for indices, pixels in zip(group.indices, previews(snapshot, batch.base), strict=True):
        for index in indices:
            on_preview(Preview(index=index, step=behind + snapshot.step, steps=group.steps, pixels=pixels))
