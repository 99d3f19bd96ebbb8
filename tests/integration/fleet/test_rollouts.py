"""Rollouts by real processes over a real broker, with a chain of simulated agents at the other end."""

import json
import re
import signal
import subprocess
import time
from datetime import UTC, datetime

import pytest

from edge_agent.contract.envelope import seal
from edge_agent.contract.topics import Topics
from edge_agent.fleet import pushes
from edge_agent.fleet.progress import Progress
from edge_agent.fleet.rollouts import book
from edge_agent.simulator.broker import Broker
from tests.support.broker import subscriber
from tests.support.fleet import KEY, TENANT, Chain, Operator
from tests.support.rollouts import BEFORE, PATIENCE_S, Desk, stores, wait


@pytest.fixture
def desk(operator: Operator) -> Desk:
    return Desk(operator)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how a process ended and what it said."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err, err
    return process.returncode, out + err


def lying(broker: Broker, store: str) -> bytes:
    """Return what lies retained on an agent's down/config."""
    with subscriber(
        broker.port, f"o2o/1/{TENANT}/{store}/pc-1/down/config", f"o2o/1/{TENANT}/{store}/pc-1/state"
    ) as seen:
        wait(lambda: any(topic.endswith("/state") for topic in seen.topics()))
        time.sleep(0.1)  # that nothing lies there is seen by nothing that comes
        return next((one.payload for one in seen.seen if one.topic.endswith("down/config")), b"")


def test_two_hundred_stores_ring_by_ring(broker: Broker, desk: Desk) -> None:
    with Chain(broker.port, stores(200), BEFORE) as chain:
        chain.stand("sh-007", "lost")
        result = desk.operator.run(*desk.arguments("--json"))
        assert result.code == 0, result.err
        assert chain.tried() == {store: [1] for store in stores(200) if store != "sh-007"}
        members = desk.members()
        rings = [members[store].ring for store in chain.taken]
        assert rings == sorted(rings)
        lines = [json.loads(line) for line in result.lines]
        # Nobody is pushed before everybody that is there, of the rings before, has kept it.
        told = [
            (members[line["store"]].ring, line["status"]) for line in lines if line.get("store", "sh-007") != "sh-007"
        ]
        for ring in range(1, 4):
            first = told.index((ring, "pending"))
            assert told[:first].count((ring - 1, "committed")) == rings.count(ring - 1)
        assert lines[-1]["state"] == "done"
        assert json.loads(desk.operator.run("rollouts", desk.state, "--json").out)["rollouts"][0]["members"] == {
            "committed": 199,
            "pending, offline": 1,
        }


def test_it_stops_by_itself_and_takes_back_what_nobody_has_taken_up(broker: Broker, desk: Desk) -> None:
    with Chain(broker.port, stores(30), BEFORE) as chain:
        # Offline since an earlier push that lies there still, and offline without one.
        desk.operator.run("push-config", desk.file, "--stores=sh-003", "--yes", "--no-wait")
        wait(lambda: chain.agents["sh-003"].reported.phase == "committed")
        before = lying(broker, "sh-003")
        assert before
        chain.stand("sh-003", "stopping")
        chain.stand("sh-004", "lost")
        desk.file.write_text(desk.file.read_text().replace("9600", "19200"))

        chain.fates(stores(30)[10:], phase="rolled_back", code="device_failed")
        result = desk.operator.run(*desk.arguments("--max-fail=5%", rings="100%"))
        assert result.code == 1
        assert re.search(r"stopped: \d+ of \d+ failed, more than 5%", result.out)
        told = r"^  sh-0[12]\d/pc-1: rolled back \(version 1\): device_failed: detail of device_failed$"
        assert len(re.findall(told, result.out, re.MULTILINE)) > 1  # whoever was first: the rest may be on trial still
        assert {store for store, member in desk.members().items() if member.is_withdrawn} == {"sh-003", "sh-004"}
        assert lying(broker, "sh-003") == before
        assert lying(broker, "sh-004") == b""
        assert "is stopped; begin another" in desk.operator.run("resume", desk.one().id, desk.state).err


