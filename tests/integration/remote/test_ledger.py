"""What was asked and answered, on a real storage: bounded, and nothing of it twice."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest

from edge_agent.clock import Clock, Moment, TimeQuality
from edge_agent.contract.remote import Reply
from edge_agent.remote.commands import ledger
from edge_agent.remote.commands.admitting import Request, read
from edge_agent.remote.commands.answers import Answers
from edge_agent.remote.commands.ledger import NOT_HELD, Ledger
from edge_agent.storage import Storage
from edge_agent.uplink import Link
from tests.support import storage as storages
from tests.support.commanding import sealed_command
from tests.support.pushing import COMMANDER, TOPICS

NOW = replace(Clock().now(), quality=TimeQuality.SYNCED)


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with storages.running(tmp_path) as storage:
        yield storage


def request(id_: str, *, expires_in_s: float = 3600, boot_id: str | None = None) -> Request:
    found = read(sealed_command("ping", {"x": "secret"}, id_=id_, expires_in_s=expires_in_s), [COMMANDER.key], TOPICS)
    assert isinstance(found, Request)
    return replace(found, command=msgspec.structs.replace(found.command, boot_id=boot_id))


def later(hours: float, quality: TimeQuality = TimeQuality.SYNCED) -> Moment:
    return replace(NOW, wall_ms=NOW.wall_ms + round(hours * 3_600_000), quality=quality)


def done(id_: str, result: dict[str, object] | None = None) -> Reply:
    return Reply(id=id_, status="done", at="2026-11-22T10:00:00.000+08:00", result=result)


async def test_what_was_asked_goes_once_it_is_answered(storage: Storage) -> None:
    books = Ledger(storage)
    await books.take(request("c-1"), NOW)
    assert books.unanswered() == ["c-1"]
    assert b"secret" in books.arguments("c-1")
    await books.answer("c-1", done("c-1", {"n": 1}))
    again = Ledger(storage)
    assert (again.unanswered(), again.unsent()) == ([], ["c-1"])
    assert again.reply("c-1") == done("c-1", {"n": 1})
    assert again.arguments("c-1") == b""
    await again.sent("c-1")
    assert Ledger(storage).unsent() == []


async def test_a_full_ledger_makes_room_of_what_can_never_be_obeyed_again(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "ENTRIES", 4)
    books = Ledger(storage)
    await books.take(request("runs", expires_in_s=60), NOW)  # not answered yet
    for id_ in ("first", "second"):
        await books.refuse(request(id_, expires_in_s=60), NOW, done(id_))
    await books.refuse(request("bound", boot_id=NOW.boot_id, expires_in_s=60), NOW, done("bound"))
    assert not books.has_room(NOW)
    assert not books.has_room(later(1, TimeQuality.UNSYNCED)), "a clock that is not set ends nothing"
    assert books.has_room(later(1))
    assert books.has_room(replace(NOW, boot_id="another")), "a command of another boot is over"
    for id_ in ("third", "fourth"):
        await books.refuse(request(id_, expires_in_s=7200), later(1), done(id_))
    assert not books.has_room(later(1))
    assert {id_ for id_ in ("runs", "first", "second", "bound", "third", "fourth") if books.knows(id_)} == {
        "runs", "bound", "third", "fourth",
    }  # fmt: skip
    assert storage.state(ledger.PART).keys() == {"runs", "bound", "third", "fourth"}


async def test_an_answer_that_made_room_while_it_waited_to_be_sent_is_neither_sent_nor_missed(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends an old command again, and a new one behind it, must not end the process."""
    monkeypatch.setattr(ledger, "ENTRIES", 1)
    books = Ledger(storage)
    await books.refuse(request("old", expires_in_s=60), NOW, done("old"))
    answers = Answers(books, TOPICS, lambda: "2026-11-22T10:00:00.000+08:00")
    answers.answered("old")
    await books.refuse(request("new", expires_in_s=7200), later(1), done("new"))
    answers.answered("new")
    sent: list[str] = []

    class Line:
        """As much of a link as answers use; the broker takes everything."""

        def payload_room(self, *_: object) -> int:
            return 64 * 1024

        async def publish(self, topic: str, _: bytes) -> int:
            sent.append(topic)
            return 0

    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(answers.publish(cast("Link", Line())))
        async with asyncio.timeout(5):
            await answers.sent("new")
            await answers.sent("old")
        publishing.cancel()
    assert sent == [TOPICS.reply("new")]
    assert storage.state(ledger.PART).keys() == {"new"}


async def test_of_large_results_the_newest_are_kept(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RESULTS_BYTES", 3_000)
    books = Ledger(storage)
    large: dict[str, object] = {"noise": random.Random(6).randbytes(300).hex()}
    ids = [f"c-{index}" for index in range(8)]
    for id_ in ids:
        await books.take(request(id_), NOW)
        await books.answer(id_, done(id_, large))
        if id_ != "c-0":
            await books.sent(id_)
    kept = [id_ for id_ in ids if (reply := Ledger(storage).reply(id_)) is not None and reply.result]
    assert kept[0] == "c-0", "what was not sent yet is kept"
    assert kept[1:] == ids[-len(kept) + 1 :]
    assert 1 < len(kept) < len(ids)
    bare = books.reply("c-1")
    assert bare is not None
    assert (bare.status, bare.detail) == ("done", NOT_HELD)
    total = sum(entry.result_bytes for entry in books._entries.values())
    assert total <= 3_000
