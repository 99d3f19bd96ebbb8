import pytest

from edge_agent.errors import ConfigError
from edge_agent.fleet.agents import Agent, chosen, known, patterns
from edge_agent.fleet.asking import arguments_of


def agents(*names: str) -> list[Agent]:
    state = b'{"state":"online","boot_id":"b","epoch":"e","version":"1","since":"x"}'
    return known((f"o2o/1/demo/{name}/state", state) for name in names)


def test_values_are_json_or_text() -> None:
    given = ["seconds=30", "device=till-1", "level=warning", 'need={"a": [1]}', "on=true", "text=a=b", "none=", "z=1.5"]
    assert arguments_of(given) == {
        "seconds": 30, "device": "till-1", "level": "warning", "need": {"a": [1]}, "on": True, "text": "a=b",
        "none": "", "z": 1.5,
    }  # fmt: skip
    for wrong in (["seconds"], ["=3"], ["a=1", "a=2"]):
        with pytest.raises(ConfigError):
            arguments_of(wrong)


def test_stores_are_chosen_by_name_and_pattern() -> None:
    known_agents = agents("sh-0001/pc-1", "sh-0001/pc-2", "sh-0102/pc-1", "bj-1/pc-1")

    def names(text: str) -> list[str]:
        return [agent.name for agent in chosen(known_agents, patterns(text))]

    assert names("sh-0001") == ["sh-0001/pc-1", "sh-0001/pc-2"]
    assert names("sh-0001/pc-2, bj-1,sh-0001/pc-2") == ["bj-1/pc-1", "sh-0001/pc-2"]
    assert names("sh-01*") == ["sh-0102/pc-1"]
    assert len(names("all")) == 4
    for wrong in ("sh-9*", "sh-0001,nowhere", "pc-1"):
        with pytest.raises(ConfigError, match="nobody has heard of"):
            names(wrong)
    with pytest.raises(ConfigError, match="names no store"):
        patterns(" , ")
    with pytest.raises(ConfigError, match="cannot be read"):
        patterns("@/nowhere")
