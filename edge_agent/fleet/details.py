"""Everything about one store, in its own words."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from edge_agent.contract.remote import ConfigId
from edge_agent.fleet.agents import Agent
from edge_agent.fleet.health import DayProof, Device, Health
from edge_agent.fleet.pushes import digest, payload_in, push_in
from edge_agent.fleet.terminal import ago, moment, plain

_PROOFS = {
    "agreed": "head office has the same orders",
    "waiting": "head office has not answered yet",
    "differs": "head office has other orders",
    "open": "not closed yet",
}


def document(agent: Agent) -> dict[str, Any]:
    """Return what ``--json`` prints: the retained messages as they are."""
    return {
        "tenant": agent.topics.tenant,
        "store": agent.topics.store,
        "agent": agent.topics.agent,
        "state": agent.state,
        "health": agent.document,
        "reported": agent.reported,
        "pushed": _pushed_id(agent),
        "unreadable": agent.unreadable,
    }


def describe(agent: Agent, now: datetime, language: str) -> Iterator[str]:
    """Yield what is known of an agent, line by line; ``language``: of the store's own sentences."""
    state, health = agent.state, agent.health
    name = f"  {health.store.name}" if health and health.store.name else ""
    yield plain(f"{agent.name}{name}")
    if state:
        yield plain(f"  {state.state} since {state.since}{_ago(state.since, now)}, version {state.version}")
    else:
        yield "  nobody knows whether it is there"
    for topic in agent.unreadable:
        yield plain(f"  unreadable: what lies on {agent.topics.root}/{topic}")
    if health:
        yield from _words(health, language)
    yield from _config(agent)
    if health:
        yield from _sync(health)
        yield from _today(health)
        yield "devices"
        yield from (f"  {_device(device, now)}" for device in health.devices)
        yield plain(f"told at {health.clock.now}{_ago(health.clock.now, now)}, clock {health.clock.quality}")


def _words(health: Health, language: str) -> Iterator[str]:
    said = health.said(language)
    yield plain(f"{health.level}: {said.headline}")
    for number, step in enumerate(said.steps, 1):
        yield plain(f"  {number}. {step}")


def _config(agent: Agent) -> Iterator[str]:
    yield "config"
    pushed = _pushed_id(agent)
    if reported := agent.reported:
        yield f"  running {_version(reported.running)}"
        if reported.last_known_good != reported.running:
            yield f"  last known good {_version(reported.last_known_good)}"
        if reported.phase:
            version = reported.desired.version
            why = ": ".join(filter(None, (reported.code, reported.detail)))
            what = f"version {version}" if version is not None else "something that cannot be believed"
            yield plain(f"  {what}: {reported.phase}{f' ({why})' if why else ''}, {reported.at or 'no time told'}")
    else:
        yield "  nothing reported"
    if pushed:
        yield f"  pushed {_version(pushed)}"


def _sync(health: Health) -> Iterator[str]:
    sync = health.sync
    waiting = "nothing waiting" if not sync.waiting else f"{sync.waiting} events waiting"
    streams = ", ".join(f"{name} {count}" for name, count in sync.waiting_by_stream.items() if count)
    oldest = f", the oldest for {ago(timedelta(seconds=sync.oldest_waiting_seconds))}" if sync.waiting else ""
    yield "head office"
    yield plain(f"  {waiting}{f' ({streams})' if streams else ''}{oldest}")
    yield plain(f"  has everything up to {sync.confirmed_until or 'nothing yet'}")


def _today(health: Health) -> Iterator[str]:
    today = health.today
    yield plain(f"business day {today.business_day or 'unknown'}")
    counts = f"{today.orders} orders, {today.unparsed} not understood"
    yield f"  {counts}, {today.checkins} check-ins, {today.visitors} visitors"
    for proof in (today.day_proof, *(today.day_proof.earlier if today.day_proof else ())):
        if proof:
            yield f"  {_proof(proof)}"


def _proof(proof: DayProof) -> str:
    differing = f": {', '.join(proof.differing)}" if proof.differing else ""
    return plain(f"{proof.business_day}: {_PROOFS.get(proof.state, proof.state)}{differing}")


def _device(device: Device, now: datetime) -> str:
    seen = f"last heard{_ago(device.last_seen, now)}" if device.last_seen else "never heard"
    detail = f": {device.detail}" if device.detail else ""
    return plain(f"{device.state:8} {device.id} ({device.name or device.kind}), {seen}{detail}")


def _version(config: ConfigId) -> str:
    return plain(f"version {config.version} {config.sha256[:12]}" + (" (store.toml)" if not config.version else ""))


def _pushed_id(agent: Agent) -> ConfigId | None:
    """Return which config lies on ``down/config``, whoever has signed it: only the box knows whom it trusts."""
    push, payload = push_in(agent.pushed), payload_in(agent.pushed)
    return ConfigId(push.version, digest(payload)) if push and payload is not None else None


def _ago(text: str | None, now: datetime) -> str:
    at = moment(text)
    return f" ({ago(now - at)} ago)" if at else ""
