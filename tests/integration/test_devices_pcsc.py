"""The PC/SC device on the real pyscard, pcscd and virtual reader driver; the cards are simulated."""

import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.clock import Clock
from edge_agent.config.devices import PcscSettings
from edge_agent.devices import create
from edge_agent.devices.pcsc import thread
from edge_agent.devices.pcsc.device import PcscDevice
from edge_agent.observations import TagGone, TagRead
from edge_agent.simulator.tags import ndef as tags_ndef
from tests.support.broker import until
from tests.support.devices import Recorder, States, supervised
from tests.support.pcsc import VirtualReaders, unavailable

if not unavailable():
    from edge_agent.devices.pcsc.reader import ACCEPTED, REFUSED
else:
    ACCEPTED = REFUSED = b""

pytestmark = pytest.mark.skipif(bool(unavailable()), reason=unavailable())

UID = "04A1B2C3D4E5F6"
URI = "https://member.example/m/1001"
AID = "F0010203040506"


@pytest.fixture(scope="module")
def box() -> Iterator[VirtualReaders]:
    with VirtualReaders() as readers:
        yield readers


@pytest.fixture
def readers(box: VirtualReaders) -> VirtualReaders:
    """Return two readers, empty, behind a pcscd that runs."""
    box.clear()
    return box


class Bench:
    """A device and everything around it."""

    def __init__(self, reader: str, **settings: object) -> None:
        self.emit = Recorder()
        self.states = States()
        device = create(
            PcscSettings.model_validate(
                {"id": "counter", "touchpoint": "counter", "kind": "pcsc", "reader": reader} | settings
            ),
            lambda _: pytest.fail("no decoder is needed"),
            clock=Clock(),
            report=self.states,
            keep=lambda _: pytest.fail("no journal is kept"),
        )
        assert isinstance(device, PcscDevice)
        self.device = device

    def supervised(self) -> AbstractAsyncContextManager[None]:
        return supervised(self.device, self.emit)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        async with self.supervised():
            await self.states.until_last("up")
            yield

    async def until(self, count: int) -> None:
        await self.emit.until(lambda: len(self.emit.observations) >= count)

    @property
    def read(self) -> TagRead:
        """Return the one tag that was read."""
        (found,) = (observation for observation in self.emit.observations if isinstance(observation, TagRead))
        return found


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        pytest.param(
            {"kind": "ntag213", "uid": UID, "uri": URI},
            TagRead("type2", bytes.fromhex(UID), ndef=tags_ndef.uri(URI)),
            id="type2",
        ),
        pytest.param(
            {"kind": "ntag213", "uid": UID, "ndef": False}, TagRead("type2", bytes.fromhex(UID)), id="type2-none"
        ),
        pytest.param({"kind": "ntag213", "uid": UID}, TagRead("type2", bytes.fromhex(UID), ndef=b""), id="type2-empty"),
        pytest.param(
            {"kind": "type4", "uid": UID, "octets": "D1" * 3000},
            TagRead("type4", bytes.fromhex(UID), ndef=b"\xd1" * 3000),
            id="type4-long",
        ),
        pytest.param(
            {"kind": "type4", "uid": UID, "ndef": False}, TagRead("type4", bytes.fromhex(UID)), id="type4-none"
        ),
        pytest.param({"kind": "type4", "uid": UID}, TagRead("type4", bytes.fromhex(UID), ndef=b""), id="type4-empty"),
        pytest.param({"kind": "classic", "uid": "DEADBEEF"}, TagRead("classic", b"\xde\xad\xbe\xef"), id="classic"),
        pytest.param(
            {"kind": "felica", "idm": "012E44A711223344"},
            TagRead("type3", bytes.fromhex("012E44A711223344")),
            id="felica",
        ),
    ],
)
async def test_a_tag_that_lies_there_at_the_start_is_read_and_its_removal_is_told(
    readers: VirtualReaders, tag: dict[str, str], expected: TagRead
) -> None:
    readers.do("put", tag=tag)
    bench = Bench(readers.name())
    async with bench.up():
        await bench.until(1)
        readers.take()
        await bench.until(2)
    assert bench.emit.observations == [expected, TagGone(expected.uid)]
    assert +bench.device.status.counts == {expected.technology: 1}


