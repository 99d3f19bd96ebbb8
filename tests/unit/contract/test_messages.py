"""The acknowledgement and the state, as other people's programs write and read them."""

import msgspec
import pytest

from edge_agent.contract.messages import Ack, State, decode_ack, encode
from tests.support import golden


def test_an_ack_is_encoded_whole() -> None:
    ack = Ack(epoch=golden.EPOCH, upto={"orders": 137}, need={"orders": [(3, 4)]})
    assert encode(ack) == (
        f'{{"epoch":"{golden.EPOCH}","upto":{{"orders":137}},"need":{{"orders":[[3,4]]}},"day":[]}}'.encode()
    )


def test_an_ack_may_say_less_and_more() -> None:
    assert decode_ack(b'{"epoch": "e"}') == Ack(epoch="e")
    assert decode_ack(b'{"epoch": "e", "upto": {"orders": 1}, "note": "from a later central"}').upto == {"orders": 1}


def test_defaults_are_not_shared() -> None:
    one, other = Ack(epoch="e"), Ack(epoch="e")
    one.upto["orders"] = 1
    one.day.append(msgspec.Raw(b"{}"))
    assert (other.upto, other.day) == ({}, [])


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", b'{"epoch": 1}', b'{"epoch": "e", "upto": {"orders": "1"}}',
     b'{"epoch": "e", "need": {"orders": [[1]]}}'],
)  # fmt: skip
def test_anything_else_is_refused(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_ack(payload)


def test_the_state_is_encoded_whole() -> None:
    state = State(state="online", boot_id="b", epoch="e", version="0.1.0", since="2026-11-22T10:31:05+08:00")
    assert msgspec.json.decode(encode(state)) == {
        "state": "online", "boot_id": "b", "epoch": "e", "version": "0.1.0", "since": "2026-11-22T10:31:05+08:00",
    }  # fmt: skip
