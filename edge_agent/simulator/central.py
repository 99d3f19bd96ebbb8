"""The reference central service: takes frames, stores them, says so. docs/central.md tells how to write another.

``python -m edge_agent.simulator.central --port 1883 --database central.db``

stdout carries JSON lines: ``{"ready": true}`` once subscribed; ``{"stored": type, …}`` for each new event outside the
presence stream, after COMMIT and after its acknowledgement was handed to paho; ``{"day": business day, "agrees": …}``
for each daily closing proof compared; ``{"alarm": kind, …}``.
stdin takes JSON lines: ``{"agent": "acme/sh-0001/pc-1", "need": {"orders": [[1, 20]]}}`` asks an agent to send again.
A reader must keep up with stdout, or silence it with ``--quiet``: a full pipe stops the service like a blocked disk.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from edge_agent.clock import Clock
from edge_agent.contract.messages import Ack, encode
from edge_agent.contract.topics import Topics
from edge_agent.simulator.central_frames import Message, read_person
from edge_agent.simulator.central_link import Link, Remembered, Subscribed, Trouble
from edge_agent.simulator.central_store import Alarm, Batch, CentralStore, News

# One transaction takes at most this many frames: 512 x 64 KiB is 32 MB of memory in the worst case.
MAX_BATCH = 512
# A hole is asked for when it has not closed for this long: an agent's own resend takes 10 s, a reordering none.
HOLE_PATIENCE_MS = 2_000
HOLE_PATIENCE_MAX_MS = 300_000
TICK_SECONDS = 0.5
# Under load a transaction waits for company: a commit costs a disk flush (1 to 5 ms), so that waiting for as long takes
# a third off the CPU and half again as many frames of one event (measured). An idle store's frame waits for nothing.
LINGER_ABOVE = 2
LINGER_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Need:
    """Ask an agent to send ranges again."""

    agent: Topics
    ranges: dict[str, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Stop:
    """SIGTERM or SIGINT."""


Work = Message | Subscribed | Remembered | Trouble | Need | Stop


@dataclass(slots=True)
class _Hole:
    upto: dict[str, int]
    since_ms: int
    patience_ms: int = HOLE_PATIENCE_MS


class Central:
    """The working thread: everything that changes the database or publishes happens in ``run``."""

    def __init__(self, store: CentralStore, link: Link, work: SimpleQueue[Work], delay: float, quiet: bool) -> None:
        """``delay``: seconds slept before each transaction, to fall behind on purpose."""
        self._store = store
        self._link = link
        self._work = work
        self._delay = delay
        self._quiet = quiet
        self._clock = Clock()
        self._holes: dict[Topics, _Hole] = {}

    def run(self) -> None:
        """Work until told to stop; what was queued before is stored first."""
        stopping = False
        while not stopping:
            messages: list[Message] = []
            for item in self._take():
                match item:
                    case Message():
                        messages.append(item)
                    case Subscribed():
                        self._start()
                    case Remembered(agent, ack):
                        self._remember(agent, ack)
                    case Trouble(kind, detail):
                        say({"alarm": kind, "detail": detail})
                    case Need(agent, ranges) if agent in self._store.agents():
                        self._acknowledge(agent, ranges)
                    case Stop():
                        stopping = True
            if messages:
                self._store_frames(messages)
            self._ask_for_holes()

    def _take(self) -> list[Work]:
        items: list[Work] = []
        try:
            items.append(self._work.get(timeout=TICK_SECONDS))
            if self._work.qsize() > LINGER_ABOVE:
                time.sleep(LINGER_SECONDS)
            while len(items) < MAX_BATCH:
                items.append(self._work.get_nowait())
        except Empty:
            pass
        return items

    def _start(self) -> None:
        for agent in self._store.agents():
            self._acknowledge(agent)
        say({"ready": True})

    def _store_frames(self, messages: list[Message]) -> None:
        time.sleep(self._delay)
        batch = self._store.store(messages, self._clock.now().wall_ms)
        for agent in batch.touched:
            self._acknowledge(agent)
        if not self._quiet:
            for line in lines(batch):
                say(line)

    def _acknowledge(self, agent: Topics, need: dict[str, list[tuple[int, int]]] | None = None) -> None:
        ack = self._store.ack(agent)
        ack.need = need or {}
        self._link.publish(agent.ack, encode(ack))
        holes = self._store.holes(agent)
        if not holes:
            self._holes.pop(agent, None)
            return
        upto = {name: ack.upto[name] for name in holes}
        if agent not in self._holes or self._holes[agent].upto != upto:
            self._holes[agent] = _Hole(upto, self._clock.now().uptime_ms)

    def _ask_for_holes(self) -> None:
        if not self._holes:
            return
        now_ms = self._clock.now().uptime_ms
        for agent, hole in list(self._holes.items()):
            if now_ms - hole.since_ms >= hole.patience_ms:
                hole.since_ms = now_ms
                hole.patience_ms = min(2 * hole.patience_ms, HOLE_PATIENCE_MAX_MS)
                self._acknowledge(agent, self._store.holes(agent))

    def _remember(self, agent: Topics, ack: Ack) -> None:
        # The retained word promises what this database, older than it, has never seen: take it back, so that the
        # agent sends again without waiting for its next event.
        if self._store.meet(agent, ack.epoch, ack.upto):
            self._acknowledge(agent)


def lines(batch: Batch) -> Iterator[dict[str, object]]:
    """Return what to print of a batch."""
    for news in batch.news:
        yield _stored(news)
    for agent, day in batch.days:
        yield {
            "day": day.business_day, "workstation": day.workstation, "agrees": day.agrees,
            "agent": agent.agent, "store": agent.store,
        }  # fmt: skip
    for alarm in batch.alarms:
        yield _alarm(alarm)


def _stored(news: News) -> dict[str, object]:
    event, sale = news.event, news.event.sale
    if news.stream in {"checkins", "presence"}:
        return {"stored": event.type, "agent": news.agent.agent, "store": news.agent.store, **read_person(event.body)}
    return {
        "stored": event.type,
        "agent": news.agent.agent,
        "store": news.agent.store,
        "stream": news.stream,
        "sequence": event.sequence,
        "id": event.id,
        "order_no": sale and sale.order_no,
        "order_id": sale and sale.order_id,
        "kind": sale and sale.kind,
        "payable": sale and sale.payable,
    }


def _alarm(alarm: Alarm) -> dict[str, object]:
    return {"alarm": alarm.kind, "topic": alarm.topic, "sequence": alarm.sequence, "detail": alarm.detail}


def say(line: dict[str, object]) -> None:
    """Print one JSON line now."""
    print(json.dumps(line, ensure_ascii=False), flush=True)


def read_commands(work: SimpleQueue[Work]) -> None:
    """Queue what is asked for on stdin, until it ends."""
    for line in sys.stdin:
        try:
            command = json.loads(line)
            agent = Topics(*command["agent"].split("/"))
            need = {name: [(int(a), int(b)) for a, b in ranges] for name, ranges in command["need"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            say({"alarm": "bad_command", "detail": f"{line.strip()}: {error!r}"})
        else:
            work.put(Need(agent, need))


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="edge_agent.simulator.central", description="The reference central service.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--tenant", default="+", help="listen to this tenant only")
    parser.add_argument("--client-id", default="central")
    parser.add_argument("--username")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--delay", type=float, default=0.0, metavar="MS", help="sleep before each transaction")
    parser.add_argument("--quiet", action="store_true", help="print the ready line only")
    options = parser.parse_args()

    work: SimpleQueue[Work] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: work.put(Stop()))
    store = CentralStore(options.database)
    link = Link(work.put, options.client_id, options.tenant)
    if options.username:
        password = options.password_file.read_text("utf-8").strip() if options.password_file else None
        link.login(options.username, password)
    threading.Thread(target=read_commands, args=(work,), daemon=True).start()
    link.start(options.host, options.port)
    try:
        Central(store, link, work, options.delay / 1000, options.quiet).run()
    finally:
        link.stop()
        store.close()


if __name__ == "__main__":
    main()
