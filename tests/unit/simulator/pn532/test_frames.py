import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.simulator.pn532 import frames

# Frames as NXP prints them in UM0701-02: GetFirmwareVersion and its response, an ACK, a NACK.
GET_FIRMWARE_VERSION = bytes.fromhex("0000FF02FED4022A00")
FIRMWARE_VERSION = bytes.fromhex("0000FF06FAD50332010607E800")
NACK = bytes.fromhex("0000FFFF0000")


def command(data: bytes) -> bytes:
    body = b"\xd4" + data
    size = len(body).to_bytes(2, "big")
    short = bytes([len(body), -len(body) & 0xFF]) if len(body) < 255 else b""
    head = short or b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    return b"\x00\x00\xff" + head + body + bytes([-sum(body) & 0xFF, 0])


def split(*pieces: bytes) -> list[bytes | frames.Signal]:
    splitter = frames.Splitter()
    return [frame for piece in pieces for frame in splitter.feed(piece)]


def test_what_nxp_prints() -> None:
    assert frames.encode(bytes.fromhex("0332010607")) == FIRMWARE_VERSION
    assert split(GET_FIRMWARE_VERSION) == [b"\x02"]
    assert split(frames.ACK, NACK) == [frames.Signal.ACK, frames.Signal.NACK]


def test_a_response_too_long_for_a_short_frame_is_an_extended_one() -> None:
    assert frames.encode(bytes(253))[3:5] == b"\xfe\x02"
    long = frames.encode(bytes(254))
    assert long[3:8] == bytes.fromhex("FFFF00FF01")
    assert sum(long[8:-1]) & 0xFF == 0
    assert len(long) == 8 + 255 + 2


def test_wake_up_bytes_come_before() -> None:
    assert split(bytes.fromhex("5555000000"), bytes(10) + GET_FIRMWARE_VERSION) == [b"\x02"]


@pytest.mark.parametrize("size", [1, 2, 253, 254, 264])
def test_frames_of_every_size_arrive_in_whatever_pieces(size: int) -> None:
    data = bytes(index & 0xFF for index in range(size))
    stream = command(data) + frames.ACK + command(b"\x02")
    assert split(stream) == split(*(bytes([byte]) for byte in stream)) == [data, frames.Signal.ACK, b"\x02"]


@pytest.mark.parametrize("place", [4, 5, 6, 7])
def test_a_frame_with_a_wrong_checksum_is_passed_over(place: int) -> None:
    broken = bytearray(GET_FIRMWARE_VERSION)
    broken[place] ^= 1
    assert split(bytes(broken), GET_FIRMWARE_VERSION) == [b"\x02"]


def test_a_claim_beyond_the_chips_buffer_is_noise() -> None:
    assert split(bytes.fromhex("0000FFFFFFFFFF02D4"), GET_FIRMWARE_VERSION) == [b"\x02"]


@given(st.lists(st.binary(max_size=300)))
def test_no_noise_stops_it(pieces: list[bytes]) -> None:
    # A frame that began in the noise may swallow at most what the chip's buffer holds.
    after = [GET_FIRMWARE_VERSION] * 40
    assert split(*pieces, *after)[-1] == b"\x02"
