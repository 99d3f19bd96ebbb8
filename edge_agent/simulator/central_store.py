"""The reference central service's database: a batch of frames in one transaction, then what to acknowledge."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import msgspec

from edge_agent.contract.frames import FrameError
from edge_agent.contract.messages import Ack, encode
from edge_agent.contract.topics import Topics
from edge_agent.simulator.central_days import Asked, Compared, Days
from edge_agent.simulator.central_frames import GAP, Arrival, Arrived, Message, read_frame
from edge_agent.simulator.ranges import Ranges


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person at head office should look at."""

    kind: str
    topic: str
    sequence: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class News:
    """An event stored just now for the first time."""

    agent: Topics
    stream: str
    event: Arrival


@dataclass(slots=True)
class Batch:
    """What storing some frames brought: the agents to acknowledge, the new events, the days compared, the alarms."""

    touched: dict[Topics, None] = field(default_factory=dict)  # a set that keeps its order
    news: list[News] = field(default_factory=list)
    days: list[tuple[Topics, Compared]] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)


@dataclass(slots=True)
class _Stream:
    id: int
    received: Ranges = field(default_factory=Ranges)


@dataclass(slots=True)
class _Agent:
    id: int
    epoch: str
    streams: dict[tuple[str, str], _Stream] = field(default_factory=dict)  # by epoch and name


