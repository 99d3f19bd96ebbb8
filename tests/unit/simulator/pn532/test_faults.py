from edge_agent.simulator.pn532 import frames
from edge_agent.simulator.pn532.faults import Faults, spoil

ANSWER = frames.encode(b"\x03\x32\x01\x06\x07")


def struck(faults: Faults, commands: int) -> list[str | None]:
    return [faults.strike() for _ in range(commands)]


def test_after_so_many_so_often() -> None:
    faults = Faults()
    assert struck(faults, 2) == [None, None]
    faults.set("hang", after=1, count=2)
    assert struck(faults, 4) == [None, "hang", "hang", None]


def test_until_cleared() -> None:
    faults = Faults()
    faults.set("no_reply", after=0, count=None)
    assert struck(faults, 3) == ["no_reply"] * 3
    faults.clear()
    assert struck(faults, 2) == [None, None]


def test_what_is_left_of_an_answer() -> None:
    assert spoil(None, ANSWER) == ANSWER
    assert spoil("short_frame", ANSWER) == b"\x00\x00\xff"
    assert spoil("error_frame", ANSWER) == frames.ERROR
    assert spoil("slow_ack", ANSWER) == frames.ACK + ANSWER
    wrong = spoil("bad_checksum", ANSWER)
    assert sum(ANSWER[5:-1]) & 0xFF == 0
    assert sum(wrong[5:-1]) & 0xFF != 0
    assert len(wrong) == len(ANSWER)
