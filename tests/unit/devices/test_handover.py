"""What devices leave open for those of the next generation."""

from edge_agent.config.devices import SerialSettings, TcpListenSettings, TcpSettings
from edge_agent.devices.handover import Handover, key_of

LINE = {"touchpoint": "till-1", "decoder": "lines"}
SERIAL = {**LINE, "id": "till-1", "kind": "serial", "port": "/dev/till-1", "baudrate": 9600}


def left(handover: Handover, key: str) -> list[str]:
    """Leave a thing; what is returned tells whether it was closed."""
    closed: list[str] = []
    assert handover.leave(key, key, lambda: closed.append(key))
    return closed


def test_only_what_is_wanted_may_be_left() -> None:
    handover = Handover()
    assert not handover.leave("a", "a", lambda: None), "nobody is about to take anything"
    handover.begin({"a", "b"})
    assert not handover.leave("c", "c", lambda: None)
    closed = left(handover, "a")
    handover.end()
    assert not handover.leave("b", "b", lambda: None), "a device that is started anew ends for good"
    assert handover.take("a", str) == "a"
    assert handover.take("a", str) is None
    handover.close()
    assert closed == []


def test_what_nobody_took_is_closed_once_nobody_wants_it() -> None:
    handover = Handover()
    handover.begin({"a", "b"})
    first, second = left(handover, "a"), left(handover, "b")
    handover.end()
    handover.begin({"a"})
    assert (first, second) == ([], ["b"])
    handover.close()
    assert (first, second) == (["a"], ["b"])
    handover.close()
    assert first == ["a"]


def test_a_line_is_the_same_by_where_it_leads_and_how_it_is_set() -> None:
    serial = SerialSettings.model_validate(SERIAL)
    for alike in ({"id": "bar"}, {"name": "Bar"}, {"touchpoint": "bar"}, {"decoder": "scanner"}, {"idle_end": "9s"}):
        assert key_of(SerialSettings.model_validate(SERIAL | alike)) == key_of(serial)
    for other in (
        {"port": "/dev/till-2"}, {"baudrate": 19200}, {"bytesize": 7}, {"parity": "E"}, {"stopbits": 2},
        {"xonxoff": True}, {"rtscts": True}, {"passthrough": "/dev/printer"},
    ):  # fmt: skip
        assert key_of(SerialSettings.model_validate(SERIAL | other)) != key_of(serial)
    tcp = TcpSettings.model_validate(LINE | {"id": "a", "kind": "tcp", "host": "127.0.0.1", "port": 9100})
    listen = TcpListenSettings.model_validate(LINE | {"id": "b", "kind": "tcp-listen", "listen": "127.0.0.1:9100"})
    assert len({key_of(tcp), key_of(listen), key_of(serial)}) == 3
