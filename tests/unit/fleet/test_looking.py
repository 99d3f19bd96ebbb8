"""What `status` shows, and which words it takes."""

import pytest

from edge_agent.errors import ConfigError
from edge_agent.fleet.looking import only
from edge_agent.fleet.rows import Only, Row
from edge_agent.fleet.tables import show

LOST = Row(
    store="sh-0004", agent="pc-1", name="Peace Road", state="lost", since=None, level="ok",
    headline="Every device works.",
    version="0.1.0", config={"version": 2, "phase": "committed", "code": None}, waiting=0, oldest_waiting_seconds=0,
    devices=1, devices_down=(), day_proof="open", unreadable=(),
)  # fmt: skip


def test_words_that_no_store_can_have_are_refused_not_taken_for_all_is_well() -> None:
    with pytest.raises(ConfigError, match=r"--level: acton \(allowed: ok, attention, action, unknown\)"):
        only("acton,ok", "", "")
    with pytest.raises(ConfigError, match=r"--state: offline \(allowed: online, stopping, lost, unknown\)"):
        only("", "offline", "")
    assert only("action, attention", "lost", "0.1.0") == Only(
        frozenset({"action", "attention"}), frozenset({"0.1.0"}), frozenset({"lost"})
    )


def test_a_lost_store_is_not_said_to_be_well(capsys: pytest.CaptureFixture[str]) -> None:
    show([LOST])
    told = capsys.readouterr().out
    assert "Peace Road" in told
    assert "Every device works" not in told
