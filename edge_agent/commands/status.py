"""`edge-agent status`: ask the running daemon over its control socket."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from edge_agent.config import Config
from edge_agent.page.control import control_socket
from edge_agent.sockets import short_path

SYSTEM_SOCKET = Path("/run/edge-agent/control.sock")
ANSWER_S = 5.0


def ask(config: Config) -> dict[str, Any] | None:
    """Return the status document of the daemon that serves this configuration's state directory, or None."""
    return _answer(config)[0]


def metrics(config: Config) -> str | None:
    """Return the metrics of the daemon that serves this configuration's state directory, or None."""
    _, path = _answer(config)
    body = asyncio.run(_get(path, "/metrics")) if path else None
    return body.decode("utf-8", "replace") if body is not None else None


def _answer(config: Config) -> tuple[dict[str, Any] | None, Path | None]:
    """Return the status document of the daemon that is meant, and the socket it answers on."""
    state_dir = config.agent.agent.state_dir
    for path in dict.fromkeys((control_socket(state_dir), state_dir / "control.sock", SYSTEM_SOCKET)):
        try:
            document = json.loads(asyncio.run(_get(path, "/api/status")) or b"null")
        except ValueError:
            continue
        if isinstance(document, dict) and document.get("state_dir") == str(state_dir.resolve()):
            return document, path
    return None, None


def render(document: dict[str, Any]) -> str:
    """Return the document as a few lines for a person."""
    sync = document["sync"]
    lines = [
        f"{document['level'].upper()}  {document['headline']}",
        *(f"  {number}. {step}" for number, step in enumerate(document["steps"], 1)),
        (
            f"head office: {'connected' if sync['connected'] else 'not connected'}, {sync['waiting']} waiting,"
            f" saved up to {sync['confirmed_until'] or 'nothing yet'}"
        ),
        "today: {orders} orders, {unparsed} slips not understood, {checkins} check-ins, {visitors} visitors".format_map(
            document["today"]
        ),
        *_proofs(document["today"]["day_proof"]),
    ]
    lines += [
        f"device {device['id']}: {device['state']}{' - ' + device['detail'] if device['detail'] else ''},"
        f" last seen {device['last_seen'] or 'never'}"
        for device in document["devices"]
    ]
    return "\n".join(lines)


def _proofs(proof: dict[str, Any]) -> list[str]:
    """Return how today's proof stands, and those of earlier days; nothing of a day that is simply open."""
    said = {
        "waiting": "head office has not answered yet",
        "agreed": "head office has the same orders",
        "differs": "head office has other orders",
    }
    days = [day for day in (proof, *proof["earlier"]) if day["state"] in said]
    return [
        f"proof of {day['business_day']}: {said[day['state']]}"
        + (f"; look at {', '.join(day['differing'])}" if day["differing"] else "")
        for day in days
    ]


async def _get(path: Path, what: str) -> bytes | None:
    try:
        with short_path(path) as name:
            return await _get_from(name, what)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


async def _get_from(socket: str, what: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    connector = aiohttp.UnixConnector(socket)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.get(f"http://edge-agent{what}") as response,
    ):
        return await response.read()
