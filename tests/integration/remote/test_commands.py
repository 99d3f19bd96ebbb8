"""Commands on real parts and a real broker: on bad days, too."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from edge_agent.contract.remote import UNVERIFIED
from edge_agent.remote.commands import running
from edge_agent.remote.commands.acting import Action, Asked, Result
from edge_agent.remote.commands.answers import STRANGERS
from edge_agent.remote.commands.catalogue import ACTIONS
from edge_agent.remote.commands.ping import Ping
from edge_agent.simulator.broker import Broker, BrokerOptions
from tests.support.broker import needs_mosquitto, until
from tests.support.commanded import commanded
from tests.support.commanding import Desk, sealed_command
from tests.support.disk import small_disk
from tests.support.pushing import COMMANDER, STRANGER, Signer
from tests.support.storage import fill

CONFIGURER = Signer("desk-2", ("config",))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    needs_mosquitto()
    with Broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Have a command `slow` that ends when the event is set, and one `broken` that has a defect."""
    end = asyncio.Event()

    async def wait(asked: Asked, arguments: Ping) -> Result:
        del arguments
        asked.progress(0.5, "half")
        await end.wait()
        return {}

    async def fail(asked: Asked, arguments: Ping) -> Result:
        raise KeyError(asked.id, arguments)

    actions = cast("dict[str, Action]", ACTIONS)
    monkeypatch.setitem(actions, "slow", Action(Ping, wait, repeatable=True))
    monkeypatch.setitem(actions, "broken", Action(Ping, fail))
    return end


async def test_an_answer_is_sent_by_the_process_that_has_a_link_and_once(tmp_path: Path, broker: Broker) -> None:
    with Desk(broker.port) as desk:
        async with commanded(tmp_path) as box:
            box.commands.arrived(sealed_command("ping", id_="c-1"))
            await box.answered("c-1")
        async with commanded(tmp_path, broker.port) as box:
            answer = await desk.final("c-1")
            await until(lambda: box.entries()["c-1"].sent)
        async with commanded(tmp_path, broker.port) as box:
            await desk.until_there()
            desk.ask("ping", id_="c-1")
            assert await desk.final("c-1", 2) == answer
            assert len(desk.finals("c-1")) == 2


async def test_a_flood_of_strangers_is_answered_sparingly(tmp_path: Path, broker: Broker) -> None:
    with Desk(broker.port) as desk:
        async with commanded(tmp_path, broker.port):
            await desk.until_there()
            for index in range(100):
                desk.send(sealed_command("ping", id_=f"s-{index}", by=STRANGER))
            assert (await desk.result("ping"))["status"] == "done"
            assert {reply["code"] for reply in desk.finals(UNVERIFIED)} <= {"unknown_key", "busy"}
            assert len(desk.finals(UNVERIFIED)) == STRANGERS


