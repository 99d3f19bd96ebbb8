"""The agent's copy over any cuts: every byte arrives once and in order, or its loss is told to the byte."""

from dataclasses import dataclass, field
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.relay.copying import Receiver, Sender, Spool
from edge_agent.relay.messages import Bind, Data, FromRelay, Lost, ProtocolError

LIMIT = 64


@dataclass
class Relay:
    """A relay as its ledger knows it, over its lives."""

    read: bytearray = field(default_factory=bytearray)  # all that ever came from the register
    bound: Bind | None = None
    lives: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.lives += 1
        self.spool = Spool(len(self.read), limit=LIMIT)
        self.sender = Sender(self.spool, self.bound, self._remember)

    def receive(self, data: bytes) -> None:
        self.read += data
        self.spool.append(data)

    def _remember(self, bound: Bind) -> None:
        self.bound = bound


@dataclass
class Agent:
    """An agent's journal, and where each hole in it is: position to what is missing there."""

    journal: bytearray = field(default_factory=bytearray)
    holes: list[tuple[int, int, int]] = field(default_factory=list)  # position, first, last

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.receiver = Receiver(len(self.journal))


class Wire:
    """One connection; what is under way when it is cut is lost."""

    def __init__(self, relay: Relay, agent: Agent) -> None:
        self.relay, self.agent = relay, agent
        bind, guessed = agent.receiver.hello(relay.sender.hello(str(relay.lives), "same"))
        assert not guessed
        relay.sender.bind(bind)

    def carry(self, messages: int) -> None:
        sending = self.relay.sender.messages()
        under_way: list[FromRelay] = list(islice(sending, messages))
        for message in under_way:
            match message:
                case Data():
                    new, answer = self.agent.receiver.data(message)
                    self.agent.journal += new
                    self.relay.sender.acked(answer)
                case Lost():
                    position = len(self.agent.journal)
                    self.agent.holes.append((position, message.first, message.last))
                    self.relay.sender.bind(self.agent.receiver.lost(message))
                case _:
                    raise AssertionError(message)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.binary(min_size=1, max_size=50)),
        st.tuples(st.just("carry"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["drop", "kill_agent", "kill_relay"]), st.integers(0, 3)),
        st.tuples(st.just("connect"), st.none()),
    ),
    max_size=60,
)


@given(steps)
def test_every_byte_arrives_once_or_its_loss_is_told(script: list[tuple[str, object]]) -> None:
    relay, agent = Relay(), Agent()
    wire: Wire | None = None
    for what, value in script:
        match what, value:
            case "receive", bytes(data):
                relay.receive(data)
            case "carry", int(count) if wire is not None:
                wire.carry(count)
            case "connect", _ if wire is None:
                wire = Wire(relay, agent)
            case "drop", int(sent):
                if wire is not None:  # sent, and lost on the way
                    list(islice(relay.sender.messages(), sent))
                wire = None
            case "kill_agent", _:
                agent.start()
                wire = None
            case "kill_relay", _:
                relay.start()
                wire = None
            case _:
                pass
    wire = Wire(relay, agent)
    while not relay.sender.settled or wire.relay.bound is None:
        wire.carry(1)
    wire.carry(2)

    put_together = bytearray()
    taken = 0
    for position, first, last in agent.holes:
        put_together += agent.journal[taken:position]
        assert len(put_together) == first
        put_together += relay.read[first:last]
        taken = position
    put_together += agent.journal[taken:]
    assert put_together == relay.read
    assert sum(last - first for _, first, last in agent.holes) + len(agent.journal) == len(relay.read)


def test_what_nobody_takes_over_is_bounded_and_the_oldest_goes() -> None:
    spool = Spool(limit=4)
    spool.append(b"abc")
    spool.append(b"defg")

    assert (spool.begin, spool.end, spool.read(3, 10)) == (3, 7, b"defg")


def test_a_relay_that_knows_nothing_of_the_one_before_makes_a_guess_that_is_told() -> None:
    receiver = Receiver(0)
    first = Sender(Spool(), None, lambda _: None)
    second = Sender(Spool(), None, lambda _: None)

    assert receiver.hello(first.hello("one", "x")) == (Bind(0, 0), False)
    receiver.data(Data(0, b"abc"))

    assert receiver.hello(second.hello("two", "x")) == (Bind(0, 3), True)


def test_an_agent_that_has_outlived_what_the_relay_knows_goes_on_from_here() -> None:
    relay = Sender(Spool(100), Bind(50, 1000), lambda _: None)
    receiver = Receiver(2000)

    bind, guessed = receiver.hello(relay.hello("one", "x"))

    assert (bind, guessed) == (Bind(100, 2000), False)


@pytest.mark.parametrize("limit", [100, 4])
def test_what_a_relay_reads_before_the_agent_comes_is_new_to_one_that_read_the_line_without_it(limit: int) -> None:
    """A config had the till read directly for 1000 bytes, then passed through again: those were of no relay."""
    spool = Spool(100, limit=limit)
    relay = Sender(spool, Bind(50, 1000), lambda _: None)
    spool.append(b"printed")
    receiver = Receiver(1050 + 1000)

    bind, guessed = receiver.hello(relay.hello("one", "x"))
    relay.bind(bind)

    assert (bind, guessed) == (Bind(100, 2050), False)
    expected = [Data(100, b"printed")] if limit == 100 else [Lost(100, 103)]
    assert list(relay.messages()) == expected


@pytest.mark.parametrize("overlap", [0, 1, 3])
def test_bytes_that_come_again_are_taken_once(overlap: int) -> None:
    receiver = Receiver(0)
    receiver.hello(Sender(Spool(), None, lambda _: None).hello("one", "x"))
    receiver.data(Data(0, b"abc"))

    new, answer = receiver.data(Data(3 - overlap, b"abc"[3 - overlap :] + b"de"))

    assert new == b"de"
    assert answer.upto == 5


def test_a_hole_that_nobody_told_of_ends_the_connection() -> None:
    receiver = Receiver(0)
    receiver.hello(Sender(Spool(), None, lambda _: None).hello("one", "x"))

    with pytest.raises(ProtocolError):
        receiver.data(Data(1, b"abc"))
