"""A1111 `parameters` text, as A1111, Forge, Fooocus, Krita and many others write it.

The grammar is A1111's own (`modules/infotext_utils.py`, `parse_generation_parameters`): the last line holds
pairs; fewer than three, and it belongs to the prompt. Written without a backtracking pattern, so that no
text makes it slow.
"""

from __future__ import annotations

import json
import re

from duktus.domain.foreign import ForeignRecipe, Tool
from duktus.rendering.metadata.reading import UNKNOWN, Reading

_ASKED_ANEW = {
    "Hires": "A second pass is asked for anew: --hires, --hires-denoise, --hires-steps.",
    "Refiner": "A refiner is a base of the workspace: --refiner, --refine-at.",
    "ControlNet": "A control needs its picture and a network of the workspace: --control.",
}
"""Why settings whose names begin so are not taken over, though there is something like them here."""
_SECOND_PASS = {"Hires upscale", "Hires resize", "Hires upscaler"}
"""Beside them `Denoising strength` is that of the second pass, and the picture was drawn from noise."""
LEAST_PAIRS = 3
MAX_LINE = 1_000_000
"""Characters of the last line."""
_NEGATIVE = "Negative prompt:"
_TAG = re.compile(r"<lora:([^<>:]{1,500})((?::[^<>:]{0,60}){0,4})>")
_KEY_MARKS = " -/"

_DIRECT = {"Steps": "steps", "CFG scale": "cfg", "Distilled CFG Scale": "guidance", "Seed": "seed",
           "Denoising strength": "denoise", "Variation seed": "variation_seed",
           "Variation seed strength": "variation_strength", "Clip skip": "clip_skip"}  # fmt: skip
_USED = {"Sampler", "Schedule type", "Scheduler", "Size", "Model", "Model hash", "Lora hashes", "RNG",
         "Version", "Lora weights", *_DIRECT}  # fmt: skip
_HARMLESS = {"Hashes", "lora", "model", "User"}
"""`Hashes` is a JSON map that this grammar tears apart (its pieces are no settings); `User` is a name."""


def pairs(line: str) -> list[tuple[str, str]]:
    """The ``key: value`` pairs of a details line, quotes taken off."""
    found: list[tuple[str, str]] = []
    place, end = 0, min(len(line), MAX_LINE)
    while place < end:
        if not _starts_key(line[place]):
            place += 1
            continue
        stop = place + 1
        while stop < end and (_starts_key(line[stop]) or line[stop] in _KEY_MARKS):
            stop += 1
        if stop - place < 2 or stop >= end or line[stop] != ":":
            place = stop
            continue
        key = line[place:stop]
        value, place = _value(line, stop + 1, end)
        found.append((key, value))
    return found


def _starts_key(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def _value(line: str, place: int, end: int) -> tuple[str, int]:
    """The value from ``place`` on and where the next pair may begin."""
    while place < end and line[place].isspace():
        place += 1
    if place < end and line[place] == '"':
        stop = place + 1
        while stop < end and line[stop] != '"':
            stop += 2 if line[stop] == "\\" else 1
        if stop < end and stop > place + 1 and (stop + 1 == end or line[stop + 1] == ","):
            return _unquoted(line[place : stop + 1]), stop + 2
    comma = line.find(",", place, end)
    stop = end if comma < 0 else comma
    return line[place:stop], stop + 1


def _unquoted(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text[1:-1]
    return value if isinstance(value, str) else text


def is_parameters(text: str) -> bool:
    """Whether a text is one of these: its last line has enough pairs, among them the steps."""
    last = text.strip().rpartition("\n")[2]
    found = dict(pairs(last))
    return len(found) >= LEAST_PAIRS and "Steps" in found


def split(text: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Prompt, negative prompt and pairs, by A1111's own rule."""
    *lines, last = text.strip().split("\n")
    found = pairs(last)
    if len(found) < LEAST_PAIRS:
        lines.append(last)
        found = []
    prompt: list[str] = []
    negative: list[str] = []
    into = prompt
    for line in (one.strip() for one in lines):
        if line.startswith(_NEGATIVE):
            into = negative
            line = line[len(_NEGATIVE) :].strip()  # noqa: PLW2901 - the rest of the line
        into.append(line)
    return "\n".join(prompt).strip(), "\n".join(negative).strip(), found


def read_a1111(text: str, tool: Tool | None = None) -> ForeignRecipe | None:
    """The foreign recipe in a `parameters` text; ``None`` when it is not one."""
    if not is_parameters(text):
        return None
    prompt, negative, found = split(text)
    details = dict(found)
    version = details.get("Version", "")
    reading = Reading(tool or _tool(version), version)
    hashes = _map(details.get("Lora hashes", ""))
    words = _lora_tags(reading, prompt, hashes)
    if "Lora weights" in details:  # Fooocus: the prompt carries no tags
        for name, weight in _map(details["Lora weights"]).items():
            reading.adapter(name, weight, hash_=hashes.get(name, ""))
    reading.take("prompt", words, "prompt")
    reading.take("negative_prompt", negative, "Negative prompt")
    enlarged = bool(_SECOND_PASS & set(details))
    for key, field in _DIRECT.items():
        if field == "denoise" and enlarged:
            continue
        reading.take(field, details.get(key), key)
    reading.size(details.get("Size"), "Size")
    reading.sampling(details.get("Sampler"), details.get("Schedule type") or details.get("Scheduler"))
    reading.model(details.get("Model"), details.get("Model hash"))
    # No RNG means GPU in A1111 and Forge; Fooocus never says.
    rng = details.get("RNG", "" if reading.tool is Tool.FOOOCUS else "GPU")
    if not rng:
        pass
    elif rng in {"CPU", "GPU"}:
        reading.noise(rng.lower())
    else:
        reading.left("RNG", rng)
    for key, value in found:
        if (key not in _USED and key not in _HARMLESS) or (enlarged and _DIRECT.get(key) == "denoise"):
            reading.left(key, value, _why(key))
    return reading.done()


def _why(key: str) -> str:
    if _DIRECT.get(key) == "denoise":
        return _ASKED_ANEW["Hires"]
    return next((why for begin, why in _ASKED_ANEW.items() if key.startswith(begin)), UNKNOWN)


def _tool(version: str) -> Tool:
    if version.startswith("duktus"):
        return Tool.DUKTUS
    if version.startswith("Fooocus"):
        return Tool.FOOOCUS
    return Tool.FORGE if re.match(r"f\d|neo|forge", version) else Tool.A1111


def _map(text: str) -> dict[str, str]:
    """``name: value, name: value``."""
    found: dict[str, str] = {}
    for piece in text.split(", "):
        name, colon, value = piece.rpartition(": ")
        if colon:
            found[name.strip()] = value.strip()
    return found


def _lora_tags(reading: Reading, prompt: str, hashes: dict[str, str]) -> str:
    """Take the LoRA tags out of a prompt: ``<lora:name:0.8>``, ``<lora:name:te:unet>``, also with ``te=``."""

    def take(match: re.Match[str]) -> str:
        name = match[1]
        free = [part for part in match[2].split(":")[1:] if "=" not in part]
        named = dict(part.split("=", 1) for part in match[2].split(":")[1:] if "=" in part)
        of_text = named.get("te", free[0] if free else "1")
        of_unet = named.get("unet", free[1] if len(free) > 1 else of_text)
        reading.adapter(name, of_unet, of_text, hashes.get(name, ""))
        return ""

    if "<lora:" not in prompt:
        return prompt
    return re.sub(r" {2,}", " ", _TAG.sub(take, prompt)).strip(" ,")