@pytest.mark.parametrize("seed", [6])
async def test_what_cannot_be_believed_changes_nothing(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    good = sealed_command("restart", id_="never")
    async with commanded(tmp_path) as box:
        for number in range(300):
            bad = bytearray(good)
            for _ in range(rng.randint(1, 4)):
                bad[rng.randrange(len(bad))] = rng.randrange(256)
            if bad != good:
                box.commands.arrived(bytes(bad[: rng.choice((len(bad), rng.randrange(len(bad))))]))
            if number % 100 == 0:
                box.commands.arrived(sealed_command("ping", id_=f"p-{number}"))
        box.commands.arrived(sealed_command("ping", id_="last"))
        assert (await box.answered("last")).status == "done"
        assert box.entries().keys() == {"p-0", "p-100", "p-200", "last"}
        assert not box.restarts


async def test_who_may_not_command_cannot_answer_for_a_command(
    tmp_path: Path, broker: Broker, slow: asyncio.Event
) -> None:
    keys = (COMMANDER.key, CONFIGURER.key)
    with Desk(broker.port) as desk:
        async with commanded(tmp_path, broker.port, keys):
            await desk.until_there()
            asked = desk.ask("slow")
            await desk.said(asked, "progress")
            desk.ask("ping", id_=asked, by=CONFIGURER)
            (away,) = await desk.turned_away()
            assert away["code"] == "wrong_role"
            desk.ask("ping", id_=asked)
            assert (await desk.said(asked, "progress", 2))["progress"] == 0.5
            assert not desk.finals(asked)
            slow.set()
            assert (await desk.final(asked))["status"] == "done"


async def test_more_than_a_person_asks_for_is_not_taken_on(tmp_path: Path, broker: Broker, slow: asyncio.Event) -> None:
    with Desk(broker.port) as desk:
        async with commanded(tmp_path, broker.port) as box:
            await desk.until_there()
            first = desk.ask("slow")
            await desk.said(first, "progress")
            taken = [desk.ask("ping") for _ in range(running.WAITING)]
            await desk.said(taken[-1], "accepted")
            refused = desk.ask("ping")
            assert (await desk.final(refused))["code"] == "busy"
            assert refused not in box.entries()
            slow.set()
            for id_ in taken:
                assert (await desk.final(id_))["status"] == "done"
            desk.ask("ping", id_=refused)
            assert (await desk.final(refused, 2))["status"] == "done", "what was not taken on may be asked for again"


async def test_a_defect_is_one_commands_failure(tmp_path: Path, slow: asyncio.Event) -> None:
    del slow
    async with commanded(tmp_path) as box:
        with capture_logs() as log:
            box.commands.arrived(sealed_command("broken", id_="c-1"))
            answer = await box.answered("c-1")
        assert (answer.status, answer.code) == ("failed", "defect")
        assert "command_crashed" in [entry["event"] for entry in log]
        box.commands.arrived(sealed_command("ping", id_="c-2"))
        assert (await box.answered("c-2")).status == "done"


async def test_what_hangs_holds_others_up_for_a_while(
    tmp_path: Path, slow: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SHORT_S", 0.2)
    async with commanded(tmp_path) as box:
        box.commands.arrived(sealed_command("slow", id_="c-1"))
        box.commands.arrived(sealed_command("ping", id_="c-2"))
        assert (await box.answered("c-1")).code == "slow"
        assert (await box.answered("c-2")).status == "done"
    assert not slow.is_set()


async def test_a_command_sent_over_and_over_is_logged_once(tmp_path: Path, broker: Broker) -> None:
    with Desk(broker.port) as desk:
        async with commanded(tmp_path, broker.port):
            await desk.until_there()
            with capture_logs() as log:
                for _ in range(5):
                    desk.ask("ping", id_="late", expires_in_s=-60)
                await desk.final("late", 5)
            refusals = [entry for entry in log if entry["event"] == "command"]
            assert [(entry["id"], entry["code"]) for entry in refusals] == [("late", "expired")]


async def test_a_broker_with_small_packets_hears_that_there_is_more(tmp_path: Path) -> None:
    needs_mosquitto()
    with (
        Broker(tmp_path / "broker", BrokerOptions(max_packet_size=800)) as broker,
        Desk(broker.port) as desk,
    ):
        async with commanded(tmp_path, broker.port) as box:
            await desk.until_there()
            asked = desk.ask("report")
            answer = await desk.final(asked)
            assert (answer["status"], answer["code"]) == ("done", "packet_too_large")
            full = box.answer(asked)
            assert full is not None
            assert full.result


async def test_on_a_full_disk_a_command_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_mosquitto()
    monkeypatch.setattr("edge_agent.remote.commands.commands.DISK_S", 0.3)
    with (
        Broker(tmp_path / "broker") as broker,
        Desk(broker.port) as desk,
        small_disk(tmp_path / "box") as folder,
    ):
        async with commanded(folder, broker.port) as box:
            await desk.until_there()
            await fill(folder, box.storage)
            turned_away = desk.ask("ping")
            assert (await desk.final(turned_away))["code"] == "storage_failed"
            assert turned_away not in box.entries()
            (folder / "filler").unlink()
            while (await desk.final(turned_away))["status"] != "done":
                desk.ask("ping", id_=turned_away)  # the storage looks every few seconds whether there is room again
                await asyncio.sleep(0.2)
