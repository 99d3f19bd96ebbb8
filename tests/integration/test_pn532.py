"""The simulated reader under the real nfcpy driver: what it reads of each tag, and how each fault looks to it."""

import asyncio
import errno
import signal
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import nfc.clf
import nfc.clf.pn53x
import nfc.clf.pn532
import nfc.clf.transport
import nfc.tag
import pytest
import serial

from tests.support.pn532 import SimulatedReader, reader

NTAG = {"kind": "ntag213", "uid": "04A1B2C3D4E5F6", "uri": "https://shop.example/m/1"}
CARD = {"kind": "type4", "uid": "04A1B2C3D4E5F6", "text": "会员" * 60}
FELICA = {"kind": "felica", "idm": "0102030405060708", "uri": "https://shop.example/m/2"}
PHONE = {"kind": "phone", "answers": {"F0010203040506": "C0FFEE"}}
SDM = {"kind": "sdm", "uid": "04DE5F1EACC040", "meta": "00" * 16, "file": "00" * 16, "url": "https://shop.example/t"}
CLASSIC = {"kind": "classic", "uid": "DEADBEEF"}


def open_frontend(path: Path) -> Any:
    frontend = nfc.clf.ContactlessFrontend()
    transport = nfc.clf.transport.TTY(str(path))
    try:
        frontend.device = nfc.clf.pn532.init(transport)
    except BaseException:
        transport.tty.close()
        raise
    return frontend


def close_frontend(frontend: Any) -> None:
    """Close it whatever state it is in: nfcpy leaves the port open when its own closing fails."""
    transport = frontend.device.chipset.transport
    with suppress(OSError, termios.error, nfc.clf.pn53x.Chipset.Error, IndexError):
        frontend.close()
    if transport.tty is not None:
        transport.tty.close()


async def patiently_opened(path: Path) -> Any:
    """Try again, as the agent does: nfcpy waits 0.1 s for an answer, which a busy machine may take."""
    for _ in range(4):
        with suppress(TimeoutError):
            return await asyncio.to_thread(open_frontend, path)
    return await asyncio.to_thread(open_frontend, path)


@asynccontextmanager
async def frontend(path: Path) -> AsyncIterator[Any]:
    opened = await patiently_opened(path)
    try:
        yield opened
    finally:
        await asyncio.to_thread(close_frontend, opened)


def sense(clf: Any) -> Any:
    return clf.sense(nfc.clf.RemoteTarget("106A"), nfc.clf.RemoteTarget("212F"), iterations=1)


def activate(clf: Any) -> Any:
    target = sense(clf)
    assert target is not None
    return nfc.tag.activate(clf, target)


def content(tag: Any) -> Any:
    """Return a tag's NDEF message; None where nfcpy finds none."""
    found = tag.ndef
    return None if found is None else found.octets


def octets(clf: Any) -> Any:
    return content(activate(clf))


def is_present(tag: Any) -> Any:
    return tag.is_present


def select(tag: Any, aid: str) -> Any:
    return tag.send_apdu(0, 0xA4, 4, 0, bytes.fromhex(aid))


async def run(function: Callable[[Any], Any], clf: Any) -> Any:
    return await asyncio.to_thread(function, clf)


@pytest.fixture
async def simulated(tmp_path: Path) -> AsyncIterator[SimulatedReader]:
    async with reader(tmp_path) as running:
        yield running