class CentralStore:
    """One writer on one database file; what was received is mirrored in memory, the file decides."""

    def __init__(self, database: Path) -> None:
        """Open or create the file. Raises sqlite3.Error."""
        self._connection = sqlite3.connect(database, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        schema = resources.files("edge_agent.simulator").joinpath("central.sql").read_text("utf-8")
        self._connection.executescript(schema)
        self._agents: dict[Topics, _Agent] = {}
        self._days = Days(self._connection)
        self._load()
        with self._transaction():
            for agent in self._agents.values():
                self._days.compare_again(agent.id)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def agents(self) -> list[Topics]:
        """Return every agent ever heard of."""
        return list(self._agents)

    def ack(self, topics: Topics) -> Ack:
        """Return the acknowledgement of an agent's latest epoch, with nothing asked for."""
        agent = self._agents[topics]
        upto = {name: stream.received.upto for (epoch, name), stream in agent.streams.items() if epoch == agent.epoch}
        days = [msgspec.Raw(encode(answer)) for answer in self._days.answers(agent.id)]
        return Ack(epoch=agent.epoch, upto=upto, day=days)

    def holes(self, topics: Topics) -> dict[str, list[tuple[int, int]]]:
        """Return what is missing of an agent's latest epoch, by stream; empty if nothing is."""
        agent = self._agents[topics]
        holes = {name: stream.received.holes for (epoch, name), stream in agent.streams.items() if epoch == agent.epoch}
        return {name: ranges for name, ranges in holes.items() if ranges}

    def meet(self, topics: Topics, epoch: str, streams: Iterable[str]) -> bool:
        """Make streams of an agent's epoch known, with nothing received. Return False if all were known already."""
        known = self._agents[topics].streams if topics in self._agents else {}
        unknown = [name for name in streams if (epoch, name) not in known]
        with self._transaction():
            for name in unknown:
                self._stream(topics, epoch, name)
        return bool(unknown)

    def store(self, messages: Sequence[Message], at_ms: int) -> Batch:
        """Store the frames in one transaction and return after COMMIT. ``at_ms``: Unix time, for the alarms.

        Raises sqlite3.Error; then nothing of the batch is stored.
        """
        batch = Batch()
        with self._transaction():
            frames = self._read(messages, batch)
            self._store_events(frames, batch)
            self._close_days(frames, batch, at_ms)
            rows = [(at_ms, alarm.kind, alarm.topic, alarm.sequence, alarm.detail) for alarm in batch.alarms]
            self._connection.executemany(
                "INSERT INTO alarm (at_ms, kind, topic, sequence, detail) VALUES (?, ?, ?, ?, ?)", rows
            )
        return batch

    def _read(self, messages: Sequence[Message], batch: Batch) -> list[Arrived]:
        frames = []
        for message in messages:
            try:
                frames.append(read_frame(message))
            except FrameError as error:
                self._keep_aside(message, str(error), batch)
        return frames

    def _keep_aside(self, message: Message, reason: str, batch: Batch) -> None:
        digest = hashlib.sha256(message.body).hexdigest()
        added = self._connection.execute(
            "INSERT INTO bad_frame VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (digest, message.topic, json.dumps(dict(message.properties)), reason, message.body),
        ).rowcount
        if added:  # an agent sends it again and again, for nobody acknowledges it
            batch.alarms.append(Alarm("bad_frame", message.topic, None, f"{reason} (sha256 {digest})"))

    def _store_events(self, frames: list[Arrived], batch: Batch) -> None:
        known = self._known_ids(frames)
        rows: list[tuple[str, int, int | None, str, bytes]] = []
        doubtful: list[tuple[_Stream, News]] = []
        changed: dict[int, _Stream] = {}
        for frame in frames:
            stream = self._stream(frame.agent, frame.epoch, frame.stream)
            changed[stream.id] = stream
            batch.touched[frame.agent] = None
            for event in frame.events:
                if event.id not in known:
                    known.add(event.id)
                    news = News(frame.agent, frame.stream, event)
                    batch.news.append(news)
                    rows.append((event.id, stream.id, event.sequence, event.type, event.body))
                    if event.sequence is not None and event.sequence in stream.received:
                        doubtful.append((stream, news))
                    if event.trouble:
                        batch.alarms.append(_alarm("not_understood", news, event.trouble))
                if event.sequence is not None:
                    stream.received.add(event.first, event.sequence)
        self._connection.executemany(
            "INSERT INTO event (id, stream, sequence, type, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows
        )
        self._alarm_reused(doubtful, batch)
        for stream in changed.values():
            self._connection.execute("DELETE FROM received WHERE stream = ?", (stream.id,))
            ranges = [(stream.id, first, last) for first, last in stream.received]
            self._connection.executemany("INSERT INTO received VALUES (?, ?, ?)", ranges)

    def _close_days(self, frames: list[Arrived], batch: Batch, at_ms: int) -> None:
        """Enter the orders in the books and compare the days that can be; of what differed, only what is healed."""
        new = {news.event.id for news in batch.news}
        streams: dict[int, tuple[Arrived, _Stream]] = {}
        for frame in frames:
            agent, stream = self._agents[frame.agent], self._agents[frame.agent].streams[frame.epoch, frame.stream]
            streams[stream.id] = (frame, stream)
            self._days.enter(agent.id, [event.sale for event in frame.events if event.sale and event.id in new])
            proofs = [event for event in frame.events if event.closed]
            self._days.ask(agent.id, _asked(stream.id, (event for event in proofs if event.id in new)), at_ms)
            self._days.ask_again(agent.id, _asked(stream.id, (event for event in proofs if event.id not in new)))
        for frame, stream in streams.values():
            agent = self._agents[frame.agent]
            healed = self._days.compare_again(agent.id)
            for day in (*healed, *self._days.compare(agent.id, stream.id, stream.received.upto)):
                batch.days.append((frame.agent, day))
                if not day.agrees:
                    detail = f"{day.business_day}, {day.workstation}: not the orders that we hold"
                    batch.alarms.append(Alarm("day_differs", frame.agent.up(frame.stream), day.sequence, detail))

    def _known_ids(self, frames: list[Arrived]) -> set[str]:
        ids = json.dumps([event.id for frame in frames for event in frame.events])
        query = "SELECT id FROM event WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self._connection.execute(query, (ids,))}

    def _alarm_reused(self, doubtful: list[tuple[_Stream, News]], batch: Batch) -> None:
        # A gap event stands in the place of events that may have arrived before it: that is no reuse.
        query = "SELECT id FROM event WHERE stream = ? AND sequence = ? AND id <> ? AND type <> ? AND ? <> type"
        for stream, news in doubtful:
            event = news.event
            if event.type == GAP:
                continue
            other = self._connection.execute(query, (stream.id, event.sequence, event.id, GAP, GAP)).fetchone()
            if other is not None:
                batch.alarms.append(_alarm("sequence_reused", news, f"{event.id} stands where {other[0]} stood"))

    def _stream(self, topics: Topics, epoch: str, name: str) -> _Stream:
        execute = self._connection.execute
        agent = self._agents.get(topics)
        if agent is None:
            insert = "INSERT INTO agent (tenant, store, agent, epoch) VALUES (?, ?, ?, ?)"
            number = execute(insert, (topics.tenant, topics.store, topics.agent, epoch)).lastrowid
            agent = self._agents[topics] = _Agent(number or 0, epoch)
        if agent.epoch != epoch:
            execute("UPDATE agent SET epoch = ? WHERE id = ?", (epoch, agent.id))
            agent.epoch = epoch
        stream = agent.streams.get((epoch, name))
        if stream is None:
            insert = "INSERT INTO stream (agent, epoch, name) VALUES (?, ?, ?)"
            stream = _Stream(execute(insert, (agent.id, epoch, name)).lastrowid or 0)
            agent.streams[epoch, name] = stream
        return stream

    def _load(self) -> None:
        self._agents.clear()
        agents: dict[int, _Agent] = {}
        for number, tenant, store, name, epoch in self._connection.execute("SELECT * FROM agent"):
            agents[number] = self._agents[Topics(tenant, store, name)] = _Agent(number, epoch)
        streams: dict[int, _Stream] = {}
        for number, agent, epoch, name in self._connection.execute("SELECT * FROM stream"):
            streams[number] = agents[agent].streams[epoch, name] = _Stream(number)
        for stream, first, last in self._connection.execute("SELECT * FROM received"):
            streams[stream].received.add(first, last)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._load()
            raise


def _asked(stream: int, events: Iterable[Arrival]) -> list[Asked]:
    """Return the proofs among events that say their place."""
    return [Asked(stream, event.sequence, event.closed) for event in events if event.closed and event.sequence]


def _alarm(kind: str, news: News, detail: str) -> Alarm:
    return Alarm(kind, news.agent.up(news.stream), news.event.sequence, detail)
