"""The journal of read bytes: whatever a kill leaves, nothing comes twice and nothing is missing."""

import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.storage import StorageSettings
from edge_agent.storage.journal import Journal
from tests.support.storage import running


def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "lines" / "till-1")


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """Let no file get longer than ``free`` bytes: writes beyond that are cut short, then fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (free, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_bytes_not_consumed_come_back_after_a_kill(tmp_path: Path) -> None:
    line = journal(tmp_path)
    assert line.start(0) == b""
    line.append(b"hello ")
    line.append(b"world")
    assert line.end == 11
    again = journal(tmp_path)  # the first one was never closed, as after kill -9
    assert again.start(6) == b"world"
    assert again.end == 11
    again.append(b"!")
    assert journal(tmp_path).start(11) == b"!"
    line.close()
    again.close()


def test_all_consumed_empties_the_file(tmp_path: Path) -> None:
    line = journal(tmp_path)
    line.start(1000)
    line.append(b"x" * 10)
    line.consumed(1010)
    assert (tmp_path / "lines" / "till-1").stat().st_size == 0
    line.append(b"next")
    assert line.end == 1014
    assert journal(tmp_path).start(1010) == b"next"
    line.close()


def test_consumed_on_disk_but_the_file_not_yet_emptied(tmp_path: Path) -> None:
    line = journal(tmp_path)
    line.start(0)
    line.append(b"recorded")
    again = journal(tmp_path)
    assert again.start(8) == b""
    again.append(b"more")
    assert journal(tmp_path).start(8) == b"more"
    line.close()
    again.close()


def test_a_long_consumed_head_is_cut_off(tmp_path: Path) -> None:
    line = journal(tmp_path)
    line.start(0)
    line.append(b"a" * 100_000 + b"tail")
    line.consumed(10)
    assert (tmp_path / "lines" / "till-1").stat().st_size > 100_000
    line.consumed(100_000)
    assert (tmp_path / "lines" / "till-1").stat().st_size < 100
    line.append(b"!")
    assert journal(tmp_path).start(100_000) == b"tail!"
    line.close()


def test_what_does_not_fit_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "lines" / "till-1"
    rng = random.Random(7)
    path.parent.mkdir()
    for content in (b"", b"\0" * 8, b"\0" * 400, rng.randbytes(5), rng.randbytes(3000)):
        path.write_bytes(content)
        line = journal(tmp_path)
        assert line.start(5) == b""
        line.append(b"fresh")
        assert journal(tmp_path).start(5) == b"fresh"
        line.close()
    line = journal(tmp_path)
    line.start(900)  # what is in the file was read long before
    line.append(b"now")
    assert journal(tmp_path).start(900) == b"now"
    other = journal(tmp_path)
    assert other.start(100) == b""  # what is in the file was read long after
    line.close()
    other.close()


def test_a_full_disk_leaves_no_hole(tmp_path: Path) -> None:
    """The limit on file size stands for a full disk: writes beyond it are cut short, then fail."""
    line = journal(tmp_path)
    line.start(0)
    line.append(b"abc")
    with structlog.testing.capture_logs() as logs, full_disk(20):
        line.append(b"d" * 20)
        line.append(b"e")
    assert [entry["event"] for entry in logs] == ["journal_not_written"]
    line.append(b"f")  # would stand in the place of what is missing
    assert b"abcddddd".startswith(journal(tmp_path).start(0)[:8])
    assert b"f" not in journal(tmp_path).start(0)
    assert line.start(0) == b"abc" + b"d" * 20 + b"ef"  # the next generation has it all
    assert line.start(2) == b"c" + b"d" * 20 + b"ef"
    line.consumed(24)
    assert line.start(24) == b"f"
    line.consumed(line.end)
    line.append(b"again")
    assert journal(tmp_path).start(line.end - 5) == b"again"
    line.close()


def test_no_place_for_a_file_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("a file where the folder should be")
    line = journal(tmp_path)
    assert line.start(3) == b""
    line.append(b"abc")
    line.consumed(6)
    assert line.end == 6
    line.close()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["read", "record", "kill"]), st.integers(1, 40_000)), max_size=25))
def test_exactly_once_across_kills(steps: list[tuple[str, int]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines" / "a"
        source = random.Random(1).randbytes(1_200_000)
        line = Journal(path)
        assert line.start(0) == b""
        read = recorded = 0
        for step, size in steps:
            if step == "read":
                line.append(source[read : read + size])
                read += size
            elif step == "record":  # a COMMIT holds the offset; the journal is told behind it, or dies in between
                recorded = min(read, recorded + size)
                if size % 3:
                    line.consumed(recorded)
            else:
                line.close()
                line = Journal(path)
                assert line.start(recorded) == source[recorded:read]
            assert line.end == read
        line.close()
        assert [entry.name for entry in path.parent.iterdir()] == ["a"]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["read", "full", "record", "turn"]), st.integers(1, 10_000)), max_size=25))
def test_exactly_once_from_one_generation_to_the_next_on_a_full_disk(steps: list[tuple[str, int]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        source = random.Random(2).randbytes(600_000)
        line = Journal(Path(folder) / "a")
        line.start(0)
        read = recorded = 0
        for step, size in steps:
            match step:
                case "read":
                    line.append(source[read : read + size])
                    read += size
                case "full":
                    with structlog.testing.capture_logs(), full_disk(size // 2):
                        line.append(source[read : read + size])
                    read += size
                case "record":
                    recorded = min(read, recorded + size)
                    if size % 3:
                        line.consumed(recorded)
                case _:
                    assert line.start(recorded) == source[recorded:read]
            assert line.end == read
        line.close()


async def test_a_folder_in_memory_may_hold_the_journals(tmp_path: Path) -> None:
    async with running(tmp_path / "state", settings=StorageSettings(journals=tmp_path / "run")) as storage:
        line = storage.journal("till-1")
        line.start(0)
        line.append(b"unredacted")
        line.close()
    assert (tmp_path / "run" / "till-1").exists()
    assert not (tmp_path / "state" / "lines").exists()