def test_one_bad_canary_is_the_only_one(broker: Broker, desk: Desk) -> None:
    with Chain(broker.port, stores(20), BEFORE) as chain:
        chain.fates(stores(20), level="action")  # it is kept, and the shop is worse off
        result = desk.operator.run(*desk.arguments("--max-fail=50%", "--patience=1s", soak="2s"))
        assert result.code == 1
        [(store, versions)] = chain.tried().items()
        assert versions == [1]
        assert f"  {store}/pc-1: worse (version 1): worse: action" in result.lines


def test_another_terminal_pauses_goes_on_and_aborts(broker: Broker, desk: Desk) -> None:
    names = stores(12)
    with Chain(broker.port, names, BEFORE) as chain:
        chain.stand("sh-000", "lost")
        chain.fates(names, trial_s=3.0)  # longer than a few commands take on a busy machine
        # The second ring has two stores: a ring of the lost one alone would wait for it for ever.
        process = desk.operator.start(*desk.arguments("--min-online=10%", rings="1,3,50%,100%"))
        wait(lambda: chain.taken)
        rollout = desk.one().id
        assert desk.operator.run("pause", rollout, desk.state).code == 0
        [canary] = chain.taken
        wait(lambda: (one := desk.members()[canary].progress) and one.status == "committed")
        busy = desk.operator.run("resume", rollout, desk.state)
        assert (busy.code, "goes on, in the terminal that drives it" in busy.err) == (0, True)
        assert "driven by another" in desk.operator.run("resume", rollout, desk.state).err
        other = desk.operator.run(*desk.arguments())
        assert (other.code, "resume or abort it first" in other.err) == (2, True)
        wait(lambda: len(chain.taken) >= 3)

        process.send_signal(signal.SIGINT)
        code, said = end(process)
        assert (code, "go on with: edge-fleet resume" in said.lower()) == (130, True)
        assert desk.operator.run("abort", rollout, desk.state).code == 0
        assert desk.one().state == "aborted"
        after = {store for store, member in desk.members().items() if not member.is_waiting and not member.is_withdrawn}
        wait(lambda: all(chain.agents[store].reported.phase == "committed" for store in after))
        assert set(chain.taken) == after
        assert len(after) < len(names) - 1
        assert lying(broker, "sh-000") == b""
        assert desk.operator.run("pause", rollout, desk.state).code == 2


@pytest.mark.parametrize("keep_memory", [True, False])
def test_a_broker_that_restarts_meanwhile_delays_it(broker: Broker, desk: Desk, keep_memory: bool) -> None:
    names = stores(20)
    with Chain(broker.port, names, BEFORE) as chain:
        chain.fates(names, trial_s=0.3)
        process = desk.operator.start(*desk.arguments("--max-fail=0%", rings="2,50%,100%"))
        wait(lambda: len(chain.taken) >= 4)
        broker.restart(keep_memory=keep_memory)
        for store in names:
            chain.stand(store, "online")
        code, said = end(process)
        assert code == 0, said
        assert chain.tried() == {store: [1] for store in names}


@pytest.mark.parametrize(("command", "tried"), [("resume", {"sh-000": [1]}), ("abort", {})])
def test_what_was_written_down_and_not_sent_is_sent_only_if_it_goes_on(
    broker: Broker, desk: Desk, command: str, tried: dict[str, list[int]]
) -> None:
    """A process that was killed just then leaves a book like this one."""
    topics = Topics(TENANT, "sh-000", "pc-1")
    config = {"store": BEFORE["store"]}
    payload, push = pushes.encode(topics, 1, datetime(2100, 1, 1, tzinfo=UTC), 300, config)
    member = book.Member(topics, 0, progress=Progress(push, "pending", 0), envelope=seal(payload, KEY, "ops-1"))
    rules = book.Rules(
        rings="100%", max_fail="0%", min_online="50%", soak_s=0, trial_s=300, expires_s=60, patience_s=300
    )
    rollout = book.Rollout("r-1", TENANT, "store.toml", "", rules, "running", 0, "", "2026-11-23T00:00:00+00:00")
    with book.opened(desk.book) as kept:
        kept.begin(rollout, [member], {topics: config})
        kept.keep(rollout.id, [member])
    with Chain(broker.port, ["sh-000"], BEFORE) as chain:
        result = desk.operator.run(command, "r-1", desk.state)
        assert (result.code, chain.tried()) == (0, tried), result.err
        assert bool(lying(broker, "sh-000")) == bool(tried)
