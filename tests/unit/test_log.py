"""Logs as whoever runs the agent sees them: in processes of their own, since logging is set up once in a process."""

import json
import os
import subprocess
import sys

import msgspec
import pytest

from edge_agent.log import LEVELS, RECENT_BYTES, RECENT_LINES

SAY = """
import structlog
from edge_agent import log
logger = structlog.get_logger()  # before the set-up, as every module does
log.set_up({level!r})
logger.debug("told_debug")
logger.info("told_info", device="till-1", name="人民广场店", path=b"\\xff")
try:
    1 / 0
except ZeroDivisionError:
    logger.exception("told_error")
print("a result")
"""


def say(level: str = "info", stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SAY.format(level=level)],
        stdout=subprocess.PIPE, stderr=stderr, text=True, encoding="utf-8", check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def test_logs_are_json_lines_on_stderr_and_results_stay_alone() -> None:
    done = say()
    assert done.stdout == "a result\n"
    info, error = map(json.loads, done.stderr.splitlines())
    assert (info["event"], info["level"], info["device"], info["name"]) == ("told_info", "info", "till-1", "人民广场店")
    assert info["timestamp"].endswith("Z")
    assert "ZeroDivisionError" in error["exception"], "a traceback is one field of one line"


@pytest.mark.parametrize(("level", "told"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 1)])
def test_levels(level: str, told: int) -> None:
    assert level in LEVELS
    assert len(say(level).stderr.splitlines()) == told


def test_a_terminal_gets_readable_text() -> None:
    master, slave = os.openpty()
    try:
        say(stderr=slave)
        os.close(slave)
        text = os.read(master, 65536).decode("utf-8", "replace")
    finally:
        os.close(master)
    first = text.splitlines()[0]
    assert "told_info" in first
    assert "till-1" in first
    assert not first.startswith("{")


FLOOD = """
import structlog
from edge_agent import log
log.set_up()
for number in range(1000):
    structlog.get_logger().info("told", number=number, device=str(number), text="x" * 100)
print("alive", flush=True)
input()
structlog.get_logger().info("read_again")
"""


def test_a_log_that_nobody_reads_costs_lines_not_the_process() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FLOOD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "alive\n", "a full pipe must not stop it"
        told = [json.loads(process.stderr.readline())["number"] for _ in range(100)]
        assert told == list(range(100))
        process.stdin.write("\n")
        process.stdin.close()
        rest = [json.loads(line) for line in process.stderr.read().splitlines() if line.endswith("}")]
        assert rest[-1]["event"] == "read_again"
        (lost,) = [line["count"] for line in rest if line["event"] == "log_lines_lost"]
        assert 100 + len([line for line in rest if line["event"] == "told"]) + lost == 1000


def test_a_log_whose_reader_has_gone_costs_lines_not_the_process() -> None:
    read, write = os.pipe()
    os.close(read)
    assert say(stderr=write).stdout == "a result\n"
    os.close(write)


AGAIN = """
import json, sys
import structlog
from edge_agent import log
logger = structlog.get_logger()
log.set_up("info")
logger.debug("hidden")
log.set_level("debug")
logger.debug("shown", name="人民广场店")
assert log.level() == "debug"
log.set_level("error")
logger.warning("hidden")
logger.error("told")
log.set_level("info")
logger.debug("hidden")
for number in range({count}):
    logger.info("many", number=number, device=str(number), text="x" * {width})
json.dump(log.recent(), sys.stdout)
"""


