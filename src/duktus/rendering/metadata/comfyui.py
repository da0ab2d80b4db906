"""ComfyUI's `prompt`: the graph that ran. The recipe is found by walking from the sampler against the links.

A link is ``[node id, output number]``. Every walk remembers where it was, so a graph that bites its own tail
ends. What the walk does not understand is named, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from duktus.domain.foreign import ForeignRecipe, Tool
from duktus.rendering.metadata.reading import Reading
from duktus.rendering.metadata.strict_json import as_number, as_object, as_text, json_object

MAX_NODES = 10_000
MAX_WALK = 500
_SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
_HOLDERS = ("value", "seed", "noise_seed", "text", "string", "int", "float", "number", "positive", "String")
"""Where nodes that only hand a value on keep it."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One node; ``inputs`` are values and links."""

    id: str
    kind: str
    inputs: dict[str, Any]


class _Graph:
    def __init__(self, nodes: dict[str, _Node]) -> None:
        self.nodes = nodes
        self.seen: set[str] = set()
        """Nodes that the walks came by."""

    def behind(self, node: _Node, name: str) -> _Node | None:
        """The node that an input is linked to."""
        link = node.inputs.get(name)
        if isinstance(link, list) and len(link) == 2 and isinstance(link[0], (str, int)):
            found = self.nodes.get(str(link[0]))
            if found is not None:
                self.seen.add(found.id)
            return found
        return None

    def value(self, node: _Node, name: str) -> Any:
        """An input's value, through nodes that only hand one on; ``None`` when there is none."""
        for _ in range(MAX_WALK):
            given = node.inputs.get(name)
            if not isinstance(given, list):
                return given if isinstance(given, (str, int, float)) else None
            behind = self.behind(node, name)
            if behind is None:
                return None
            holder = next((key for key in _HOLDERS if key in behind.inputs), None)
            if holder is None:
                return None
            node, name = behind, holder
        return None

    def walk(self, node: _Node | None, *names: str) -> Iterator[_Node]:
        """Node after node along the first of these inputs that is a link, each once."""
        gone: set[str] = set()
        while node is not None and node.id not in gone and len(gone) < MAX_WALK:
            gone.add(node.id)
            self.seen.add(node.id)
            yield node
            linked = (self.behind(node, name) for name in names if isinstance(node.inputs.get(name), list))
            node = next((one for one in linked if one is not None), None)


def read_comfyui(text: str) -> ForeignRecipe | None:
    """The foreign recipe in a `prompt` graph; ``None`` when it is not one."""
    graph = _graph(text)
    if graph is None:
        return None
    samplers = [node for node in graph.nodes.values() if node.kind in _SAMPLERS]
    reading = Reading(Tool.COMFYUI)
    by_shape = not samplers
    if by_shape:
        shape = {"positive", "negative", "steps"}
        samplers = [node for node in graph.nodes.values() if shape <= set(node.inputs)]
    if not samplers:
        reading.left("graph", _kinds(graph.nodes.values()), "No node in it is a sampler that duktus knows.")
        return reading.done()
    first = next((node for node in samplers if not _earlier(graph, node, samplers)), samplers[0])
    graph.seen = {first.id}
    if by_shape:
        reading.left(
            "sampler node", first.kind, "An unknown sampler; it was read by the names of its inputs."
        )
    _sampler(graph, first, reading)
    for node in samplers:
        if node is not first:
            graph.seen.add(node.id)
            reading.left(f"node {node.id}", node.kind, "A further sampling pass; only the first was read.")
    rest = [node for node in graph.nodes.values() if node.id not in graph.seen]
    if rest:
        reading.left("other nodes", _kinds(rest), "They do not lie on the way to the first sampler.")
    return reading.done()


def _graph(text: str) -> _Graph | None:
    found = json_object(text)
    if not found or len(found) > MAX_NODES:
        return None
    nodes: dict[str, _Node] = {}
    for key, entry in found.items():
        node = as_object(entry) or {}
        kind, inputs = as_text(node.get("class_type")), as_object(node.get("inputs"))
        if kind is not None and inputs is not None:
            nodes[key] = _Node(key, kind, inputs)
    return _Graph(nodes) if nodes else None


def _kinds(nodes: Any) -> str:
    return ", ".join(sorted({node.kind for node in nodes}))


def _earlier(graph: _Graph, node: _Node, samplers: list[_Node]) -> bool:
    """Whether another sampler's picture goes into this one."""
    others = {one.id for one in samplers if one is not node}
    way = graph.walk(
        graph.behind(node, "latent_image"), "samples", "latent_image", "pixels", "image", "images"
    )
    return any(one.id in others for one in way)


