"""Any order of pushes, kills, stops, outages and acknowledgements: the books agree, and the right config runs."""

import contextlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from edge_agent.config.shelf import Shelf
from edge_agent.simulator.virtual_store import Part
from tests.support.driven import Driven
from tests.support.pushing import STRANGER, TRUSTING_TOML, HeadOffice, store_config, with_device
from tests.support.shop import ShopUnderTest, shop_under_test, until

EXAMPLES = int(os.environ.get("EDGE_AGENT_SEEDS", "4"))
STEPS = 6
pytestmark = pytest.mark.timeout(30 * EXAMPLES)  # an example takes 4 s of an idle core; this only ends a hang
ENDS = frozenset({"committed", "rejected", "rolled_back"})

GOOD, BREAKS_THE_TILL, INVALID = "good", "breaks the till", "invalid"
CONFIGS = {
    GOOD: lambda version: with_device(store_config(), name=f"收银 {version}"),
    BREAKS_THE_TILL: lambda version: with_device(store_config(), port=f"no-port-{version}"),
    INVALID: lambda version: with_device(store_config(), baudrate=f"fast {version}"),
}


@dataclass
class Desk:
    """The shop, head office, and what both have done so far."""

    shop: ShopUnderTest
    office: HeadOffice
    agent: Part
    central: Part
    register: Part
    pushed: dict[int, tuple[str, str]] = field(default_factory=dict)  # by version: kind and hash
    undisturbed: int | None = None  # a push since which nobody killed, stopped or cut anything
    is_broker_up: bool = True

    @property
    def newest(self) -> int:
        return max(self.pushed, default=0)

    def line(self) -> Any:
        return Shelf(self.shop.store.folder / "state" / "config").line()

    async def settled(self) -> dict[str, Any]:
        """Wait until the newest push has come to its end."""
        if not self.pushed:
            return await self.office.until_last(lambda report: report["phase"] is None)
        return await self.office.until_last(
            lambda report: (
                report["desired"] == {"version": self.newest}
                and report["phase"] in ENDS
                and report["code"] != "not_newer"  # said of what was published in between; the newest comes behind it
            )
        )


@contextlib.asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    with tempfile.TemporaryDirectory() as folder:
        async with shop_under_test(Path(folder), agent=TRUSTING_TOML) as shop:
            central = await shop.central()
            register = await shop.register("--interval=0.05", "--style=mixed", "--seed=1")
            agent, _ = await shop.agent()
            await shop.until_up()
            with HeadOffice(shop.store.broker.port) as office:
                yield Desk(shop, office, agent, central, register)


class Pushes(RuleBasedStateMachine):
    """One shop, from its first receipt to its last."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Driven(desk)

    @rule(kind=st.sampled_from(sorted(CONFIGS)), wait=st.booleans())
    def push(self, kind: str, wait: bool) -> None:
        async def step(desk: Desk) -> None:
            version = desk.newest + 1
            desk.pushed[version] = kind, desk.office.push(CONFIGS[kind](version), version)
            desk.undisturbed = version
            if wait and desk.is_broker_up:
                await desk.settled()

        self.desk.do(step)

    @precondition(lambda self: self.desk.do(_has_pushed))
    @rule(stale=st.sampled_from(["older", "other bytes", "again", "of a stranger", "no JSON"]))
    def push_what_changes_nothing(self, stale: str) -> None:
        async def step(desk: Desk) -> None:
            match stale:
                case "older" if desk.newest > 1:
                    desk.office.push(CONFIGS[GOOD](0), desk.newest - 1)
                case "other bytes":
                    desk.office.push(CONFIGS[GOOD](-1), desk.newest)
                case "of a stranger":
                    desk.office.push(CONFIGS[GOOD](-2), desk.newest + 1, signer=STRANGER)
                case "no JSON":
                    desk.office.send(b"\x00\xff")
            desk.office.again(desk.newest)

        self.desk.do(step)

    @rule(phase=st.sampled_from(["verified", "staged", "trial", "at once"]))
    def kill(self, phase: str) -> None:
        """Kill it as soon as the line says so, if it still comes to that."""

        async def step(desk: Desk) -> None:
            desk.undisturbed = None
            if phase != "at once" and desk.is_broker_up:
                with contextlib.suppress(AssertionError):
                    await until(lambda: desk.line().phase in {phase, *ENDS, None}, patience=5)
            await desk.agent.kill()
            desk.agent, _ = await desk.shop.agent()

        self.desk.do(step)

    @rule()
    def stop(self) -> None:
        async def step(desk: Desk) -> None:
            desk.undisturbed = None
            assert await desk.agent.stop() == 0
            desk.agent, _ = await desk.shop.agent()

        self.desk.do(step)

    @rule(keep_memory=st.booleans(), for_how_many=st.integers(0, 20))
    def cut_the_link(self, keep_memory: bool, for_how_many: int) -> None:
        """Cut it for so many receipts; a broker without its memory loses what lies retained."""

        async def step(desk: Desk) -> None:
            desk.undisturbed = None
            broker = desk.shop.store.broker
            broker.stop() if keep_memory else broker.kill()  # killed, it forgets what it has not saved by then
            wanted = len(desk.shop.printed) + for_how_many
            await until(lambda: len(desk.shop.printed) >= wanted)
            broker.restart(keep_memory=keep_memory)
            if desk.pushed and not keep_memory:
                desk.office.again(desk.newest)

        self.desk.do(step)

    @rule()
    def kill_head_office(self) -> None:
        async def step(desk: Desk) -> None:
            await desk.central.kill()
            desk.central = await desk.shop.central()

        self.desk.do(step)

    @rule(future=st.booleans())
    def acknowledge_out_of_turn(self, future: bool) -> None:
        """An acknowledgement of another epoch is ignored; one of the future begins a new epoch."""

        async def step(desk: Desk) -> None:
            status = await desk.shop.status()
            epoch = status["epoch"] if future else str(uuid.uuid4())
            ack = {"epoch": epoch, "upto": {"orders": 10**6}, "need": {}}

            def is_past(status: dict[str, Any]) -> bool:
                if status["epoch"] == epoch:  # head office's own next one may take its place before the agent sees it
                    desk.office.publish(desk.office.topics.ack, msgspec.json.encode(ack))
                return bool(status["epoch"] != epoch)

            if future:
                desk.undisturbed = None  # the link is made anew, which may take longer than a trial
                await desk.shop.until_status(is_past)
            else:
                desk.office.publish(desk.office.topics.ack, msgspec.json.encode(ack))

        self.desk.do(step)

    def teardown(self) -> None:
        try:
            self.desk.do(_check)
        finally:
            self.desk.close()


async def _has_pushed(desk: Desk) -> bool:
    return bool(desk.pushed)


async def _check(desk: Desk) -> None:
    report = await desk.settled()
    running = report["running"]["version"]
    assert report["running"] == report["last_known_good"]
    if running:
        kind, sha256 = desk.pushed[running]
        assert (kind, sha256) == (GOOD, report["running"]["sha256"])
    if desk.undisturbed is not None:
        kind = desk.pushed[desk.undisturbed][0]
        assert report["phase"] == {GOOD: "committed", BREAKS_THE_TILL: "rolled_back", INVALID: "rejected"}[kind]
    await desk.register.stop()
    await desk.shop.until_equal()


Pushes.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
)
TestPushes = Pushes.TestCase  # what pytest collects
