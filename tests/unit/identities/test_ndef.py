"""NDEF: what is on a tag is read, and nothing on a tag does harm."""

import random

import ndef
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.identities.ndef import LONGEST_MESSAGE, MOST_RECORDS, Contents, contents
from tests.unit.identities.ndef_bytes import MIME, WELL_KNOWN, message, poster, record, text, uri

MEMBER = "https://shop.example/m?id=10086&sig=a+b/c%20d"


def test_an_empty_message_holds_nothing_and_is_well_formed() -> None:
    assert contents(b"") == contents(bytes.fromhex("D00000")) == Contents()


def test_a_uri_is_read_as_written_with_its_prefix_expanded() -> None:
    assert contents(message(uri("shop.example/m?e=A&c=B", 4))).uris == ("https://shop.example/m?e=A&c=B",)
    assert contents(message(uri(MEMBER))).uris == (MEMBER,)
    assert contents(message(uri("https://店.example/会员?号=七"))).uris == ("https://店.example/会员?号=七",)


def test_what_another_library_writes_is_read() -> None:
    records = [
        ndef.UriRecord(MEMBER),
        ndef.TextRecord("会员", "zh", "UTF-16"),
        ndef.Record("text/x", None, b"\x00\xff"),
    ]
    expected = Contents((MEMBER,), ("会员",), (("text/x", b"\x00\xff"),))

    assert contents(b"".join(ndef.message_encoder(records))) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_text_is_read_in_each_encoding_big_endian_without_a_mark(encoding: str) -> None:
    assert contents(message(text("会员一〇〇八六", encoding))).texts == ("会员一〇〇八六",)


def test_a_little_endian_mark_is_believed() -> None:
    payload = b"\x82zh" + b"\xff\xfe" + "会员".encode("utf-16-le")

    assert contents(message((WELL_KNOWN, b"T", payload))).texts == ("会员",)


def test_a_text_without_a_language_is_a_text() -> None:
    assert contents(message(text("会员", language=b""))) == Contents(texts=("会员",))


@pytest.mark.parametrize("payload", [b"", b"\x02zh\xff\xff", b"\x82zh\xd8\x00", b"\x82zh\x00"])
def test_a_text_that_cannot_be_read_leaves_the_rest(payload: bytes) -> None:
    found = contents(message((WELL_KNOWN, b"T", payload), uri(MEMBER)))

    assert found == Contents(uris=(MEMBER,), malformed="undecodable")


def test_a_smart_poster_is_unpacked_in_its_place() -> None:
    sent = message(uri("a:1"), poster(text("title"), uri(MEMBER), (MIME, b"image/png", b"PNG")), text("after"))

    assert contents(sent) == Contents(("a:1", MEMBER), ("title", "after"), (("image/png", b"PNG"),))


def test_a_poster_in_a_poster_is_not_unpacked() -> None:
    inner = poster(uri("a:2"))
    for _ in range(100):
        inner = poster(inner)

    assert contents(message(uri("a:1"), inner)) == Contents(uris=("a:1",), malformed="nested")


def test_a_record_in_pieces_is_not_taken_for_its_first_piece() -> None:
    pieces = record(1, b"U", b"\x04shop.exam", last=False, chunk=True) + record(6, b"", b"ple/1", first=False)

    assert contents(pieces) == Contents(malformed="chunked")


def test_what_stands_before_a_torn_record_is_kept() -> None:
    assert contents(message(uri("a:1"), uri(MEMBER))[:-1]) == Contents(uris=("a:1",), malformed="undecodable")


@pytest.mark.parametrize("claim", ["C10100100000550461", "C101FFFFFFFF550461", "D1FF04550461", "D701015504"])
def test_a_record_that_claims_more_than_there_is_is_refused(claim: str) -> None:
    assert contents(bytes.fromhex(claim)) == Contents(malformed="undecodable")


def test_more_than_a_tag_holds_is_not_looked_at() -> None:
    fitting = message(uri("a" * (LONGEST_MESSAGE - 8)))

    assert len(fitting) == LONGEST_MESSAGE
    assert contents(fitting).malformed == ""
    assert contents(fitting + b"\0").malformed == contents(bytes(1 << 20)).malformed == "too_large"


def test_no_more_than_so_many_records_are_read() -> None:
    assert contents(message(*[uri("a:1")] * MOST_RECORDS)) == Contents(("a:1",) * MOST_RECORDS)
    assert contents(message(*[uri("a:1")] * (MOST_RECORDS + 1))).malformed == "too_many_records"


VALID = message(uri(MEMBER), text("会员", "utf-16"), poster(uri("a:2"), text("title")), (MIME, b"text/plain", b"hello"))


@given(st.binary(max_size=200))
def test_any_octets_are_read_without_harm(octets: bytes) -> None:
    found = contents(octets)

    assert sum(map(len, (*found.uris, *found.texts))) <= 40 * len(octets)


def test_twenty_thousand_damaged_messages_are_read_without_harm() -> None:
    """Bits flipped, octets lost and doubled: most are malformed, and each says so in a known word."""
    generator = random.Random(20261122)
    words: dict[str, int] = {}
    for _ in range(20_000):
        octets = bytearray(VALID)
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(len(octets))
            match generator.randrange(3):
                case 0:
                    octets[at] ^= 1 << generator.randrange(8)
                case 1:
                    del octets[at : at + generator.randint(1, 5)]
                case _:
                    octets[at:at] = generator.randbytes(generator.randint(1, 5))
            octets = octets or bytearray(1)
        found = contents(bytes(octets))
        words[found.malformed] = words.get(found.malformed, 0) + 1

    assert set(words) <= {"", "undecodable", "chunked", "nested", "too_many_records"}
    assert words["undecodable"] > 1000
    assert words[""] > 1000