async def test_a_phone_is_asked_for_its_token(readers: VirtualReaders) -> None:
    bench = Bench(readers.name(), aids=["F099999999", AID])
    async with bench.up():
        readers.put("phone", answers={AID: b"member-1001".hex()}, sak="60")
        await bench.until(1)
    assert bench.read.answers == {AID: b"member-1001"}
    assert bench.read.uid[0] == 0x08


async def test_a_tag_laid_down_again_is_told_again(readers: VirtualReaders) -> None:
    bench = Bench(readers.name())
    async with bench.up():
        for taps in (1, 2):
            readers.put("ntag213", uid=UID, uri=URI)
            await bench.until(2 * taps - 1)
            readers.take()
            await bench.until(2 * taps)
    assert [type(observation) for observation in bench.emit.observations] == [TagRead, TagGone] * 2


@pytest.mark.parametrize(("kind", "leave_after"), [("ntag213", 3), ("type4", 6)])
async def test_a_tag_torn_away_in_mid_read_is_no_empty_tag(
    readers: VirtualReaders, kind: str, leave_after: int
) -> None:
    bench = Bench(readers.name())
    async with bench.up():
        readers.put(kind, uid=UID, uri=URI + "/" + "x" * 90, leave_after=leave_after)
        await bench.until(2)
    assert bench.emit.observations == [
        TagRead(bench.read.technology, bytes.fromhex(UID), torn=True),
        TagGone(bytes.fromhex(UID)),
    ]
    assert +bench.device.status.counts == {bench.read.technology: 1, "torn": 1}


@pytest.mark.parametrize("kind", ["ntag213", "type4"])
async def test_a_tag_that_claims_more_than_it_holds_is_torn(readers: VirtualReaders, kind: str) -> None:
    bench = Bench(readers.name())
    async with bench.up():
        readers.put(kind, uid=UID, uri=URI, claims=65000)
        await bench.until(1)
    assert bench.read.torn


@pytest.mark.parametrize("fault", ["garbage", "one_byte", "refused"])
async def test_a_tag_that_answers_nonsense_at_first_is_read_in_the_end(readers: VirtualReaders, fault: str) -> None:
    readers.fault(fault, 2)
    bench = Bench(readers.name())
    async with bench.up():
        readers.put("ntag213", uid=UID, uri=URI)
        await bench.until(1)
    assert bench.read.technology == "type2"


async def test_tags_of_other_types_are_let_be(readers: VirtualReaders) -> None:
    bench = Bench(readers.name(), tag_types=["type2"])
    async with bench.up():
        readers.put("classic", uid="DEADBEEF")
        await until(lambda: bench.device.status.counts["ignored"])
        readers.take()
        readers.put("ntag213", uid=UID)
        await bench.until(1)
    assert bench.read.technology == "type2"
    assert bench.emit.observations == [bench.read]


async def test_a_card_swapped_for_another_is_two_taps(readers: VirtualReaders) -> None:
    bench = Bench(readers.name())
    async with bench.up():
        readers.put("classic", uid="DEADBEEF")
        await bench.until(1)
        readers.put("classic", uid="CAFED00D")
        await bench.until(3)
    first, second = bytes.fromhex("DEADBEEF"), bytes.fromhex("CAFED00D")
    assert bench.emit.observations == [TagRead("classic", first), TagGone(first), TagRead("classic", second)]


async def test_two_readers_are_told_apart_by_a_part_of_their_names(readers: VirtualReaders) -> None:
    benches = [Bench("00 00"), Bench("00 01")]
    async with benches[0].up(), benches[1].up():
        readers.put("classic", uid="DEADBEEF", slot=0)
        readers.put("classic", uid="CAFED00D", slot=1)
        for bench in benches:
            await bench.until(1)
    assert [bench.read.uid.hex() for bench in benches] == ["deadbeef", "cafed00d"]


async def test_a_name_that_two_readers_share_is_refused(readers: VirtualReaders) -> None:
    bench = Bench("Virtual")
    async with bench.supervised():
        await bench.states.until_last("ambiguous")
    assert readers.name(1) in bench.states.all[-1].detail