@pytest.fixture
async def clf(simulated: SimulatedReader) -> AsyncIterator[Any]:
    async with frontend(simulated.path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("tag", "type_", "message"),
    [
        (NTAG, "Type2Tag", b"\xd1\x01\x11U\x04shop.example/m/1"),
        (CARD, "Type4Tag", b"\xc1\x01\x00\x00\x01\x6bT\x02zh" + ("会员" * 60).encode()),
        (FELICA, "Type3Tag", b"\xd1\x01\x11U\x04shop.example/m/2"),
        (CLASSIC, "Type2Tag", None),
        (PHONE, "Type4Tag", None),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
async def test_every_kind_is_told_apart_and_read(
    simulated: SimulatedReader, clf: Any, tag: dict[str, Any], type_: str, message: bytes | None
) -> None:
    assert await run(sense, clf) is None
    await simulated.do("put", tag=tag)
    found = await run(activate, clf)
    assert found.type == type_
    uid = found.identifier.hex().upper()
    assert uid == tag.get("uid", tag.get("idm", uid))
    assert await asyncio.to_thread(content, found) == message
    assert await asyncio.to_thread(is_present, found) is (tag is not CLASSIC)  # which is mute, and seems to be gone
    await simulated.do("take")
    assert not await asyncio.to_thread(is_present, found)
    assert await run(sense, clf) is None
    assert await simulated.wait_for("tap") == {"kind": tag["kind"], "uid": uid}


async def test_an_sdm_url_is_new_at_each_tap(simulated: SimulatedReader, clf: Any) -> None:
    seen = []
    for _ in range(2):
        await simulated.do("put", tag=SDM)
        message = await run(octets, clf)
        made = await simulated.wait_for("sdm")
        assert b"https://" + message[5:] == made["url"].encode()
        seen.append(made)
    assert [tap["counter"] for tap in seen] == [1, 2]
    assert seen[0]["url"] != seen[1]["url"]
    await simulated.do("put", tag={"kind": "type4", "uid": SDM["uid"], "uri": seen[0]["url"]})
    assert b"https://" + await run(octets, clf) == b"https://" + b"\xd1\x01\x45U\x04" + seen[0]["url"][8:].encode()


@pytest.mark.parametrize("sak", ["20", "60"])
async def test_a_phone_has_another_uid_at_each_tap_and_answers_its_aid(
    simulated: SimulatedReader, clf: Any, sak: str
) -> None:
    uids = set()
    for _ in range(3):
        await simulated.do("put", tag=PHONE | {"sak": sak, "wtx": 2})
        phone = await run(activate, clf)
        uids.add(phone.identifier)
        assert await asyncio.to_thread(select, phone, "F0010203040506") == bytes.fromhex("C0FFEE")
        with pytest.raises(nfc.tag.tt4.Type4TagCommandError) as unknown:
            await asyncio.to_thread(select, phone, "F001020304")
        assert unknown.value.errno == 0x6A82
        assert phone.target.sel_res == bytes.fromhex(sak)
    assert len(uids) == 3
    assert {uid[0] for uid in uids} == {8}


@pytest.mark.parametrize("tag", [NTAG, CARD, FELICA], ids=lambda tag: tag["kind"])
async def test_an_empty_message_a_missing_one_a_torn_one_and_a_boast(
    simulated: SimulatedReader, clf: Any, tag: dict[str, Any]
) -> None:
    bare = {key: value for key, value in tag.items() if key in ("kind", "uid", "idm")}
    await simulated.do("put", tag=bare)
    assert await run(octets, clf) == b""
    for without in (bare | {"ndef": False}, tag | {"claims": 0xFFFF}):
        await simulated.do("put", tag=without)
        assert await run(octets, clf) is None
        assert await run(sense, clf) is not None
    await simulated.do("put", tag=bare | {"octets": "FFFF00"})
    assert await run(octets, clf) == bytes.fromhex("FFFF00")
    await simulated.do("put", tag=tag, leave_after=4 if tag is not FELICA else 1)
    assert await run(octets, clf) is None
    await simulated.wait_for("left")
    assert await run(sense, clf) is None


async def test_an_endless_file_holds_the_driver_until_it_is_taken(simulated: SimulatedReader, clf: Any) -> None:
    await simulated.do("put", tag=CARD | {"claims": 0xFFFF, "endless": True})
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(run(octets, clf))
        done, _ = await asyncio.wait([reading], timeout=0.5)
        assert not done
        await simulated.do("take")
        assert await reading is None


def is_eio(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EIO


FAULTS: dict[str, Callable[[BaseException], bool]] = {
    "hang": is_eio,
    "slow_ack": is_eio,
    "bad_checksum": is_eio,
    "short_frame": lambda error: isinstance(error, IndexError),
    "error_frame": lambda error: isinstance(error, nfc.clf.pn53x.Chipset.Error) and error.errno == 0x7F,
    "no_reply": lambda error: isinstance(error, OSError) and error.errno == errno.ETIMEDOUT,
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_seen_as_nfcpy_reports_it_and_passes(simulated: SimulatedReader, clf: Any, name: str) -> None:
    await simulated.do("put", tag=NTAG)
    await simulated.do("fault", name=name, count=1)
    with pytest.raises(Exception) as seen:  # noqa: PT011 - which one is what the table says
        await run(sense, clf)
    assert FAULTS[name](seen.value), repr(seen.value)
    assert await run(sense, clf) is not None


async def test_a_fault_stays_until_it_is_cleared(simulated: SimulatedReader, clf: Any) -> None:
    await simulated.do("fault", name="error_frame")
    for _ in range(3):
        with pytest.raises(nfc.clf.pn53x.Chipset.Error):
            await run(sense, clf)
    await simulated.do("clear")
    assert await run(sense, clf) is None


async def test_a_cable_is_pulled_in_the_middle_of_a_tag(simulated: SimulatedReader) -> None:
    async with frontend(simulated.path) as clf:
        await simulated.do("put", tag=CARD)
        await simulated.do("fault", name="unplug", after=25, count=1)
        with pytest.raises((OSError, termios.error)):
            await run(octets, clf)
    assert await simulated.wait_for("tap") == {"kind": "type4", "uid": CARD["uid"]}
    assert await simulated.wait_for("struck") == "unplug"
    assert not simulated.path.exists()
    await simulated.do("plug")
    async with frontend(simulated.path) as clf:
        assert await run(octets, clf) is not None


@pytest.mark.parametrize("tag", [None, NTAG], ids=["empty", "with a tag"])
async def test_unplugged_and_plugged_in_again(simulated: SimulatedReader, tag: dict[str, Any] | None) -> None:
    async with frontend(simulated.path) as clf:
        if tag is not None:
            await simulated.do("put", tag=tag)
            await run(sense, clf)
        await simulated.do("unplug")
        assert not simulated.path.exists()
        with pytest.raises((OSError, termios.error)):
            await run(sense, clf)
    with pytest.raises(serial.SerialException):
        await asyncio.to_thread(open_frontend, simulated.path)
    await simulated.do("plug")
    async with frontend(simulated.path) as clf:
        assert (await run(sense, clf) is None) is (tag is None)


async def test_a_phone_draws_a_new_uid_whenever_the_field_was_off(simulated: SimulatedReader, clf: Any) -> None:
    for steady, different in ((False, 3), (True, 1)):
        await simulated.do("put", tag=PHONE | {"steady": steady})
        uids = {bytes((await run(sense, clf)).sdd_res) for _ in range(3)}
        assert len(uids) == different


async def test_a_host_that_died_leaves_a_chip_at_its_own_speed(simulated: SimulatedReader) -> None:
    died = await asyncio.to_thread(open_frontend, simulated.path)
    died.device.chipset.transport.tty.close()
    with pytest.raises(OSError, match="timed out"):
        await asyncio.to_thread(open_frontend, simulated.path)
    assert await simulated.wait_for("deaf") == {"host": 115200, "chip": 921600}
    # What a host can do about it: find the speed, and ask for the one it starts with.
    with serial.Serial(str(simulated.path), 921600, timeout=1) as port:
        port.write(bytes.fromhex("0000FF00FF000000FF03FDD410041800"))
        assert port.read(15) == bytes.fromhex("0000FF00FF000000FF02FED5111A00")
        port.write(bytes.fromhex("0000FF00FF00"))
        await asyncio.to_thread(port.flush)
    async with frontend(simulated.path) as clf:
        assert await run(sense, clf) is None


async def test_two_readers_at_once(simulated: SimulatedReader, clf: Any, tmp_path: Path) -> None:
    async with reader(tmp_path, name="nfc-door") as other, frontend(other.path) as second:
        await simulated.do("put", tag=NTAG)
        await other.do("put", tag=FELICA)
        async with asyncio.TaskGroup() as tasks:
            first_read, second_read = tasks.create_task(run(octets, clf)), tasks.create_task(run(octets, second))
        assert first_read.result().endswith(b"/m/1")
        assert second_read.result().endswith(b"/m/2")


async def test_an_idle_reader_sleeps_and_holds_nothing(simulated: SimulatedReader) -> None:
    process = Path("/proc") / str(simulated.process.pid)

    def switches() -> int:
        status = (process / "status").read_text()
        return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)

    held = len(list((process / "fd").iterdir()))
    for _ in range(20):
        async with frontend(simulated.path) as clf:
            await simulated.do("put", tag=NTAG)
            await run(sense, clf)
        await simulated.do("unplug")
        await simulated.do("plug")
    assert len(list((process / "fd").iterdir())) == held
    before = switches()
    await asyncio.sleep(0.5)
    assert switches() - before <= 2


async def test_a_refused_order_changes_nothing(simulated: SimulatedReader, clf: Any) -> None:
    await simulated.do("put", tag=NTAG)
    for wrong in ({"kind": "ntag213", "uid": "04"}, {"kind": "dragon"}):
        with pytest.raises(ValueError, match=r"."):
            await simulated.do("put", tag=wrong)
    with pytest.raises(ValueError, match="fire"):
        await simulated.do("fault", name="fire")
    assert await run(sense, clf) is not None


@pytest.mark.parametrize("how", ["signal", "end of input"])
async def test_it_ends_and_takes_its_link_along(tmp_path: Path, how: str) -> None:
    async with reader(tmp_path) as running:
        assert running.path.is_symlink()
        if how == "signal":
            running.process.send_signal(signal.SIGTERM)
        else:
            assert running.process.stdin is not None
            running.process.stdin.close()
        assert await running.process.wait() == 0
        assert not running.path.is_symlink()
