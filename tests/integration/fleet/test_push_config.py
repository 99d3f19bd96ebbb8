"""push-config and diff against a broker, with simulated agents at the other end."""

import json
from pathlib import Path

import pytest

from edge_agent.simulator.broker import Broker
from tests.support.fleet import STORE_TOML, Chain, Operator

STORES = [f"sh-{number}" for number in range(1, 7)]
BEFORE = {"store": {"name": "旧", "timezone": "Asia/Shanghai", "currency": "CNY"}, "touchpoint": [{"id": "till-1"}]}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, str]:
    """Return FILE and the option with its values: three stores have another port."""
    (tmp_path / "store.toml").write_text(STORE_TOML)
    rows = [f"{store},{'ttyS1' if store in STORES[:3] else 'ttyUSB0'},9600" for store in STORES]
    (tmp_path / "values.csv").write_text("\n".join(["store,port,baud:int", *rows]))
    return tmp_path / "store.toml", f"--values={tmp_path / 'values.csv'}"


def test_a_push_from_its_plan_to_its_end(broker: Broker, operator: Operator, files: tuple[Path, str]) -> None:
    with Chain(broker.port, STORES, BEFORE) as chain:
        chain.stand("sh-5", "lost")
        chain.fates(["sh-6"], phase="rolled_back", code="device_failed")

        plan = operator.run("push-config", *files, "--stores=all", "--dry-run")
        assert plan.code == 0
        assert "sh-1/pc-1, sh-2/pc-1, sh-3/pc-1:" in plan.lines
        assert '  store.name: "旧" → "店"' in plan.lines
        assert "sh-4/pc-1, sh-6/pc-1:" in plan.lines
        assert "sh-5/pc-1:" in plan.lines  # nobody can ask it

        unasked = operator.run("push-config", *files, "--stores=all")
        assert unasked.code == 2
        assert "--yes" in unasked.err
        assert chain.tried() == {}

        pushed = operator.run("push-config", *files, "--stores=all", "--yes", "--json")
        assert pushed.code == 1
        became = {row["store"]: (row["status"], row["code"]) for row in json.loads(pushed.out)["agents"]}
        assert became == {
            **{f"sh-{number}": ("committed", None) for number in range(1, 5)},
            "sh-5": ("pending", None),
            "sh-6": ("rolled_back", "device_failed"),
        }
        assert chain.agents["sh-1"].config["device"][0]["port"] == "/dev/ttyS1"
        assert chain.agents["sh-4"].config["device"][0]["port"] == "/dev/ttyUSB0"

        chain.stand("sh-5", "online")
        again = operator.run("push-config", *files, "--stores=sh-1,sh-5")
        assert (again.code, chain.tried()["sh-5"]) == (0, [1])
        assert again.lines[-1] == "2 nothing to change"


def test_nothing_is_pushed_anywhere_where_one_store_s_config_is_wrong(
    broker: Broker, operator: Operator, files: tuple[Path, str]
) -> None:
    file, values = files
    (file.parent / "values.csv").write_text(
        (file.parent / "values.csv").read_text().replace("sh-4,ttyUSB0,9600", "sh-4,ttyUSB0,-1")
    )
    with Chain(broker.port, STORES, BEFORE) as chain:
        result = operator.run("push-config", file, values, "--stores=all", "--yes")
        assert result.code == 2
        assert result.err.startswith(f"sh-4: {file}:14: device[0].baudrate: ")
        assert chain.tried() == {}


def test_diff_says_by_its_status_whether_there_is_one(
    broker: Broker, operator: Operator, files: tuple[Path, str]
) -> None:
    with Chain(broker.port, ["sh-1", "sh-2"], BEFORE) as chain:
        assert operator.run("push-config", *files, "--stores=sh-1").code == 0
        assert operator.run("diff", "sh-1", *files).code == 0
        different = operator.run("diff", "sh-2", *files, "--json")
        assert different.code == 1
        [row] = json.loads(different.out)["agents"]
        assert {"path": "store.name", "kind": "changed", "before": "旧", "after": "店"} in row["differences"]
        chain.stand("sh-2", "stopping")
        assert operator.run("diff", "sh-2", *files).code == 2
