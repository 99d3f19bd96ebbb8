"""Each id runs once: killed at each step, the next process knows what to do with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands_killed import STEPS

# How often it ran in both processes together, and what the second one answers to the same envelope.
EXPECTED = {
    ("again", "before"): (1, "done", None),
    ("again", "accepted"): (1, "done", None),
    ("again", "running"): (2, "done", None),
    ("again", "acted"): (2, "done", None),
    ("again", "answered"): (1, "done", None),
    ("once", "before"): (1, "done", None),
    ("once", "accepted"): (0, "failed", "interrupted"),
    ("once", "running"): (1, "failed", "interrupted"),
    ("once", "acted"): (1, "failed", "interrupted"),
    ("once", "answered"): (1, "done", None),
}


@pytest.mark.timeout(60)
def test_a_kill_at_any_step(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.commands_killed", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(case["killed"] and case["fine"] for case in cases), done.stderr[-2000:]
    found = {(case["name"], case["step"]): (case["ran"], case["status"], case.get("code")) for case in cases}
    assert len(found) == 2 * len(STEPS)
    assert found == EXPECTED
