"""Messages over any cuts of the stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.relay.messages import (
    MAX_FRAME,
    Acked,
    Bind,
    Data,
    Ends,
    FromAgent,
    FromRelay,
    Hello,
    Lost,
    ProtocolError,
    Serve,
    Show,
    frame,
    from_agent,
    from_relay,
)
from edge_agent.relay.settings import SerialLine, Settings, TcpAddress, decode, encode

SETTINGS = Settings("till-1", SerialLine("/dev/ttyS0", 9600), TcpAddress("192.0.2.10", 9100), {"dialect": "led8"})
SAID: list[FromRelay] = [
    Hello("one", SETTINGS.fingerprint(), 0, 10, Bind(1, 2)),
    Ends(("", ""), ("refused", "192.0.2.10:9100: nothing listens on this port"), 3),
    Data(0, b"\x1b@" * 100),
    Lost(1, 2),
]
ANSWERED: list[FromAgent] = [Bind(0, 0), Acked(5), Show(("total", "1.00"), 2.5), Serve(SETTINGS)]


@given(st.lists(st.integers(1, 64), min_size=1))
def test_messages_arrive_whole_however_the_stream_is_cut(cuts: list[int]) -> None:
    for reader, messages in ((from_relay(), SAID), (from_agent(), ANSWERED)):
        stream = b"".join(map(frame, messages))
        heard = []
        turn = 0
        while stream:
            size = cuts[turn % len(cuts)]
            heard += list(reader.feed(stream[:size]))
            stream = stream[size:]
            turn += 1
        assert heard == messages


@pytest.mark.parametrize(
    "nonsense",
    [b"GET / HTTP/1.1\r\n\r\n", (MAX_FRAME + 1).to_bytes(4, "big"), b"\0\0\0\x01\xc1", frame(Data(0, b"x"))],
)
def test_nonsense_is_an_error(nonsense: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(from_agent().feed(nonsense))


def test_settings_have_one_fingerprint_and_survive_their_command_line() -> None:
    assert decode(encode(SETTINGS)) == SETTINGS
    other = Settings("till-1", SerialLine("/dev/ttyS0", 19200), SETTINGS.printer, SETTINGS.display)
    assert other.fingerprint() != SETTINGS.fingerprint()
