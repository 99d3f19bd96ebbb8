from itertools import pairwise

import pytest

from edge_agent.simulator.pn532 import chip as chips
from edge_agent.simulator.tags.drawer import Tag
from edge_agent.simulator.tags.felica import Felica
from edge_agent.simulator.tags.type2 import Classic, Ntag213
from edge_agent.simulator.tags.type4 import random_uid

NTAG = bytes.fromhex("04A1B2C3D4E5F6")
NTAG_ON_AIR = bytes.fromhex("8804A1B2C3D4E5F6")  # with its cascade tag


class Bench:
    def __init__(self, tag: Tag | None = None) -> None:
        self.told: list[dict[str, object]] = []
        self.chip = chips.Chip(self.told.append)
        if tag is not None:
            self.chip.put(tag)

    def run(self, command: str) -> str:
        data = self.chip.execute(bytes.fromhex(command)).data
        assert data is not None
        return data.hex().upper()

    def takes_s(self, command: str) -> float:
        return self.chip.execute(bytes.fromhex(command)).after_s


@pytest.mark.parametrize("command", ["60", "8C00", "0005", "1020", "FF"])
def test_what_it_does_not_know_is_an_error_frame(command: str) -> None:
    assert Bench().chip.execute(bytes.fromhex(command)).data is None


def test_the_housekeeping() -> None:
    bench = Bench()
    assert bench.run("02") == "03" + "32010607"
    assert bench.run("00" + "00ABCD") == "01" + "00ABCD"
    assert bench.run("08" + "63020A") + bench.run("06" + "63026303") == "09" + "07" + "0A00"
    for code in ("14010000", "1200", "320500010001"[:10]):
        assert bench.run(code) == f"{int(code[:2], 16) + 1:02X}"
    assert bench.run("1601") == "1700"


def test_a_new_speed_waits_for_the_hosts_word() -> None:
    bench = Bench()
    bench.run("1007")
    assert (bench.chip.baudrate, bench.chip.baudrate_wanted) == (115200, 921600)
    bench.chip.power_up()
    assert bench.chip.baudrate_wanted == 115200


def test_pins_move_only_where_the_host_says_so() -> None:
    bench = Bench()
    assert bench.run("0C") == "0DFFFF00"
    bench.run("0E" + "8100")
    assert bench.run("0C") == "0D01FF00"
    bench.run("0E" + "8100")
    assert bench.told == [{"gpio": [1, 255]}]


def test_an_empty_field_leaves_the_request_in_the_fifo_and_takes_its_time() -> None:
    bench = Bench()
    assert bench.run("4A0100") == "4B00"
    assert bench.run("066339") == "0726"
    assert bench.takes_s("4A0100") == chips.EMPTY_POLL_S
    bench.chip.put(Ntag213(NTAG, b""))
    bench.run("4A0100" + "04A1B2C3")
    assert bench.run("066339") == "0700"  # somebody is there, but not the one who was called


def test_a_tag_is_listed_by_its_own_modulation_and_told_once() -> None:
    bench = Bench(Ntag213(NTAG, b""))
    assert bench.run("4A010100FFFF0100") == "4B00"
    assert bench.run("4A0103" + "00") == "4B00"
    listed = "4B0101" + "0044" + "00" + "07" + NTAG.hex().upper()
    assert bench.run("4A0100") == bench.run("4A0100" + NTAG_ON_AIR.hex()) == listed
    assert bench.run("4A0100" + "DEADBEEF") == "4B00"
    assert bench.told == [{"tap": {"kind": "ntag213", "uid": "04A1B2C3D4E5F6"}}]


def test_a_felica_card_is_listed_with_its_system_code() -> None:
    bench = Bench(Felica(bytes.fromhex("0102030405060708"), b""))
    assert bench.run("4A0100") == "4B00"
    answer = "01" + "0102030405060708" + "0120220427674EFF" + "12FC"
    for modulation in ("01", "02"):
        assert bench.run(f"4A01{modulation}00FFFF0100") == "4B0101" + "14" + answer
    assert bench.run("4A01010088B40100") == "4B00"


def test_crcs_are_the_hosts_when_it_switches_them_off() -> None:
    bench = Bench(Ntag213(NTAG, b""))
    bench.run("4A0100")
    version = "0004040201000F03"
    assert bench.run("4260") == "4300" + version
    bench.run("086303" + "00")
    crc = chips.crc_a(bytes.fromhex(version)).hex().upper()
    assert bench.run("4260") == "4300" + version + crc
    assert bench.run("423099") == "430000"  # a NAK is four bits without a CRC …
    bench.run("4A0100")
    assert bench.run("423099") == "4302"  # … and an error to whoever expects one
    bench.run("4A0100")
    assert bench.run("400130" + "00")[:4] == "4100"


@pytest.mark.parametrize(("data", "crc"), [("0000", "A01E"), ("1234", "26CF")])
def test_crc_of_type_a_as_iso_14443_3_prints_it(data: str, crc: str) -> None:
    assert chips.crc_a(bytes.fromhex(data)) == bytes.fromhex(crc)


def test_silence_is_a_time_out_as_long_as_the_host_asked_for() -> None:
    bench = Bench(Classic(bytes.fromhex("DEADBEEF")))
    bench.run("4A0100")
    assert bench.run("423000") == "4301"
    waits = []
    for index in range(1, 17):
        bench.run(f"3202000B{index:02X}")
        waits.append(bench.takes_s("423000"))
    assert waits[0] == pytest.approx(100e-6)
    assert all(later == pytest.approx(2 * sooner) for sooner, later in pairwise(waits))


def test_a_torn_tag_leaves_in_the_middle() -> None:
    bench = Bench()
    bench.chip.put(Ntag213(NTAG, b""), leave_after=2)
    bench.run("4A0100")
    assert [bench.run("423000")[:4] for _ in range(3)] == ["4300", "4300", "4301"]
    assert bench.run("4A0100") == "4B00"
    assert bench.told[-1] == {"left": {"kind": "ntag213", "uid": "04A1B2C3D4E5F6"}}


def test_a_random_uid_begins_with_08() -> None:
    uids = {random_uid() for _ in range(50)}
    assert len(uids) > 1
    assert all(len(uid) == 4 and uid[0] == 8 for uid in uids)