def recent(count: int, width: int, stderr: int = subprocess.DEVNULL) -> tuple[list[dict[str, object]], bool]:
    done = subprocess.run(
        [sys.executable, "-c", AGAIN.format(count=count, width=width)],
        stdout=subprocess.PIPE, stderr=stderr, text=True, encoding="utf-8", check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    lines, dropped = json.loads(done.stdout)
    assert sum(map(len, lines)) <= RECENT_BYTES
    return [json.loads(line) for line in lines], dropped


def test_the_level_of_loggers_in_use_changes_and_what_they_said_is_kept() -> None:
    lines, dropped = recent(0, 0)
    assert [line["event"] for line in lines] == ["shown", "told"]
    assert lines[0]["name"] == "人民广场店"
    assert not dropped


@pytest.mark.parametrize(("count", "width"), [(RECENT_LINES + 500, 1), (700, 2_000)])
def test_the_newest_lines_are_kept(count: int, width: int) -> None:
    lines, dropped = recent(count, width)
    assert dropped
    assert len(lines) <= RECENT_LINES
    assert [line["number"] for line in lines] == list(range(count - len(lines), count))
    assert len(lines) == RECENT_LINES or sum(len(json.dumps(line)) for line in lines) > RECENT_BYTES - 3_000


def test_on_a_terminal_they_are_kept_as_json() -> None:
    master, slave = os.openpty()
    try:
        lines, _ = recent(1, 1, slave)
    finally:
        os.close(slave)
        os.close(master)
    assert [line["event"] for line in lines] == ["shown", "told", "many"]
    assert {line["level"] for line in lines} == {"debug", "error", "info"}


ODD_NAMES = """
import sys
import structlog
from edge_agent import log
log.set_up("info")
structlog.get_logger().info("odd", cut="a\\udc80b", half="\\ud83d", whole="\\U0001f600", after="\\ud83d\\U0001f600")
sys.stdout.write(log.recent()[0][0])
"""


def test_a_file_name_that_is_not_text_keeps_nobody_from_reading_the_log() -> None:
    done = subprocess.run([sys.executable, "-c", ODD_NAMES], capture_output=True, check=True)
    for line in (done.stdout, done.stderr):
        said = msgspec.json.decode(line)
        assert {key: said[key] for key in ("cut", "half", "whole", "after")} == {
            "cut": "a\ufffdb", "half": "\ufffd", "whole": "\U0001f600", "after": "\ufffd\U0001f600",
        }  # fmt: skip


JOURNAL = """
import os, sys
import structlog
from edge_agent import log
of = os.fstat({descriptor})
os.environ["JOURNAL_STREAM"] = f"{{of.st_dev}}:{{of.st_ino}}"
log.set_up("debug")
logger = structlog.get_logger()
for level in ("debug", "info", "warning", "error", "critical"):
    getattr(logger, level)("told", device=level)
logger.exception("told", device="exception")
print(log.recent()[0][0])
"""


def said_to_the_journal(descriptor: int) -> subprocess.CompletedProcess[str]:
    script = JOURNAL.format(descriptor=descriptor)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)


def test_the_journal_is_told_each_lines_level() -> None:
    done = said_to_the_journal(2)
    lines = [line.partition(">") for line in done.stderr.splitlines()]
    assert [line[0] for line in lines] == ["<7", "<6", "<4", "<3", "<2", "<3"], "sd-daemon(3)"
    assert [json.loads(line[2])["device"] for line in lines][-1] == "exception", "behind it stands the same JSON"
    assert json.loads(done.stdout)["event"] == "told", "support reads JSON lines alone"


def test_a_journal_that_is_elsewhere_changes_no_line() -> None:
    for line in said_to_the_journal(1).stderr.splitlines():
        assert json.loads(line)["event"] == "told", "stderr is not the journal: the service's child writes to a file"


ESCAPES = """
import structlog
from edge_agent import log
log.set_up("info")
structlog.get_logger().info("told", name="a\\x1b]0;owned\\x07b\\x9b2J\\u202ec\\rd")
"""


def test_what_strangers_write_commands_no_terminal() -> None:
    master, slave = os.openpty()
    try:
        subprocess.run([sys.executable, "-c", ESCAPES], stderr=slave, check=True)
        os.close(slave)
        said = os.read(master, 65536).decode("utf-8")
    finally:
        os.close(master)
    assert r"a\x1b]0;owned\x07b\x9b2J\u202ec\rd" in said
    assert not {"\x07", "\x9b", "\u202e"} & set(said)