def _sampler(graph: _Graph, node: _Node, reading: Reading) -> None:
    noise, guider, chosen, sigmas = (
        graph.behind(node, name) for name in ("noise", "guider", "sampler", "sigmas")
    )
    from_ = noise or node
    name = "noise_seed" if "noise_seed" in from_.inputs else "seed"
    seed = graph.value(from_, name)
    reading.take("seed", seed, name)
    if seed is None and name in from_.inputs:
        reading.left(name, from_.inputs[name], "It comes from a node that duktus does not know.")
    spaced = sigmas or node
    reading.take("steps", graph.value(spaced, "steps"), "steps")
    reading.take("denoise", graph.value(spaced, "denoise"), "denoise")
    schedule = graph.value(spaced, "scheduler")
    if sigmas is not None and schedule is None:
        schedule = sigmas.kind.removesuffix("Scheduler").lower()
    reading.sampling(graph.value(chosen or node, "sampler_name"), schedule, "sampler_name")
    reading.take("cfg", graph.value(guider or node, "cfg"), "cfg")
    for name in ("start_at_step", "end_at_step", "add_noise", "return_with_leftover_noise"):
        if name in node.inputs and node.inputs[name] not in (0, 10_000, "enable", "disable"):
            reading.left(name, node.inputs[name])
    reading.noise("cpu")  # ComfyUI draws its noise on the CPU
    source = guider or node
    encoder = _prompt(graph, source, "positive" if "positive" in source.inputs else "conditioning", reading)
    _prompt(graph, source, "negative", reading)
    _model(graph, source, encoder, reading)
    _latent(graph, node, reading)


def _prompt(graph: _Graph, source: _Node, name: str, reading: Reading) -> _Node | None:
    """Take a prompt by walking its conditioning; the node that encoded it."""
    field = "negative_prompt" if name == "negative" else "prompt"
    for node in graph.walk(
        graph.behind(source, name), "conditioning", "conditioning_1", "conditioning_to", name
    ):
        if node.kind == "ConditioningZeroOut":
            reading.take(field, "", name)
            return None
        texts = {key: graph.value(node, key) for key in ("text", "text_g", "text_l", "clip_l", "t5xxl")}
        given = {key: text for key, text in texts.items() if isinstance(text, str)}
        if given:
            longest = max(given.values(), key=len)
            reading.take(field, longest, name)
            for key, text in given.items():
                if text and text != longest:
                    reading.left(f"{name} {key}", text, "A recipe has one prompt for all text encoders.")
            return node
        if "guidance" in node.inputs:
            reading.take("guidance", graph.value(node, "guidance"), "guidance")
        elif node.kind != source.kind:
            reading.left(f"node {node.id}", node.kind, f"It changes the {name} prompt in a way of its own.")
    if source.inputs.get(name) is not None:
        reading.left(name, source.inputs[name], "No text was found on the way to it.")
    return None


def _model(graph: _Graph, source: _Node, encoder: _Node | None, reading: Reading) -> None:
    """The LoRAs and the base on the way from the sampler, and the clip skip on the way from the prompt."""
    stack: list[_Node] = []
    for node in graph.walk(graph.behind(source, "model"), "model"):
        file = next((key for key in ("ckpt_name", "unet_name", "model_name") if key in node.inputs), None)
        if "lora_name" in node.inputs:
            stack.append(node)
        elif file is not None:
            reading.model(_stem(graph.value(node, file)))
        else:
            reading.left(f"node {node.id}", node.kind, "It changes the model in a way of its own.")
    for node in reversed(stack):  # the first applied comes first
        strength = graph.value(node, "strength_model")
        of_text = graph.value(node, "strength_clip") if "strength_clip" in node.inputs else 0
        name = _stem(graph.value(node, "lora_name"))
        reading.adapter(name, strength, strength if of_text is None else of_text)
    if encoder is not None:
        for node in graph.walk(graph.behind(encoder, "clip"), "clip"):
            layer = as_number(graph.value(node, "stop_at_clip_layer"))
            if layer is not None:
                reading.take("clip_skip", -layer, "stop_at_clip_layer")


def _stem(name: Any) -> str:
    text = as_text(name) or ""
    return text.replace("\\", "/").rpartition("/")[2].removesuffix(".safetensors").removesuffix(".ckpt")


def _latent(graph: _Graph, node: _Node, reading: Reading) -> None:
    for one in graph.walk(graph.behind(node, "latent_image"), "samples", "pixels", "image"):
        if {"width", "height"} <= set(one.inputs) and "pixels" not in one.inputs:
            reading.take("width", graph.value(one, "width"), "width")
            reading.take("height", graph.value(one, "height"), "height")
            several = as_number(graph.value(one, "batch_size"))
            if several is not None and several > 1:
                reading.left("batch_size", several, "The place of this picture in its batch is not known.")
            return
        if one.kind.startswith("LoadImage"):
            reading.left(
                "source picture", graph.value(one, "image"), "The picture it began from is not in the file."
            )
