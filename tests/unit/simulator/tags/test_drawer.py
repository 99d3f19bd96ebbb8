from typing import Any

import msgspec
import ndef
import pytest

from edge_agent.simulator.tags import ndef as tags_ndef
from edge_agent.simulator.tags.apdu import NDEF_AID
from edge_agent.simulator.tags.drawer import Drawer, Spec
from edge_agent.simulator.tags.type4 import Type4

ZEROS = "00" * 16


def spec(**document: object) -> Spec:
    made: Spec = msgspec.convert(document, Spec)
    return made


def told(*specs: Spec) -> list[dict[str, Any]]:
    """Return what is told when each of the tags is read once."""
    lines: list[dict[str, Any]] = []
    drawer = Drawer(lines.append)
    for one in specs:
        tag = drawer.make(one)
        assert isinstance(tag, Type4)
        select = b"\x02\x00\xa4\x04\x00" + bytes([len(NDEF_AID)]) + NDEF_AID
        for frame in (b"\xe0\x80", select, b"\x03\x00\xa4\x00\x0c\x02\xe1\x04", b"\x02\x00\xb0\x00\x00\x02"):
            tag.exchange(frame)
    return lines


def test_an_sdm_tag_counts_on_where_it_was() -> None:
    tag = spec(kind="sdm", uid="04DE5F1EACC040", meta=ZEROS, file=ZEROS, url="https://x.example/t")
    reset = spec(kind="sdm", uid="04DE5F1EACC040", meta=ZEROS, file=ZEROS, url="https://x.example/t", counter=60)
    other = spec(kind="sdm", uid="04DE5F1EACC041", meta=ZEROS, file=ZEROS, url="https://x.example/t")
    lines = [line["sdm"] for line in told(tag, tag, other, reset, tag)]
    assert [line["counter"] for line in lines] == [1, 2, 1, 61, 62]
    assert lines[0]["url"].startswith("https://x.example/t?e=")
    assert lines[0]["url"][-19:-16] == "&c="


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "ntag213", "uid": "04"},
        {"kind": "ntag213", "uid": "zz"},
        {"kind": "classic", "uid": "04A1B2C3D4E5F6"},
        {"kind": "sdm", "uid": "04DE5F1EACC040", "meta": "00", "file": ZEROS, "url": "https://x"},
        {"kind": "sdm", "uid": "04DE5F1EACC040", "meta": ZEROS, "file": ZEROS, "url": "https://x", "data": "00"},
        {"kind": "type4", "uid": "04DE5F1EACC040", "octets": "abc"},
    ],
)
def test_what_no_tag_can_be_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Drawer(lambda _: None).make(spec(**document))


def test_unknown_kinds_and_misspelt_fields_are_refused() -> None:
    for document in ({"kind": "ntag999"}, {"kind": "classic", "uid": "DEADBEEF", "sack": 8}):
        with pytest.raises(msgspec.ValidationError):
            spec(**document)


@pytest.mark.parametrize("address", ["https://x.example/t?e=1&c=2", "http://www.x.example", "tel:123", "urn:x"])
def test_uris_as_another_decoder_reads_them(address: str) -> None:
    (record,) = ndef.message_decoder(tags_ndef.uri(address))
    assert record.iri == address


def test_texts_as_another_decoder_reads_them() -> None:
    for words in ("你好", "a" * 400):
        (record,) = ndef.message_decoder(tags_ndef.text(words))
        assert (record.text, record.language) == (words, "zh")
