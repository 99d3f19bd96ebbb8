"""The ledger of starts: which ends are crashes, and when the devices are held back."""

from pathlib import Path

from msgspec.structs import replace

from edge_agent.clock import Moment, TimeQuality
from edge_agent.starts import CRASHES, FAILED, FILE, LIVED_MS, STOPPED, Record, Starts, next_run
from tests.support.disk import small_disk, take_all


def moment(uptime_ms: int, boot_id: str = "boot") -> Moment:
    return Moment(1_763_787_600_000 + uptime_ms, uptime_ms, boot_id, TimeQuality.SYNCED)


def crashed(folder: Path, times: int, at_ms: int = 0, every_ms: int = 2_000) -> Record:
    """Begin a run after so many that were killed."""
    record = Record()
    for number in range(times + 1):
        record = Starts(folder).begin(moment(at_ms + number * every_ms))
    return record


def test_five_crashes_in_a_row_hold_the_devices_back(tmp_path: Path) -> None:
    assert not crashed(tmp_path, CRASHES - 1).is_held
    starts = Starts(tmp_path)
    starts.begin(moment(60_000))
    assert (starts.record.is_held, starts.record.crashes, starts.record.pause_s) == (True, CRASHES, 600.0)
    assert starts.record.since_ms == moment(2_000).wall_ms, "when the first had crashed"


def test_a_clean_stop_a_run_that_lived_and_another_boot_begin_anew() -> None:
    last = Record("boot", 60_000, CRASHES - 1, pauses=0)
    for before, at in (
        (replace(last, ended=STOPPED), moment(70_000)),
        (last, moment(60_000 + LIVED_MS)),
        (last, moment(70_000, "another boot")),
    ):
        assert next_run(before, at) == Record(at.boot_id, at.uptime_ms)


def test_errors_of_the_surroundings_and_trials_are_not_counted(tmp_path: Path) -> None:
    starts = Starts(tmp_path)
    for number in range(CRASHES):
        starts.begin(moment(2_000 * number))
    starts.end(FAILED)
    assert starts.begin(moment(20_000)).crashes == CRASHES - 1
    assert starts.begin(moment(22_000), is_excused=True).crashes == CRASHES - 1
    assert starts.begin(moment(24_000)).is_held


def test_the_pause_doubles_to_an_hour_and_a_crash_within_it_changes_nothing() -> None:
    record = Record("boot", 0, CRASHES - 1)
    pauses = []
    at_ms = 0
    for _ in range(5):
        record = next_run(record, moment(at_ms := at_ms + 2_000))
        again = next_run(record, moment(at_ms := at_ms + LIVED_MS + 1))
        assert (again.is_held, again.pause_s) == (True, record.pause_s), "however long it had held them back"
        pauses.append(again.pause_s)
        record = replace(again, is_held=False, began_ms=at_ms)  # as it is released
    assert pauses == [600, 1200, 2400, 3600, 3600]
    assert next_run(record, moment(at_ms + LIVED_MS)) == Record("boot", at_ms + LIVED_MS)


def test_what_a_run_said_of_its_end_is_known_of_the_crash(tmp_path: Path) -> None:
    starts = Starts(tmp_path)
    starts.begin(moment(0))
    starts.say("stuck: storage")
    assert Starts(tmp_path).begin(moment(2_000)).why == ("stuck: storage",)
    assert Starts(tmp_path).begin(moment(4_000)).why == ("stuck: storage", "")


def test_a_damaged_ledger_and_a_full_disk_keep_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\0" * 100)
    assert Starts(tmp_path).begin(moment(0)).crashes == 0
    with small_disk(tmp_path / "small") as folder:
        take_all(folder)
        starts = Starts(folder)
        assert starts.begin(moment(0)).crashes == 0
        starts.end(STOPPED)
        (folder / "filler").unlink()
