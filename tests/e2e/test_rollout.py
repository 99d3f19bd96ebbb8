"""A rollout over twenty real agents, to three of which it would do harm, stops by itself."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from edge_agent.fleet import agents
from edge_agent.fleet.agents import Agent
from edge_agent.fleet.broker import connected
from edge_agent.fleet.rollouts import book
from edge_agent.fleet.settings import Options, load
from edge_agent.simulator.broker import Broker
from edge_agent.simulator.virtual_store import AGENT_TOML, STORE_TOML, Part
from tests.support.fleet import Operator, trust_toml
from tests.support.pty import Cable

STORES = [f"sh-{number:02}" for number in range(1, 21)]
PATIENCE_S = 60.0


@asynccontextmanager
async def chain(folder: Path, port: int, elsewhere: set[str]) -> AsyncIterator[None]:
    """Give the stores, each with a box and a till; the new config's name for the till is wrong ``elsewhere``."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as readers:
        boxes: list[Part] = []
        for store in STORES:
            place = folder / store
            place.mkdir()
            cable = Cable(place / "till-1")
            cable.plug()
            stack.callback(cable.close)
            (place / ("till-b" if store in elsewhere else "till-a")).symlink_to((place / "till-1").readlink())
            toml = AGENT_TOML.format(port=port).replace("sh-0001", store) + trust_toml()
            (place / "agent.toml").write_text(toml)
            (place / "store.toml").write_text(STORE_TOML)
            box = await Part.start("agent", "edge_agent", "run", f"--config={place}/agent.toml", stream="stderr")
            stack.push_async_callback(box.kill)
            readers.create_task(drain(box))
            boxes.append(box)
        yield
        for box in boxes:
            box.process.kill()


async def drain(box: Part) -> None:
    async for _ in box.lines():
        pass


def known(operator: Operator) -> dict[str, Agent]:
    with connected(load(Options(operator.toml))) as broker:
        return {agent.topics.store: agent for agent in agents.gather(broker, pushed=True)}


async def until(operator: Operator, condition: Callable[[Agent], bool]) -> dict[str, Agent]:
    """Wait until every store is so, and every till is read; returns what is known of the agents."""
    found: dict[str, Agent] = {}

    def unwell() -> list[str]:
        return [
            store for store in STORES if store not in found or not (works(found[store]) and condition(found[store]))
        ]

    try:
        async with asyncio.timeout(PATIENCE_S):
            while unwell():
                await asyncio.sleep(0.2)
                found = await asyncio.to_thread(known, operator)
    except TimeoutError:
        raise AssertionError(f"it did not come at {[found.get(store, store) for store in unwell()]}") from None
    return found


def works(agent: Agent) -> bool:
    return bool(agent.is_online and agent.health and agent.health.devices and not agent.health.devices_down)


async def test_a_rollout_that_breaks_tills_stops_by_itself(tmp_path: Path, rng: random.Random) -> None:
    elsewhere = set(rng.sample(STORES, 3))
    with Broker(tmp_path / "broker") as broker:
        operator = Operator(tmp_path, broker.port)
        async with chain(tmp_path, broker.port, elsewhere):
            await until(operator, lambda agent: True)
            new = tmp_path / "store.toml"
            new.write_text(STORE_TOML.replace('port = "till-1"', 'port = "till-a"'))
            rollout: list[str | Path] = ["rollout", new, "--rings=1,25%,100%", "--soak=1s", "--trial=2s", "--yes"]
            result = await asyncio.to_thread(operator.run, *rollout, f"--state={tmp_path}/book.db")
            assert result.code == 1, result.err
            assert re.search(r"stopped: .* failed", result.out), result.out

            with book.opened(tmp_path / "book.db") as kept:
                [row] = kept.rollouts()
                members = {member.topics.store: member for member in kept.members(row)}
            became = {store: one.progress.status for store, one in members.items() if one.progress}
            failed = {store for store, status in became.items() if status == "rolled_back"}
            assert failed
            assert failed <= elsewhere
            assert all(f"  {store}/pc-1: rolled back (version 1): device_failed" in result.out for store in failed)

            def as_it_should(agent: Agent) -> bool:
                """Also those that had the bad config are well again, by themselves."""
                store = agent.topics.store
                version = 1 if store in became and store not in elsewhere else 0
                phase = ("committed" if version else "rolled_back") if store in became else None
                reported = agent.reported
                return bool(reported and (reported.running.version, reported.phase) == (version, phase))

            after = await until(operator, as_it_should)
            assert {store for store, agent in after.items() if agent.pushed} == set(became)