async def test_a_pcscd_that_was_killed_is_found_again(readers: VirtualReaders) -> None:
    bench = Bench(readers.name())
    async with bench.up():
        readers.put("ntag213", uid=UID, uri=URI)
        await bench.until(1)
        readers.stop()
        await bench.states.until_last("no_service")
        readers.start()
        await bench.states.until_last("up")
        readers.take()
        await bench.until(2)  # and while it lay there all the time, it was no second tap
        readers.put("ntag213", uid=UID, uri=URI)
        await bench.until(3)
        readers.stop()
        await bench.states.until_last("no_service")
        readers.take()
        readers.start()
        await bench.until(4)
    read = bench.emit.observations[0]
    assert bench.emit.observations == [read, TagGone(bytes.fromhex(UID))] * 2
    assert bench.device.status.counts == {"type2": 2, "reopened": 2}


async def test_a_pcscd_that_hangs_is_told_and_waited_for(
    readers: VirtualReaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread, "HUNG_S", 1.0)
    monkeypatch.setattr(thread, "STOP_S", 0.2)
    bench = Bench(readers.name())
    async with bench.up():
        readers.signal(signal.SIGSTOP)
        await bench.states.until_last("up", "hung")
        readers.signal(signal.SIGCONT)
        await bench.states.until_last("hung", "up")
        readers.put("classic", uid="DEADBEEF")
        await bench.until(1)


async def test_what_could_not_be_recorded_is_handed_over_again(readers: VirtualReaders) -> None:
    bench = Bench(readers.name())
    async with bench.up():
        bench.emit.fail = OSError("no space left")
        readers.put("classic", uid="DEADBEEF")
        await bench.states.until_last("up", "crashed")
        readers.take()
        bench.emit.fail = None
        await bench.until(2)
    uid = bytes.fromhex("DEADBEEF")
    assert bench.emit.observations == [TagRead("classic", uid), TagGone(uid)]


async def test_a_reader_that_goes_and_comes_back_is_read_again(readers: VirtualReaders) -> None:
    bench = Bench(readers.name())
    async with bench.up():
        readers.restart(readers=False)
        await bench.states.until_last("missing")
        readers.restart()
        await bench.states.until_last("up")
        readers.put("classic", uid="DEADBEEF")
        await bench.until(1)


async def test_a_reader_another_program_keeps_to_itself_is_busy_until_it_lets_go(readers: VirtualReaders) -> None:
    from smartcard import scard

    readers.put("classic", uid="DEADBEEF")
    context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)[1]
    await until(lambda: connect(context, readers.name())[0] == scard.SCARD_S_SUCCESS)
    bench = Bench(readers.name())
    async with bench.supervised():
        await bench.states.until_last("busy")
        scard.SCardReleaseContext(context)
        await bench.states.until_last("busy", "up")
        await bench.until(1)
    assert bench.read.uid == b"\xde\xad\xbe\xef"


@pytest.mark.parametrize(("accepted", "light"), [(True, ACCEPTED), (False, REFUSED)])
async def test_the_light_comes_on_while_the_card_lies_there(
    readers: VirtualReaders, accepted: bool, light: bytes
) -> None:
    bench = Bench(readers.name())
    async with bench.up():
        bench.device.signal(accepted=not accepted)  # nobody is there to see it
        readers.put("classic", uid="DEADBEEF")
        await bench.until(1)
        bench.device.signal(accepted=accepted)
        await until(readers.asked_lights)
    assert readers.lights == [light.hex().upper()]


async def test_nothing_is_left_of_a_device_that_has_ended(readers: VirtualReaders) -> None:
    async with Bench(readers.name()).up():
        pass
    before = held()
    for _ in range(5):
        bench = Bench(readers.name())
        readers.put("classic", uid="DEADBEEF")
        async with bench.up():
            await bench.until(1)
    assert held() == before


def held() -> tuple[int, int]:
    """Return how many threads and descriptors this process has."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def connect(context: int, reader: str) -> tuple[int, int, int]:
    """Take a reader for oneself alone."""
    from smartcard import scard

    result, handle, protocol = scard.SCardConnect(
        context, reader, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_ANY
    )
    return result, handle, protocol
