"""The word that a process leaves which hung."""

import faulthandler
from pathlib import Path

from edge_agent.remote.configs.hang import HangWatch


def test_where_it_hung_is_told_by_places_alone_and_told_once(tmp_path: Path) -> None:
    with (tmp_path / "hung.txt").open("wb") as file:
        file.write(b"Timeout (0:00:05)!\n")
        file.flush()
        faulthandler.dump_traceback(file, all_threads=True)
    told = HangWatch(tmp_path).left()
    assert told is not None
    assert told.startswith("hung in test_hang.py:")
    assert "test_where_it_hung" in told
    assert str(tmp_path) not in told
    assert "/" not in told
    assert HangWatch(tmp_path).left() is None


def test_a_process_that_was_killed_leaves_no_word(tmp_path: Path) -> None:
    watch = HangWatch(tmp_path)
    watch.begin(300)
    try:
        assert (tmp_path / "hung.txt").exists()
        assert HangWatch(tmp_path).left() is None
    finally:
        watch.end()


def test_word_that_makes_no_sense_is_a_hang_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "hung.txt").write_bytes(b"\xff\x00 Thread \n File")
    assert HangWatch(tmp_path).left() == "hung"


def test_what_is_watched_no_more_leaves_nothing(tmp_path: Path) -> None:
    watch = HangWatch(tmp_path)
    watch.begin(1)
    watch.begin(1)
    watch.end()
    watch.end()
    assert list(tmp_path.iterdir()) == []
