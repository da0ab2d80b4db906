"""Our files, read by the rules of the other programs, written down here as small reference readers.

Rules: A1111 `modules/infotext_utils.py` and `modules/images.py`; ComfyUI `src/scripts/pnginfo.ts`; InvokeAI
`extract_metadata_from_image.py`; and by exiftool where it is installed.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess

import pytest
from PIL import Image
from tests.support.workspaces import adapter, recipe, style
from tools.foreign_pictures.written import pixels

from duktus.domain.asset import PictureFormat
from duktus.domain.recipe import Sampler, Schedule
from duktus.rendering.files import encode_png
from duktus.rendering.formats import encode_copy

LORA = re.compile(r"<lora:([^:>]+):([^:>]+)>")


@pytest.fixture
def one():
    return recipe(
        prompt="harbour at dusk, gouache",
        negative_prompt="blurry, low: quality",
        seed=4294967295,
        steps=28,
        cfg=5.5,
        sampler=Sampler.DPMPP_2M,
        schedule=Schedule.KARRAS,
        width=128,
        height=64,
        adapters=(adapter(style("atelier-v3"), 0.85),),
    )


def file_of(one, kind: PictureFormat) -> bytes:
    return encode_png(pixels(), one) if kind is PictureFormat.PNG else encode_copy(pixels(), one, kind)


def a1111_text(data: bytes) -> str:
    """`read_info_from_image`: the text chunk, overridden by the EXIF comment where there is one."""
    with Image.open(io.BytesIO(data)) as picture:
        text = picture.info.get("parameters")
        comment = picture.getexif().get_ifd(0x8769).get(0x9286)
    if comment:
        assert comment.startswith(b"UNICODE\0")
        text = comment[8:].decode("utf-16-be")
    return text


def a1111_reads(text: str) -> dict[str, str]:
    """`parse_generation_parameters`."""
    pair = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
    *lines, last = text.strip().split("\n")
    assert len(pair.findall(last)) >= 3
    prompt, negative, done = "", "", False
    for line in (one.strip() for one in lines):
        if line.startswith("Negative prompt:"):
            done, line = True, line[16:].strip()  # noqa: PLW2901 - as it stands there
        if done:
            negative += ("" if not negative else "\n") + line
        else:
            prompt += ("" if not prompt else "\n") + line
    found = {"Prompt": prompt, "Negative prompt": negative}
    for key, value in pair.findall(last):
        plain = json.loads(value) if value[:1] == value[-1:] == '"' else value
        size = re.fullmatch(r"(\d+)x(\d+)", plain)
        found |= {f"{key}-1": size[1], f"{key}-2": size[2]} if size else {key: plain}
    return found


@pytest.mark.parametrize("kind", list(PictureFormat))
def test_a1111_gets_the_right_values(kind, one):
    found = a1111_reads(a1111_text(file_of(one, kind)))
    assert found["Prompt"] == "harbour at dusk, gouache <lora:atelier-v3:0.85>"
    assert found["Negative prompt"] == "blurry, low: quality"
    assert (found["Size-1"], found["Size-2"]) == ("128", "64")
    assert (found["Seed"], found["Steps"], found["CFG scale"]) == ("4294967295", "28", "5.5")
    assert (found["Sampler"], found["Schedule type"], found["RNG"]) == ("DPM++ 2M", "Karras", "CPU")
    assert found["Lora hashes"] == f"atelier-v3: {one.adapters[0].style[:12]}"


def comfyui_reads(text: str) -> dict[str, object]:
    """`importA1111`."""
    at = text.rfind("\nSteps:")
    assert at > -1
    before = text.rfind("\nNegative prompt:", 0, at)
    assert before > -1
    line = text[at:].split("\n")[1]
    options = {}
    for match in re.finditer(r'\s*([^:]+:\s*([^"\{].*?|".*?"|\{.*?\}))\s*(,|$)', line):
        key, value = match[0].split(":")[:2]
        options[key.strip().lower()] = value.strip().removesuffix(",").strip()
    positive = text[:before].strip()
    return {
        "text": LORA.sub("", positive).strip(),
        "negative": text[before + 18 : at].strip(),
        "loras": [(name, float(weight)) for name, weight in LORA.findall(positive)],
        **options,
    }


def test_comfyui_gets_the_right_values(one):
    with Image.open(io.BytesIO(file_of(one, PictureFormat.PNG))) as picture:
        assert "workflow" not in picture.info  # these would be taken first
        assert "prompt" not in picture.info
        found = comfyui_reads(picture.info["parameters"])
    assert (found["text"], found["negative"]) == ("harbour at dusk, gouache", "blurry, low: quality")
    assert found["loras"] == [("atelier-v3", 0.85)]
    assert (found["seed"], found["steps"], found["cfg scale"]) == ("4294967295", "28", "5.5")
    assert (found["size"], found["model"]) == ("128x64", "tiny")
    assert found["sampler"].lower().replace("++", "pp").replace(" ", "_") == "dpmpp_2m"


def test_comfyui_needs_the_negative_line_even_when_it_is_empty():
    with Image.open(io.BytesIO(encode_png(pixels(), recipe()))) as picture:
        assert comfyui_reads(picture.info["parameters"])["negative"] == ""


def test_invokeai_gets_the_right_values(one):
    with Image.open(io.BytesIO(file_of(one, PictureFormat.PNG))) as picture:
        found = json.loads(picture.info["invokeai_metadata"])
    assert (found["positive_prompt"], found["negative_prompt"]) == (one.prompt, one.negative_prompt)
    assert (found["seed"], found["steps"], found["cfg_scale"]) == (4294967295, 28, 5.5)
    assert (found["width"], found["height"], found["scheduler"]) == (128, 64, "dpmpp_2m_k")
    assert found["rand_device"] == "cpu"
    model, lora = found["model"], found["loras"][0]
    for named in (model, lora["model"]):  # InvokeAI refuses an identifier with an empty part
        assert all(
            isinstance(named[part], str) and named[part] for part in ("key", "hash", "name", "base", "type")
        )
    assert (model["name"], lora["model"]["name"], lora["weight"]) == ("tiny", "atelier-v3", 0.85)


def test_a_schedule_that_invokeai_lacks_is_left_out_rather_than_renamed():
    data = encode_png(pixels(), recipe(schedule=Schedule.EXPONENTIAL))
    with Image.open(io.BytesIO(data)) as picture:
        assert "scheduler" not in json.loads(picture.info["invokeai_metadata"])


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_gets_the_right_values(tmp_path, one):
    paths = []
    for kind in PictureFormat:
        paths.append(tmp_path / f"a.{kind.value}")
        paths[-1].write_bytes(file_of(one, kind))
    ran = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", *map(str, paths)], capture_output=True, text=True, check=True
    )
    for kind, found in zip(PictureFormat, json.loads(ran.stdout), strict=True):
        assert "ExifTool:Error" not in found
        assert "ExifTool:Warning" not in found
        mark = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
        assert found["XMP-iptcExt:DigitalSourceType"] == mark
        if kind is PictureFormat.PNG:
            assert a1111_reads(found["PNG:Parameters"])["Seed"] == "4294967295"
            assert json.loads(json.dumps(found["PNG:Duktus"])) is not None
        else:
            assert a1111_reads(found["ExifIFD:UserComment"])["Seed"] == "4294967295"
            assert found["IFD0:Software"].startswith("duktus ")
