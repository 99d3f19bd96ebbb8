"""The way of a push: let in or not, on trial, for good or back again."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from structlog.testing import capture_logs

from edge_agent.clock import Clock
from edge_agent.config import Config
from edge_agent.config.pushed import shelf_of
from edge_agent.config.shelf import Line
from edge_agent.contract.events import Stream
from edge_agent.contract.frames import decode_events
from edge_agent.remote.configs.configs import REFUSALS
from edge_agent.remote.configs.moves import TRIES
from edge_agent.remote.configs.worse import ENOUGH, UNREAD
from edge_agent.uplink import Link
from tests.support.configs import Desk, Topic, desk
from tests.support.generation import configure
from tests.support.pty import Cable
from tests.support.pushing import config_payload, refused, store_config, with_device
from tests.support.recaptures import TEMPLATE_TOML, printed
from tests.support.slips import sale
from tests.support.storage import SetClock, frames, until
from tests.unit.config.test_templates import TEMPLATE

GOOD = with_device(store_config(), name="新收银")
BROKEN = with_device(store_config(), port="nothing-here")


@pytest.fixture
def files(tmp_path: Path) -> Config:
    return configure(tmp_path)


@pytest.fixture
async def cable(files: Config, tmp_path: Path) -> AsyncIterator[Cable]:
    cable = Cable(tmp_path / "till-1")
    cable.plug()
    yield cable
    cable.close()


async def up(desk: Desk) -> None:
    await until(lambda: all(device.state == "up" for device in desk.running.generation.devices.values()))


async def told(desk: Desk) -> list[dict[str, Any]]:
    """Return the config events recorded so far."""
    events = [
        event
        for frame in await frames(desk.running.storage, Stream.OPS)
        for event in decode_events(frame.body, frame.encoding)
    ]
    return [
        {"type": event.type} | msgspec.json.decode(event.data)
        for event in events
        if event.type.startswith("o2o.config.")
    ]


async def test_a_push_is_tried_out_and_then_is_what_the_box_runs(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        before = here.configs.reported
        assert (before.running.version, before.desired.version, before.phase) == (0, None, None)
        here.push(GOOD, 7)
        report = await here.until(7, "committed")
        assert [phase for phase, _ in here.said(7)] == ["received", "verified", "staged", "trial", "committed"]
        trial = next(one for one in here.topic.reports if one.phase == "trial")
        assert (trial.running.version, trial.last_known_good) == (7, before.running)
        assert report.running == report.last_known_good == here.line.committed[0]
        assert report.at is not None
        assert report.at.endswith("+08:00")
        assert here.running.generation.devices["till-1-printer"].settings.name == "新收银"
        await until(lambda: here.running.storage.state("config").get("told") is not None)
        (event,) = await told(here)
        assert (event["type"], event["version"], event["running"]) == ("o2o.config.committed.v1", 7, 7)
        assert (event["sha256"], event["key_id"]) == (report.running.sha256, "ops-1")
    async with desk(files) as here:
        assert here.configs.reported == report
        await up(here)
        assert len(await told(here)) == 1


async def test_whatever_cannot_be_believed_changes_nothing(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        for code, envelope in refused(GOOD, 9).items():
            here.configs.arrived(envelope)
            report = await here.until(None, "rejected", code)
            assert report.running == report.last_known_good
            assert report.running.version == 0
        assert here.line.version == 0
        assert not (files.agent.agent.state_dir / "config").exists()
        assert here.conditions() == []
        here.configs.arrived(b"")  # the topic was cleared
        here.push(GOOD, 1)
        await here.until(1, "trial")
        here.configs.arrived(b"garbage")
        await here.until(None, "rejected", "malformed")
        await here.until(1, "committed")


async def test_a_flood_of_garbage_is_told_a_few_times_and_keeps_no_push_out(files: Config, cable: Cable) -> None:
    with capture_logs() as logs:
        async with desk(files) as here:
            for _ in range(200):
                here.configs.arrived(b"garbage")
                here.configs.arrived(b"{}")
                await asyncio.sleep(0.001)
            here.push(GOOD, 1)
            await here.until(1, "staged")
            assert REFUSALS <= len(here.said(None)) <= REFUSALS + 1
            assert {phase for phase, _ in here.said(None)} == {"rejected"}
    assert 2 <= sum(one["event"] == "config_rejected" for one in logs) <= REFUSALS + 1, "nor is the log flooded"


async def test_a_config_that_is_wrong_takes_the_line_and_is_told_with_what_is_wrong(
    files: Config, cable: Cable
) -> None:
    async with desk(files) as here:
        here.push(with_device(store_config(), baudrate="fast"), 3)
        report = await here.until(3, "rejected", "invalid_config")
        assert report.detail is not None
        assert "device[0].baudrate" in report.detail
        assert here.line.version == 3
        await until(lambda: here.conditions() == ["config_rejected"])
        await until(lambda: here.running.storage.state("config").get("told") is not None)
        (event,) = await told(here)
        assert (event["type"], event["code"], event["running"]) == ("o2o.config.rejected.v1", "invalid_config", 0)

        many = store_config()
        many["device"] = [{"id": f"till-{n}", "kind": "cereal"} for n in range(200)]
        here.push(many, 4)
        report = await here.until(4, "rejected", "invalid_config")
        assert len(report.detail or "") <= 1000

        template = tomllib.loads(TEMPLATE.replace("600", "601"))
        here.push(store_config() | template, 5)
        report = await here.until(5, "rejected", "samples_failed")
        assert "receipt_template[0].samples" in (report.detail or "")
        here.push(GOOD, 6)
        await here.until(6, "trial")
        await until(lambda: here.conditions() == [])


async def test_a_push_that_comes_again_changes_nothing_and_an_older_one_less(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        again = here.push(GOOD, 5)
        await here.until(5, "committed")
        line = here.line
        here.configs.arrived(again)
        await until(lambda: len(here.said(5)) == 6)
        assert here.said(5)[-1] == ("committed", None)
        for number, (config, version) in enumerate([(BROKEN, 5), (GOOD, 4), (GOOD, 0)]):
            here.push(config, version)
            await here.until(version, "rejected", "not_newer")
            assert here.line == line, number
        assert len(await told(here)) <= 1


async def test_an_expired_push_is_looked_at_again_when_the_clock_is_set(files: Config, cable: Cable) -> None:
    clock = SetClock()
    now = Clock().now().wall_ms
    clock.wall_ms = now + 10 * 365 * 86_400_000  # a dead battery may as well say 2036
    async with desk(files, clock) as here:
        await up(here)
        here.push(GOOD, 5)
        await here.until(5, "rejected", "expired")
        assert here.line.version == 0
        clock.wall_ms = now
        await here.until(5, "committed")
        clock.wall_ms = now + 10 * 365 * 86_400_000
        here.push(GOOD, 6)
        await here.until(6, "rejected", "expired")
        assert here.configs.reported.running.version == 5  # a wrong clock never stops what runs


async def test_a_committed_push_that_comes_again_after_its_time_is_still_committed(files: Config, cable: Cable) -> None:
    clock = SetClock()
    async with desk(files, clock) as here:
        await up(here)
        again = here.push(GOOD, 5)
        await here.until(5, "committed")
        clock.wall_ms = Clock().now().wall_ms + 86_400_000
        here.configs.arrived(again)
        await until(lambda: len(here.said(5)) == 6)
        assert here.said(5)[-1] == ("committed", None)


async def test_a_config_that_breaks_a_till_is_taken_back(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        here.push(BROKEN, 5)
        report = await here.until(5, "rolled_back", "device_failed")
        assert report.detail is not None
        assert report.detail.startswith("till-1-printer: missing")
        assert report.running == report.last_known_good
        assert report.running.version == 0
        await up(here)
        await until(lambda: here.conditions() == ["config_rolled_back"])
        await until(lambda: here.running.storage.state("config").get("told") is not None)
        (event,) = await told(here)
        assert (event["type"], event["code"], event["running"]) == ("o2o.config.rolled_back.v1", "device_failed", 0)


async def test_templates_that_no_longer_read_a_till_are_taken_back_as_soon_as_it_shows(
    files: Config, cable: Cable
) -> None:
    async with desk(files) as here:
        await up(here)
        heard = here.running.generation.devices["till-1-printer"].heard
        for number in range(ENOUGH):
            await cable.write(printed(sale(number=f"20261122{number:06d}")))
        await until(lambda: heard["order"] == ENOUGH)
        theirs = with_device(store_config(), templates=["huimin"]) | tomllib.loads(TEMPLATE_TOML)
        here.push(theirs, 5, trial_seconds=300)
        await here.until(5, "trial")
        for number in range(100, 100 + UNREAD):
            await cable.write(printed(sale(number=f"20261122{number:06d}")))
        report = await here.until(5, "rolled_back", "device_failed")
        assert report.detail == f"till-1-printer: {UNREAD} receipts came and none was read"


async def test_only_the_last_word_waits_for_a_connection(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        here.push(GOOD, 5)
        await here.until(5, "committed")
        later = Topic()
        async with asyncio.TaskGroup() as tasks:
            session = tasks.create_task(here.configs.publish(cast("Link", later)))
            await until(lambda: bool(later.reports))
            session.cancel()
        assert later.reports == [here.configs.reported]


async def test_a_newer_push_ends_a_trial_and_answers_for_what_worked_before_it(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        here.push(BROKEN, 5, trial_seconds=300)
        await here.until(5, "trial")
        here.push(with_device(store_config(), port="not-here-either"), 6)
        await here.until(6, "rolled_back", "device_failed")
        assert here.said(5)[-1] == ("trial", None)
        await up(here)
        here.push(BROKEN, 7, trial_seconds=300)
        await here.until(7, "trial")
        here.push(with_device(store_config(), baudrate="fast"), 8)
        report = await here.until(8, "rejected", "invalid_config")
        assert report.running.version == 0
        await up(here)


async def test_a_link_that_stays_away_ends_a_trial(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        here.push(GOOD, 5)
        await here.until(5, "trial")
        here.uplink.connected = False
        report = await here.until(5, "rolled_back", "link_failed")
        assert report.running.version == 0


async def test_what_is_superseded_does_not_run_on_while_the_link_is_away(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        here.push(BROKEN, 5, trial_seconds=300)
        await here.until(5, "trial")
        here.uplink.connected = False
        here.push(GOOD, 6)
        await here.until(6, "staged")
        await until(lambda: here.configs.reported.running.version == 0)
        await up(here)
        here.uplink.connected = True
        await here.until(6, "committed")


async def test_a_process_that_dies_in_a_trial_does_not_run_that_config_again(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        again = here.push(GOOD, 5, trial_seconds=300)
        await here.until(5, "trial")
    assert here.line.trial is not None
    async with desk(files) as here:
        report = await here.until(5, "rolled_back", "crashed")
        assert report.running == report.last_known_good
        assert report.running.version == 0
        await until(lambda: here.running.storage.state("config").get("told") is not None)
        assert [event["code"] for event in await told(here)] == ["crashed"]
        here.configs.arrived(again)
        await until(lambda: len(here.said(5)) == 2)
        assert here.said(5)[-1] == ("rolled_back", "crashed")
    async with desk(files) as here:
        await here.until(5, "rolled_back", "crashed")
        assert len(await told(here)) == 1


async def test_a_process_that_is_told_to_stop_in_a_trial_leaves_it_to_the_next(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        await up(here)
        here.push(GOOD, 5, trial_seconds=300)
        await here.until(5, "trial")
        here.configs.postpone()
    assert (here.line.phase, here.line.trial) == ("staged", None)
    async with desk(files) as here:
        await here.until(5, "trial")
        assert here.configs.reported.running.version == 5


async def test_what_was_staged_goes_on_when_the_link_is_there(files: Config, cable: Cable) -> None:
    async with desk(files) as here:
        here.uplink.connected = False
        here.push(GOOD, 5)
        await here.until(5, "staged")
    async with desk(files) as here:
        here.uplink.connected = False
        await here.until(5, "staged")
        await up(here)
        await asyncio.sleep(0.6)
        assert here.configs.reported.phase == "staged"
        here.uplink.connected = True
        await here.until(5, "committed")


@pytest.mark.parametrize("deaths", [TRIES - 1, TRIES])
async def test_a_push_that_no_process_survives_the_check_of_is_given_up(
    files: Config, cable: Cable, deaths: int
) -> None:
    shelf = shelf_of(files)
    sha256 = shelf.keep(config_payload(GOOD, 5))
    shelf.write(Line(version=5, sha256=sha256, key_id="ops-1", phase="verified", tries=deaths))
    async with desk(files) as here:
        if deaths < TRIES:
            await here.until(5, "committed")
        else:
            await here.until(5, "rolled_back", "crashed")
            assert here.line.tries == 0


async def test_a_push_whose_check_hung_once_is_not_checked_again(files: Config, cable: Cable) -> None:
    shelf = shelf_of(files)
    shelf.write(Line(version=5, sha256=shelf.keep(config_payload(GOOD, 5)), phase="verified", tries=1))
    (shelf.folder / "hung.txt").write_text('Thread 0x1:\n  File "/usr/lib/python3/re/__init__.py", line 7 in match\n')
    async with desk(files) as here:
        report = await here.until(5, "rolled_back", "hung")
        assert report.detail == "hung in __init__.py:7 match"


async def test_a_committed_push_whose_bytes_were_damaged_is_taken_from_head_office_again(
    files: Config, cable: Cable
) -> None:
    async with desk(files) as here:
        await up(here)
        again = here.push(GOOD, 5)
        report = await here.until(5, "committed")
    for path in shelf_of(files).folder.glob(f"*{report.running.sha256}*"):
        path.write_bytes(b"damaged")
    async with desk(files) as here:
        assert here.configs.reported.running.version == 0
        await up(here)
        here.configs.arrived(again)
        await until(lambda: len(here.said(5)) == 6)
        assert here.said(5)[-1] == ("committed", None)
        assert here.configs.reported.running.version == 5


async def test_a_staged_push_that_this_version_cannot_read_waits_for_head_office(files: Config, cable: Cable) -> None:
    """It was taken by another version of the agent; a box that cannot start would be lost."""
    shelf = shelf_of(files)
    shelf.write(Line(version=5, sha256=shelf.keep(b'{"type": "config", "of": "the future"}'), phase="staged"))
    async with desk(files) as here:
        await up(here)
        assert here.configs.reported.running.version == 0
        here.push(GOOD, 6)
        await here.until(6, "committed")
