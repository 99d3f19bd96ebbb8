"""What is read of a tag, whatever it says: nfcpy's own driver on the simulated chip, without a process or a thread."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nfc.clf import RemoteTarget, acr122

from edge_agent.devices.nfc import tags as reading
from edge_agent.devices.nfc.driver import Frontend
from edge_agent.devices.nfc.faults import fault
from edge_agent.devices.tag_apdus import LONGEST_NDEF
from edge_agent.errors import DeviceError
from edge_agent.observations import TagRead
from edge_agent.simulator.tags.apdu import Applications, Ndef
from edge_agent.simulator.tags.drawer import Tag
from edge_agent.simulator.tags.felica import Felica
from edge_agent.simulator.tags.type2 import PAGE, Classic, Ntag213
from edge_agent.simulator.tags.type4 import Type4
from tests.support.acr122 import Usb

UID, IDM = bytes.fromhex("04112233445566"), bytes(range(8))
AID = "F0010203040506"
ALL = frozenset({"type2", "type3", "type4", "classic"})


def frontend(usb: Usb) -> Frontend:
    made = Frontend(lambda: None)
    made.device = acr122.init(usb.open())
    made.begin()
    return made


def looked(tag: Tag, aids: tuple[str, ...] = ()) -> TagRead | None:
    """Lay a tag on a reader and look once."""
    usb = Usb(1)
    usb.chip.put(tag)
    reader = frontend(usb)
    target = reader.sense(*reading.targets(ALL))
    return None if target is None else reading.read(reader, target, aids)[0]


def ntag(memory: bytes) -> Ntag213:
    """Return an NTAG213 whose memory is this from page 3 on, as far as it goes."""
    tag = Ntag213(UID, None)
    tag._memory[3 * PAGE : 3 * PAGE + len(memory)] = memory
    return tag


def felica(content: bytes) -> Felica:
    tag = Felica(IDM, b"")
    tag._content = content
    return tag


def card(answer: Callable[[bytes], bytes], ats: bytes = bytes.fromhex("0578807002")) -> Type4:
    applications = Applications(None, {})
    setattr(applications, "process", answer)  # noqa: B010 - whatever it is asked
    return Type4("type4", lambda: UID, applications, ats=ats)


@pytest.mark.parametrize(
    ("memory", "ndef", "torn"),
    [
        ("00000000", None, False),
        ("E1101200 FE", None, False),
        ("E1201200 0300FE", None, False),  # mapping 2: not this one
        ("E11012F0 0300FE", None, False),  # may not be read
        ("E1101200 0300FE", b"", False),
        ("E1101200 000000 0303D00000 FE", b"\xd0\x00\x00", False),
        ("E1101200 FD02AAAA 0303D00000 FE", b"\xd0\x00\x00", False),  # somebody's own before it
        # lock bytes at byte 25 (page 6 of 4 bytes, the second): 16 bits there are skipped
        ("E1101200 0103611002 0305D101 FFFF 015441 FE", b"\xd1\x01\x01\x54\x41", False),
        ("E1101200 03FF0003D00000 FE", b"\xd0\x00\x00", False),
        ("E1100100 0308D1010454", None, True),  # more than the data area
        ("E1101200 03FFFFFF", None, True),
        ("E1100000", None, False),
    ],
)
def test_type_2(memory: str, ndef: bytes | None, torn: bool) -> None:
    assert looked(ntag(bytes.fromhex(memory))) == TagRead("type2", UID, ndef, torn)


@pytest.mark.parametrize(
    ("attributes", "ndef", "torn"),
    [
        ("10040100010000000000000000000016", b"", False),
        ("10040100010000000000000000030019", b"abc", False),
        ("1004010001000000000F000000030028", None, True),  # a writer was interrupted
        ("10000100010000000000000000030015", None, True),  # nothing can be read at once
        ("200401000100000000000000000000" + "26", None, False),  # another mapping
        ("10040100010000000000000000030000", None, False),  # wrong checksum
    ],
)
def test_felica(attributes: str, ndef: bytes | None, torn: bool) -> None:
    content = bytes.fromhex(attributes) + b"abc".ljust(16, b"\0")
    assert looked(felica(content)) == TagRead("type3", IDM, ndef, torn)


@pytest.mark.parametrize("ats", ["01", "0200", "0308 02", "0578807002", "06787780 02 80", "057870F000", ""])
def test_any_answer_to_select_will_do(ats: str) -> None:
    message = Applications(Ndef(lambda: b"\xd0\x00\x00" * 20), {})
    read = looked(Type4("type4", lambda: UID, message, ats=bytes.fromhex(ats)))
    assert read == TagRead("type4", UID, b"\xd0\x00\x00" * 20, torn=False) if ats else read is not None


def test_a_tag_that_asks_for_more_time_for_ever_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.devices.nfc.driver.TAG_S", 0.05)
    tag = card(lambda _: b"")
    exchange = tag.exchange
    monkeypatch.setattr(tag, "exchange", lambda frame: exchange(frame) if frame[0] == 0xE0 else b"\xf2\x3b")
    assert looked(tag) == TagRead("type4", UID, torn=True)


def test_only_what_is_allowed_is_looked_for() -> None:
    looked_for = [
        [target.brty for target in reading.targets(frozenset(kinds))] for kinds in (ALL, ["type3"], ["type4"])
    ]
    assert looked_for == [["106A", "212F"], ["212F"], ["106A"]]


@pytest.mark.parametrize(
    ("sens_res", "sel_res", "kind"),
    [
        ("4400", "00", "type2"),
        ("0400", "20", "type4"),
        ("0400", "60", "type4"),
        ("0400", "28", "type4"),  # a card that is MIFARE Classic as well
        ("0400", "08", "classic"),
        ("0200", "18", "classic"),
        ("0400", "09", "classic"),
        ("0400", "40", "other"),  # NFC-DEP: another reader
        ("000C", "", "other"),  # Type 1
    ],
)
def test_kinds_of_type_a(sens_res: str, sel_res: str, kind: str) -> None:
    found = {"sens_res": bytearray.fromhex(sens_res), "sel_res": bytearray.fromhex(sel_res)}
    assert reading.technology(RemoteTarget("106A", **found)) == kind


def test_a_classic_is_not_asked_for_more_than_its_uid() -> None:
    assert looked(Classic(b"\1\2\3\4")) == TagRead("classic", b"\1\2\3\4")


@settings(max_examples=150)
@given(st.binary(max_size=160))
def test_whatever_a_type_2_tag_holds_is_survived(memory: bytes) -> None:
    for head in (b"", b"\xe1\x10\x12\x00"):
        read = looked(ntag((head + memory)[:160]))
        assert read is not None
        assert len(read.ndef or b"") <= LONGEST_NDEF


@settings(max_examples=150)
@given(st.binary(max_size=80))
def test_whatever_a_felica_card_holds_is_survived(content: bytes) -> None:
    head = bytes((0x10, 4, 1, 0, 9)) + content[:9].ljust(9, b"\0")
    for block in (content, head + sum(head).to_bytes(2, "big") + content):
        assert looked(felica(block)) is not None


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8), st.binary(max_size=8))
def test_whatever_a_card_answers_is_survived(answers: list[bytes], ats: bytes) -> None:
    told = [answer for data in answers for answer in (data, data + b"\x90\x00")]
    turn = iter(told * 40)
    read = looked(card(lambda _: next(turn, b"\x6a\x82"), ats), (AID,))
    assert read is not None
    assert len(read.answers.get(AID, b"")) <= reading.ANSWER_ROOM


@settings(max_examples=150)
@given(st.sampled_from(("type2", "type3", "type4")), st.lists(st.binary(max_size=30), max_size=20))
def test_whatever_a_tag_sends_is_its_own_fault_and_not_the_readers(kind: str, answers: list[bytes]) -> None:
    tags: dict[str, Tag] = {"type2": ntag(b"\xe1\x10\x12\0"), "type3": felica(b""), "type4": card(lambda _: b"")}
    tag = tags[kind]
    turn = iter(answers)
    silent = {"poll": tag.poll, "exchange": lambda _: next(turn, None)}  # found as before, answering nonsense
    for name, behaviour in silent.items():
        setattr(tag, name, behaviour)
    usb = Usb(1)
    usb.chip.put(tag)
    reader = frontend(usb)
    target = reader.sense(*reading.targets(ALL))
    if target is not None and reading.technology(target) != "other":
        read, _ = reading.read(reader, target, (AID,))
        assert read.technology == kind


@settings(max_examples=200)
@given(st.data())
def test_whatever_a_reader_sends_is_a_fault_and_no_defect(data: st.DataObject) -> None:
    usb = Usb(1)
    usb.chip.put(Ntag213(UID, b"\xd0\x00\x00"))
    left = data.draw(st.integers(0, 40))

    def spoil(frame: bytes) -> bytes:
        nonlocal left
        left -= 1
        return frame if left >= 0 else data.draw(st.binary(max_size=30) | st.just(frame[: len(frame) // 2]))

    usb.spoil = spoil
    failed: Exception | None = None
    try:
        reader = frontend(usb)
        target = reader.sense(*reading.targets(ALL))
        if target is not None and reading.technology(target) != "other":
            reading.read(reader, target, (AID,))
    except Exception as error:  # noqa: BLE001 - this is what is looked at
        failed = fault(error, "usb")
    assert failed is None or isinstance(failed, DeviceError), repr(failed)
