import pytest

from edge_agent.contract.topics import Topics
from edge_agent.fleet.rollouts import telling
from edge_agent.fleet.rollouts.book import Member, Rollout, Rules
from edge_agent.fleet.terminal import out

ROLLOUT = Rollout(
    *("20261123-ec86", "acme", "a-chain-of-many-stores.toml", "", Rules("100%", "5%", "50%", 60, 10, 1000, 100)),
    *("running", 0, "", "2026-11-23T10:00:00+00:00"),
)


def test_an_id_is_whole_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what the next command asks for."""
    monkeypatch.setattr(out, "width", 40)
    telling.listed([(ROLLOUT, [Member(Topics("acme", "sh-1", "pc-1"), 0)], False)], as_json=False)
    assert ROLLOUT.id in capsys.readouterr().out
