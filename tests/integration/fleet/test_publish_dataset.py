"""publish-dataset against a real broker: what lies there afterwards is what a store needs, and nothing else."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.contract.datasets import Delta, Manifest
from edge_agent.contract.envelope import unseal
from edge_agent.fleet.broker import connected
from edge_agent.fleet.settings import FleetSettings
from edge_agent.simulator import broker as simulator
from tests.support.fleet import TRUSTED, Operator

STATE = b'{"state":"online","boot_id":"b","epoch":"e","version":"1","since":"2026-11-22T10:00:00+08:00"}'
TOPIC = "o2o/1/demo/sh-0001/down/dataset/products"


class Desk:
    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._operator = Operator(folder, port)
        self._settings = FleetSettings(url=f"mqtt://127.0.0.1:{port}", tenant="demo")
        with connected(self._settings) as broker:
            for store in ("sh-0001", "sh-0002"):
                broker.publish(f"o2o/1/demo/{store}/pc-1/state", STATE, retain=True)

    def file(self, name: str, rows: list[dict[str, Any]]) -> Path:
        path = self._folder / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        return path

    def publish(self, *arguments: str | Path, code: int = 0) -> str:
        result = self._operator.run("publish-dataset", "products", *arguments)
        assert result.code == code, result
        return result.out + result.err

    def lying(self, store: str = "sh-0001") -> dict[str, bytes]:
        with connected(self._settings) as broker:
            return broker.collect([f"o2o/1/demo/{store}/down/dataset/#"])


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    with simulator.Broker(tmp_path / "broker") as running:
        yield Desk(tmp_path, running.port)


def manifest(lying: dict[str, bytes]) -> Manifest:
    return msgspec.json.decode(unseal(lying[TOPIC], [TRUSTED]).payload, type=Manifest)


def test_snapshots_deltas_and_nothing_left_behind(desk: Desk) -> None:
    rows = [{"id": str(number), "name": f"矿泉水 {number}" * 20} for number in range(1_000)]
    first = desk.file("first.ndjson", rows)
    assert "sh-0001: products revision 1: 1000 rows\n" in desk.publish(first, "--stores", "all", "--max-age", "36h")
    lying = desk.lying()
    made = manifest(lying)
    chunks = [lying[f"{TOPIC}/1/{number}"] for number in range(made.chunks)]
    assert (made.revision, made.rows, made.max_age_seconds, made.deltas) == (1, 1_000, 36 * 3_600, [])
    assert len(lying) == 1 + made.chunks > 3
    assert hashlib.sha256(b"".join(chunks)).hexdigest() == made.sha256
    assert [json.loads(line) for line in b"".join(chunks).splitlines()] == rows
    assert {topic.replace("sh-0002", "sh-0001") for topic in desk.lying("sh-0002")} == set(lying)

    second = desk.file("second.ndjson", [*rows[2:], {"id": "2", "name": "new"}][1:])
    told = desk.publish(second, "--stores", "sh-0001", "--previous", first, "--as-of", "2026-11-22T04:00:00+08:00")
    assert "revision 2: 998 rows, delta from 1" in told
    lying = desk.lying()
    made = manifest(lying)
    delta = msgspec.json.decode(unseal(lying[f"{TOPIC}/delta/1"], [TRUSTED]).payload, type=Delta)
    assert (made.deltas, delta.to, delta.deletes) == ([(1, 2)], 2, ["0", "1"])
    assert delta.upserts == [{"id": "2", "name": "new"}]
    assert set(lying) == {TOPIC, f"{TOPIC}/delta/1", *(f"{TOPIC}/2/{number}" for number in range(made.chunks))}
    assert manifest({TOPIC: desk.lying("sh-0002")[TOPIC.replace("0001", "0002")]}).revision == 1

    # Not what lies there: no delta is made up.
    told = desk.publish(second, "--stores", "sh-0001", "--previous", first)
    assert "no delta, the whole is fetched" in told
    lying = desk.lying()
    assert set(lying) == {TOPIC, *(f"{TOPIC}/3/{number}" for number in range(made.chunks))}

    # No rows at all are a snapshot, too.
    desk.publish(desk.file("none.ndjson", []), "--stores", "sh-0001")
    assert set(desk.lying()) == {TOPIC}


def test_a_bad_file_publishes_nothing(desk: Desk) -> None:
    bad = desk.file("bad.ndjson", [{"id": 1}, {"id": 1}])
    assert ":2: id '1' is given twice" in desk.publish(bad, "--stores", "all", code=2)
    good = desk.file("good.ndjson", [{"id": 1}])
    assert "nobody has heard of sh-0009" in desk.publish(good, "--stores", "sh-0009", code=2)
    assert "--as-of soon" in desk.publish(good, "--stores", "all", "--as-of", "soon", code=2)
    assert desk.lying() == {}
