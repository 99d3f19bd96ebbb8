"""Datagrams as the kernel writes them."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.uplink.network import Links

RUNNING = 0x40


def datagram(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def link(index: int, flags: int) -> bytes:
    return datagram(16, struct.pack("=BxHiII", 0, 1, index, flags, 0xFFFFFFFF))


ADDRESS = datagram(20, bytes(24))


def test_a_new_address_is_a_return() -> None:
    assert Links().returned(ADDRESS)
    assert Links().returned(link(2, 0) + ADDRESS)


def test_a_cable_is_a_return_only_after_it_was_out() -> None:
    links = Links()
    assert not links.returned(link(2, RUNNING))
    assert not links.returned(link(2, 0))
    assert not links.returned(link(3, RUNNING))
    assert links.returned(link(2, RUNNING))
    assert not links.returned(link(2, RUNNING))


@given(st.binary(max_size=200))
def test_any_bytes_end(data: bytes) -> None:
    Links().returned(data)
