"""What happens in the stores, as it happens: a line each."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from edge_agent.contract.events import CloudEvent
from edge_agent.contract.frames import FrameError, decode_events
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.money import decimal
from edge_agent.contract.topics import Topics, parse_root
from edge_agent.fleet import agents, settings
from edge_agent.fleet.agents import Agent, heard
from edge_agent.fleet.broker import connected
from edge_agent.fleet.listening import Listening, Message
from edge_agent.fleet.settings import Options
from edge_agent.fleet.terminal import note, plain

TOO_FAR_BEHIND = 20_000  # messages: 200 MB at worst; beyond it a terminal that cannot keep up skips some
_ENDS = ("up/+", "state", "config/reported")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is shown. ``stores``: as in ``agents.chosen``; ``types``: words that an event's type has, empty: all."""

    stores: Sequence[str]
    types: Sequence[str] = ()

    def takes(self, type_: str) -> bool:
        """Tell whether events of a type are wanted."""
        return not self.types or any(word in type_ for word in self.types)


def watch(options: Options, wanted: Wanted, *, as_json: bool) -> None:
    """Print what happens until Ctrl-C. Raises ConfigError, FleetError."""
    fleet = settings.load(options)
    with connected(fleet) as broker:
        filters = [f"o2o/1/{broker.tenant}/+/+/{end}" for end in _ENDS]
        with broker.listen(filters) as listening:
            note("watching; Ctrl-C ends it")
            try:
                for message in _taken(listening):
                    for text in told(message, wanted, as_json=as_json):
                        sys.stdout.write(text + "\n")
                    if not listening.waiting:
                        sys.stdout.flush()
            except KeyboardInterrupt:
                pass


def told(message: Message, wanted: Wanted, *, as_json: bool) -> Iterator[str]:
    """Yield the lines on a message: one an event; none on what is retained, or not wanted. Garbage is told as such."""
    found = parse_root(message.topic)
    if found is None or message.retained:
        return
    topics, end = found
    if not agents.is_any_meant(Agent(topics), wanted.stores):
        return
    if end.startswith("up/"):
        yield from _events(topics, message, wanted, as_json=as_json)
    elif end in _ENDS and wanted.takes(end):
        yield _retained(topics, end, message.payload, as_json=as_json)


def _taken(listening: Listening) -> Iterator[Message]:
    skipped = 0
    while True:
        if listening.waiting > TOO_FAR_BEHIND:
            skipped += listening.skip(TOO_FAR_BEHIND // 2)
            note(f"this terminal cannot keep up: {skipped} messages skipped so far")
        message = listening.get(1.0)
        if message is not None:
            yield message


def _events(topics: Topics, message: Message, wanted: Wanted, *, as_json: bool) -> Iterator[str]:
    try:
        events = decode_events(message.payload, message.user.get("encoding", "identity"))
    except FrameError as error:
        if wanted.takes("unreadable"):
            yield _garbage(topics, message.topic, str(error), as_json=as_json)
        return
    for event in events:
        if wanted.takes(event.type):
            yield msgspec.json.encode(event).decode() if as_json else _sentence(topics, event)


def _retained(topics: Topics, end: str, payload: bytes, *, as_json: bool) -> str:
    agent = heard(Agent(topics), end, payload)
    if agent.unreadable:
        return _garbage(topics, f"{topics.root}/{end}", "", as_json=as_json)
    if as_json:
        value = agent.state if end == "state" else agent.reported
        return msgspec.json.encode({"store": topics.store, "agent": topics.agent, end: value}).decode()
    if agent.state:
        return plain(f"{_clock(agent.state.since)}  {agent.name:22}  is {agent.state.state} ({agent.state.version})")
    reported = agent.reported
    assert reported is not None
    version = reported.desired.version
    why = ": ".join(filter(None, (reported.code, reported.detail)))
    said = f"config {'?' if version is None else version}: {reported.phase}{f' ({why})' if why else ''}"
    return plain(f"{_clock(reported.at)}  {agent.name:22}  {said}, runs {reported.running.version}")


def _garbage(topics: Topics, topic: str, why: str, *, as_json: bool) -> str:
    if as_json:
        return msgspec.json.encode({"store": topics.store, "agent": topics.agent, "unreadable": topic}).decode()
    return plain(f"{_clock(None)}  {topics.store}/{topics.agent}  unreadable on {topic} {why}"[:300])


def _sentence(topics: Topics, event: CloudEvent) -> str:
    kind = event.type.removeprefix("o2o.").rpartition(".v")[0] or event.type
    try:
        data = msgspec.json.decode(event.data)
    except UNREADABLE:
        data = None
    said = _TELLINGS.get(kind.partition(".")[0], _others)(data) if isinstance(data, dict) else "unreadable"
    return plain(f"{_clock(event.time)}  {topics.store + '/' + topics.agent:22}  {kind.replace('.', ' ')}  {said}")


def _order(data: dict[str, Any]) -> str:
    totals, lines = data.get("totals"), data.get("lines")
    payable = totals.get("payable") if isinstance(totals, dict) else None
    number = data.get("order_no") or "without a number"
    currency = str(data.get("currency", ""))
    amount = "" if not isinstance(payable, int) else f" {decimal(payable, currency)} {currency}"
    checks = data.get("checks")
    failed = [name for name, verdict in checks.items() if verdict == "fail"] if isinstance(checks, dict) else []
    doubt = f", does not add up: {', '.join(failed)}" if failed else ""
    count = f", {len(lines)} lines" if isinstance(lines, list) else ""
    return f"{number}{amount}{count}{doubt}"


def _others(data: dict[str, Any]) -> str:
    """Return the plain values of an event; what is nested says little on one line."""
    return " ".join(
        f"{key}={value}" for key, value in data.items() if isinstance(value, str | int | float) and value != ""
    )


def _device(data: dict[str, Any]) -> str:
    why = ": ".join(str(data[key]) for key in ("reason", "detail") if data.get(key))
    return f"{data.get('device')}{f' ({why})' if why else ''}"


_TELLINGS: dict[str, Callable[[dict[str, Any]], str]] = {"order": _order, "device": _device}


def _clock(text: str | None) -> str:
    try:
        return datetime.fromisoformat(text).strftime("%m-%d %H:%M:%S") if text else " " * 14
    except ValueError:
        return " " * 14
