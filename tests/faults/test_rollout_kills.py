"""The operator's terminal dies at random moments of a rollout."""

import os
import random
from pathlib import Path

import pytest

from edge_agent.simulator.broker import Broker
from tests.support.broker import needs_mosquitto
from tests.support.fleet import Chain, Operator
from tests.support.rollouts import BEFORE, Desk, kill_when, stores, wait

SEEDS = int(os.environ.get("EDGE_AGENT_SEEDS", "1"))


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_a_terminal_that_dies_anywhere_takes_nothing_with_it(tmp_path: Path, seed: int) -> None:
    needs_mosquitto()
    rng = random.Random(seed)
    names = stores(40)
    with Broker(tmp_path / "broker") as broker, Chain(broker.port, names, BEFORE) as chain:
        desk = Desk(Operator(tmp_path, broker.port))
        chain.fates(names, trial_s=0.3)
        chain.stand("sh-011", "lost")
        arguments = desk.arguments(rings="3,40%,100%")
        deaths = sorted(rng.sample(range(1, 38), 3))
        for death in deaths:
            kill_when(desk.operator.start(*arguments), chain, death, rng.choice([0.0, 0.01, 0.3]))
            arguments = ["resume", desk.state]
        if desk.one().state == "running":
            assert desk.operator.run("resume", desk.state).code == 0
        assert desk.one().state == "done", f"killed when so many had it: {deaths}"
        assert chain.tried() == {store: [1] for store in names if store != "sh-011"}
        chain.stand("sh-011", "online")
        wait(lambda: chain.tried()["sh-011"] == [1])
        # What the book says was pushed is what ran: one version of it, one hash.
        assert {store: member.progress.push for store, member in desk.members().items() if member.progress} == {
            store: agent.line for store, agent in chain.agents.items()
        }
