from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.simulator.broker import Broker
from tests.support.broker import needs_mosquitto
from tests.support.fleet import Operator


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def operator(tmp_path: Path, broker: Broker) -> Iterator[Operator]:
    operator = Operator(tmp_path, broker.port)
    yield operator
    operator.end()
