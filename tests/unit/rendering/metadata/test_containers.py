"""PNG, JPEG, WebP and AVIF taken apart: limits, damage, and what is left when the metadata is out."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tests.support.workspaces import adapter, recipe, style
from tools.foreign_pictures.written import (
    chunk,
    golden,
    inserted,
    pixels,
    png,
    with_comment,
)

from duktus.domain.asset import PictureFormat
from duktus.domain.errors import InputError, PictureError
from duktus.rendering.files import encode_png
from duktus.rendering.formats import encode_copy
from duktus.rendering.metadata.blocks import MAX_TEXT
from duktus.rendering.metadata.decode import decode
from duktus.rendering.metadata.exif_block import write_exif
from duktus.rendering.metadata.explain import bare, contents_of, explain
from duktus.rendering.metadata.xmp_packet import COMPOSITE, TRAINED, read_xmp, write_xmp

PROMPT = 'Mädchen 漢字 <b>&"\U0001f600\uffff'


@pytest.fixture
def one():
    return recipe(prompt=PROMPT, negative_prompt="blurry", adapters=(adapter(style(), 0.85),))


@pytest.mark.parametrize("kind", list(PictureFormat))
def test_every_format_carries_the_recipe_and_the_mark(kind, one):
    master = pixels(1, 64, 48)
    data = encode_png(master, one) if kind is PictureFormat.PNG else encode_copy(master, one, kind)
    found = explain(data, "a")
    assert (found.width, found.height) == (64, 48)
    assert found.recipe == one
    assert found.source_type == TRAINED
    assert (found.damage, found.others) == ((), ())
    stripped = encode_copy(master, one, kind, strip=True)
    assert explain(stripped, "a").recipe is None
    assert explain(stripped, "a").source_type == TRAINED
    assert b"blurry" not in stripped
    assert "blurry".encode("utf-16-be") not in stripped


@pytest.mark.parametrize("kind", list(PictureFormat))
def test_bare_pictures_keep_every_pixel_and_nothing_else(kind, one):
    data = encode_copy(pixels(2, 64, 48), one, kind)
    contents = contents_of(data, "a")
    clean = bare(data, contents)
    left = explain(clean, "a")
    assert (left.blocks, left.recipe, left.source_type, left.damage) == ((), None, "", ())
    for text in ("blurry", "sampler", "duktus"):
        assert text.encode() not in clean
        assert text.encode("utf-16-be") not in clean
    assert np.array_equal(decode(clean, contents_of(clean, "a"), "a"), decode(data, contents, "a"))
    marked = bare(data, contents, write_xmp(COMPOSITE, software=""))
    assert explain(marked, "a").source_type == COMPOSITE
    with Image.open(io.BytesIO(marked)) as picture:
        picture.load()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG", "AVIF"])
def test_how_a_picture_is_turned_survives_scrubbing(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    out = io.BytesIO()
    Image.fromarray(pixels()).save(out, kind, exif=exif)
    clean = bare(out.getvalue(), contents_of(out.getvalue(), "a"))
    with Image.open(io.BytesIO(clean)) as picture:
        turned = picture.getexif().get(0x0112, 1)
    if kind != "AVIF":  # there the encoder turns it by a property of the picture, which stays
        assert turned == 6
    assert b"a camera" not in clean


def test_progressive_jpeg_comments_and_hidden_tails_go():
    out = io.BytesIO()
    Image.fromarray(pixels(3, 200, 200)).save(out, "JPEG", progressive=True, comment=b"secret one")
    data = out.getvalue() + b"secret two"
    clean = bare(data, contents_of(data, "a"))
    assert b"secret" not in clean
    with Image.open(io.BytesIO(clean)) as after, Image.open(io.BytesIO(data)) as before:
        assert np.array_equal(np.asarray(after), np.asarray(before))


def test_a_signature_is_seen_and_told():
    signed = inserted(png(), chunk(b"caBX", b"\0\0\0\x10jumbc2pa"))
    found = explain(signed, "a.png")
    assert found.signed
    assert "C2PA" in found.notes[0]
    assert not explain(bare(signed, contents_of(signed, "a")), "a").signed


def test_text_that_unfolds_without_end_is_refused_at_once():
    bomb = zlib.compress(bytes(200_000_000), 9)
    data = inserted(
        png(), chunk(b"zTXt", b"parameters\0\0" + bomb), chunk(b"iTXt", b"duktus\0\1\0\0\0" + bomb)
    )
    found = explain(data, "a.png")
    assert len(found.damage) == 2
    assert all("unpacks to more" in text for text in found.damage)
    assert found.recipe is None
    assert decode(data, contents_of(data, "a"), "a").shape == (16, 24, 3)


def test_texts_that_are_too_long_are_named_and_the_picture_is_read():
    data = inserted(png(), chunk(b"tEXt", b"parameters\0" + b"a" * (MAX_TEXT + 1)))
    assert "at most" in explain(data, "a.png").damage[0]
    many = inserted(png(), *[chunk(b"tEXt", b"a\0" + b"b" * MAX_TEXT) for _ in range(5)])
    assert "together" in explain(many, "a.png").damage[0]
    assert decode(many, contents_of(many, "a"), "a").shape == (16, 24, 3)


def test_a_text_with_a_wrong_checksum_is_not_believed():
    data = png({"parameters": golden("a1111.txt")})
    place = data.index(b"Steps: 28")
    found = explain(data[:place] + b"Steps: 99" + data[place + 9 :], "a.png")
    assert found.foreign is None
    assert "wrong checksum" in found.damage[0]


def test_disagreeing_copies_are_both_named():
    comment = write_exif(golden("forge.txt"), "x")
    data = inserted(png({"parameters": golden("a1111.txt")}), chunk(b"eXIf", comment))
    found = explain(data, "a.png")
    assert found.foreign is not None
    assert found.foreign.seed == 1234567890
    assert found.others == ("Forge",)
    assert "disagree" in found.notes[0]


@pytest.mark.parametrize(
    "packet",
    [
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
        b"<x>" * 100,
        b"<x",
        b"\xff\xfe\x00",
        b"<x>" + b"a" * 5_000_000 + b"</x>",
    ],
)
def test_xmp_that_is_dangerous_or_damaged_is_not_read(packet):
    assert read_xmp(packet).damaged
    data = inserted(png(), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))
    assert "XMP" in explain(data, "a.png").damage[0]


def test_xmp_is_read_by_namespace_and_in_every_spelling():
    other = write_xmp().replace(b"Iptc4xmpExt:", b"iptcExt:").replace(b"xmlns:Iptc4xmpExt", b"xmlns:iptcExt")
    assert read_xmp(other).source_type == TRAINED
    element = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<r:Description xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><i:DigitalSourceType>'
        b"http://cv.iptc.org/newscodes/digitalsourcetype/<!-- -->algorithmicMedia</i:DigitalSourceType>"
        b"</r:Description></r:RDF></x:xmpmeta>"
    )
    assert read_xmp(element).source_type == "algorithmicMedia"


def test_exif_in_either_byte_order_and_with_loops():
    text = golden("a1111.txt")
    little = b"UNICODE\0" + text.encode("utf-16-le")
    block = (
        b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 0x8769, 4, 1, 26) + bytes(4)
        + struct.pack("<HHHII", 1, 0x9286, 7, len(little), 44) + bytes(4) + little
    )  # fmt: skip
    found = explain(inserted(png(), chunk(b"eXIf", block)), "a.png")
    assert found.foreign is not None
    assert found.foreign.seed == 1234567890
    loop = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 0x8769, 4, 1, 8) + bytes(4)
    assert explain(inserted(png(), chunk(b"eXIf", loop)), "a.png").foreign is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_a_picture_that_is_too_large_is_refused_from_its_header(kind):
    if kind == "PNG":
        data = png()
        huge = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
        data = data[:8] + huge + data[33:]
    else:
        data = with_comment(kind, "x")
        at = {
            "JPEG": data.find(b"\xff\xc0") + 5,
            "WEBP": data.find(b"VP8X") + 12,
            "AVIF": data.find(b"ispe") + 8,
        }
        size = {"JPEG": struct.pack(">HH", 60_000, 60_000), "WEBP": b"\xff\xff\x00\xff\xff\x00",
                "AVIF": struct.pack(">II", 60_000, 60_000)}[kind]  # fmt: skip
        data = data[: at[kind]] + size + data[at[kind] + len(size) :]
    with pytest.raises(PictureError, match="At most"):
        decode(data, contents_of(data, "a"), "a")


def test_cut_files_are_damaged_at_every_length():
    whole = png({"parameters": golden("a1111.txt")})
    for length in range(8, len(whole) - 12, 7):
        assert explain(whole[:length], "a.png").damage
        with pytest.raises(PictureError, match="damaged"):
            decode(whole[:length], contents_of(whole[:length], "a"), "a")


def test_what_is_no_picture_is_refused_with_its_first_bytes():
    with pytest.raises(PictureError, match="47 49 46"):
        contents_of(b"GIF89a" + bytes(20), "a.gif")


def test_a_prompt_that_fits_no_jpeg_is_refused_with_the_way_out():
    with pytest.raises(InputError, match="webp"):
        encode_copy(pixels(), recipe(prompt="a" * 40_000), PictureFormat.JPEG)
    assert explain(encode_copy(pixels(), recipe(prompt="a" * 40_000), PictureFormat.WEBP), "a").recipe
