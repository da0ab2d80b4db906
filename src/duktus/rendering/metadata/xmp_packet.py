"""The XMP packet: the IPTC mark that a picture was made by a trained model, and, outside PNG, our recipe.

IPTC Photo Metadata 2025.1, ``Iptc4xmpExt:DigitalSourceType``. A reader must compare namespaces, never
prefixes: other programs write the same property under another prefix.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = "trainedAlgorithmicMedia"
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
OURS = "urn:duktus:picture:1:"
MAX_XMP = 4_000_000
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Xmp:
    """What we look for in a packet: the last part of the IPTC source type, and our recipe's JSON."""

    source_type: str = ""
    recipe: str = ""
    damaged: str = ""
    """Why the packet could not be read; empty when it could."""


def write_xmp(source_type: str = TRAINED, recipe: str = "", software: str = "duktus") -> bytes:
    """A packet with the mark and, when given, a recipe's canonical JSON."""
    values = [
        f"Iptc4xmpExt:DigitalSourceType={quoteattr(SOURCE_TYPES + source_type)}",
    ]
    if software:
        values.append(f"Iptc4xmpExt:AISystemUsed={quoteattr(software)}")
    if recipe:
        values.append(f"duktus:Recipe={quoteattr(recipe)}")
    spaces = f'xmlns:Iptc4xmpExt="{IPTC}"' + (f' xmlns:duktus="{OURS}"' if recipe else "")
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about="" {spaces} {" ".join(values)}/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def read_xmp(packet: bytes) -> Xmp:
    """The properties of a packet, written as attributes or as elements.

    The packet comes from a stranger. A document type ends the reading: without one there are no entities, so
    nothing can be unfolded or fetched.
    """
    if len(packet) > MAX_XMP:
        return Xmp(damaged=f"It has {len(packet):,} bytes; at most {MAX_XMP:,} are read.")
    reader = _Reader()
    try:
        reader.parser.Parse(packet.strip(b" \0\r\n\t"), True)  # noqa: FBT003 - expat takes no names
    except (expat.ExpatError, _RefusedError, ValueError) as error:
        return Xmp(damaged=f"{error}.")
    source = "".join(reader.found.get(f"{IPTC} DigitalSourceType", ())).strip()
    return Xmp(source.rpartition("/")[2][:200], "".join(reader.found.get(f"{OURS} Recipe", ())))


class _RefusedError(Exception):
    """A packet that is well formed and still not read."""


class _Reader:
    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        """Of each property the pieces of its text."""
        self._open: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _refuse(self, *_: object) -> None:
        raise _RefusedError("it declares a document type")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _DEPTH:
            raise _RefusedError("it is nested too deeply")
        self._open.append(name)
        for key, value in attributes.items():
            self._keep(key, value)
        resource = attributes.get(f"{_RDF} resource")
        if resource is not None:
            self._keep(name, resource)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        if text.strip():
            for name in self._open[-1:]:
                self._keep(name, text)

    def _keep(self, key: str, value: str) -> None:
        if key.startswith((IPTC, OURS)):
            self.found.setdefault(key, []).append(value)
