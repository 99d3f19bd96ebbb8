"""Tags and phones on an NFC reader: the real nfcpy on a simulated PN532."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from edge_agent.observations import TagRead
from tests.support.devices import supervised
from tests.support.nfc import OTHER_UID, UID, Till, till
from tests.support.pn532 import reader

AID, OTHER_AID = "F0010203040506", "F0A1A2A3A4A5"
URI = b"\xd1\x01\x0cU\x04x.example/a"
KEY = "00" * 16


async def test_each_kind_of_tag_is_told_apart_read_once_and_seen_to_go(tmp_path: Path) -> None:
    async with till(tmp_path) as at:
        assert await at.tap("ntag213", uid=UID, uri="https://x.example/a") == TagRead("type2", bytes.fromhex(UID), URI)
        await at.looks(6)
        assert await at.take() == bytes.fromhex(UID)
        felica = await at.tap("felica", idm="0102030405060708", text="你好")
        assert felica == TagRead("type3", bytes(range(1, 9)), b"\xd1\x01\x09T\x02zh" + "你好".encode())
        await at.looks(6)
        assert await at.take() == bytes(range(1, 9))
        card = await at.tap("type4", uid=OTHER_UID, text="hello")
        assert card == TagRead("type4", bytes.fromhex(OTHER_UID), b"\xd1\x01\x08T\x02zhhello")
        await at.looks(6)
        assert await at.take() == bytes.fromhex(OTHER_UID)
        classic = await at.tap("classic", uid="C1C2C3C4")
        assert classic == TagRead("classic", bytes.fromhex("C1C2C3C4"))
        await at.looks(6)
        assert await at.take() == bytes.fromhex("C1C2C3C4")
        assert len(at.reads) == len(at.gone) == 4
        assert at.taps == {"type2": 1, "type3": 1, "type4": 1, "classic": 1}
        assert at.states.reasons == ["up"]


@pytest.mark.parametrize("sak", ["20", "60"])
async def test_phones_answer_for_the_applications_they_have(tmp_path: Path, sak: str) -> None:
    async with till(tmp_path, aids=(AID, OTHER_AID)) as at:
        read = await at.tap("phone", sak=sak, answers={AID: "CAFE01"})
        assert (read.technology, read.ndef, read.torn) == ("type4", None, False)
        assert read.uid[0] == 0x08
        assert read.answers == {AID: b"\xca\xfe\x01"}
        await at.looks(6)  # its UID is another one each time the field was off: it is still the same phone
        assert (len(at.reads), at.gone) == (1, [])
        assert await at.take() == read.uid
        both = await at.tap("phone", sak=sak, answers={AID: "01" * 254, OTHER_AID: ""}, uri="https://x.example/a")
        assert both.answers == {AID: b"\x01" * 254, OTHER_AID: b""}
        assert both.ndef == URI


async def test_no_message_and_an_empty_one_and_a_torn_one_differ(tmp_path: Path) -> None:
    async with till(tmp_path) as at:
        kinds: tuple[tuple[str, dict[str, Any], int], ...] = (
            ("ntag213", {"uid": UID}, 0xFFFF),
            ("felica", {"idm": "0102030405060708"}, 0xFFFFFF),
            ("type4", {"uid": OTHER_UID}, 0xFFFF),
        )
        for kind, identity, claims in kinds:
            none = await at.tap(kind, **identity, ndef=False)
            await at.take()
            empty = await at.tap(kind, **identity)
            await at.take()
            megabytes = await at.tap(kind, **identity, text="x", claims=claims, endless=True)
            await at.take()
            short = await at.tap(kind, **identity, text="x", claims=100 if kind != "ntag213" else 150)
            await at.take()
            assert [(read.ndef, read.torn) for read in (none, empty, megabytes, short)] == [
                (None, False),
                (b"", False),
                (None, True),
                (None, True),
            ], kind
        assert at.counts["torn"] == 6
        assert at.states.reasons == ["up"]


@pytest.mark.parametrize(
    ("kind", "identity"),
    [("ntag213", {"uid": UID}), ("felica", {"idm": "0102030405060708"}), ("type4", {"uid": OTHER_UID})],
)
async def test_a_tag_gone_in_the_middle_is_torn_and_whole_the_next_time(
    tmp_path: Path, kind: str, identity: dict[str, Any]
) -> None:
    async with till(tmp_path) as at:
        torn = await at.tap(kind, **identity, text="x" * 100, leave_after=2)
        assert (torn.torn, torn.ndef) == (True, None)
        await at.recorder.until(lambda: len(at.gone) == 1)
        whole = await at.tap(kind, **identity, text="x" * 100)
        assert whole.ndef is not None
        assert not whole.torn
        assert whole.ndef.endswith(b"x" * 100)
        assert at.states.reasons == ["up"]


async def test_an_sdm_tag_gives_a_new_url_a_tap(tmp_path: Path) -> None:
    async with till(tmp_path) as at:
        found = []
        for _ in range(2):
            read = await at.tap("sdm", uid="04958CAA5C5E80", meta=KEY, file=KEY, url="https://x.example/t")
            computed = await at.simulated.wait_for("sdm")
            assert read.ndef is not None
            assert read.ndef.endswith(computed["url"].removeprefix("https://").encode())
            found.append(read.ndef)
            await at.take()
        assert len(set(found)) == 2


async def test_a_kind_that_is_not_wanted_is_let_be_and_counted_once(tmp_path: Path) -> None:
    async with till(tmp_path, tag_types=("type4",)) as at:
        await at.simulated.put("ntag213", uid=UID, text="x")
        await at.simulated.wait_for("tap")
        await at.looks(6)
        await at.simulated.do("take")
        await at.looks(6)
        read = await at.tap("type4", uid=OTHER_UID, text="x")
        assert at.recorder.observations == [read]
        assert at.taps == {"ignored": 1, "type4": 1}


async def test_taps_made_while_others_are_being_recorded_are_not_lost(tmp_path: Path) -> None:
    async with till(tmp_path) as at:
        at.recorder.gate.clear()
        uids = [f"0411223344{number:04X}" for number in range(3)]
        for uid in uids:
            await at.simulated.put("ntag213", uid=uid, text="x")
            await at.simulated.wait_for("tap")
            await at.looks(2)
            await at.simulated.do("take")
            await at.looks(4)
        assert at.recorder.observations == []
        at.recorder.gate.set()
        await at.recorder.until(lambda: len(at.gone) == 3)
        assert [read.uid.hex().upper() for read in at.reads] == uids


async def test_without_room_the_reader_waits_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.devices.nfc.thread.ROOM", 1)
    async with till(tmp_path) as at:
        at.recorder.gate.clear()
        await at.simulated.put("ntag213", uid=UID, text="x")
        await at.simulated.wait_for("tap")
        await at.simulated.do("take")
        await asyncio.sleep(0.5)  # the TagGone finds no room
        at.recorder.gate.set()
        await at.recorder.until(lambda: len(at.gone) == 1)
        assert (await at.tap("ntag213", uid=OTHER_UID, text="x")).uid == bytes.fromhex(OTHER_UID)


async def test_what_could_not_be_recorded_is_handed_over_again(tmp_path: Path) -> None:
    async with till(tmp_path) as at:
        at.recorder.fail = RuntimeError("no room on the disk")
        await at.simulated.put("ntag213", uid=UID, text="x")
        await at.states.until_last("up", "crashed")
        at.recorder.fail = None
        await at.recorder.until(lambda: len(at.reads) == 1)
        await at.states.until_last("up")
        assert await at.take() == bytes.fromhex(UID)
        assert len(at.reads) == 1  # it lay there all the time


async def test_several_readers_do_not_know_each_other(tmp_path: Path) -> None:
    async with till(tmp_path, name="one") as one, till(tmp_path, name="two") as two:
        async with asyncio.TaskGroup() as hands:
            left = hands.create_task(one.tap("ntag213", uid=UID, text="x"))
            right = hands.create_task(two.tap("ntag213", uid=OTHER_UID, text="y"))
        first, second = left.result(), right.result()
        assert (first.uid.hex().upper(), second.uid.hex().upper()) == (UID, OTHER_UID)
        await one.simulated.do("unplug")
        await one.states.until_last("missing")
        await two.take()
        assert (await two.tap("classic", uid="01020304")).technology == "classic"
        assert two.states.reasons == ["up"]
        await one.simulated.do("plug")
        await one.states.until_last("up")


async def test_a_reader_is_held_by_one_agent_only(tmp_path: Path) -> None:
    async with reader(tmp_path) as simulated:
        first, second = Till(simulated), Till(simulated)
        async with supervised(first.device, first.recorder):
            await first.states.until_last("up")
            async with supervised(second.device, second.recorder):
                await second.states.until_last("busy")
            await first.looks(2)
            assert first.states.reasons == ["up"]
        async with supervised(second.device, second.recorder):
            await second.states.until_last("up")


async def test_a_tag_is_never_named_in_a_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with till(tmp_path, aids=(AID,)) as at:
        await at.tap("phone", answers={AID: "DEADBEEF"})
        uid = at.reads[0].uid.hex()
        await at.take()
        await at.tap("ntag213", uid=UID, text="x" * 50, leave_after=3)
        await at.simulated.do("fault", name="bad_checksum")
        await at.states.until_last("protocol")
    written = (caplog.text + "".join(capfd.readouterr())).lower()
    assert "part_down" in written
    for secret in (uid, "deadbeef", UID.lower()):
        assert secret not in written
