"""`edge-agent status`: ask the running daemon over its control socket."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from edge_agent.config import Config
from edge_agent.contract.remote import Reported
from edge_agent.page import pushes
from edge_agent.page.control import control_socket
from edge_agent.page.times import seen_from
from edge_agent.page.words import words
from edge_agent.printable import printable
from edge_agent.sockets import short_path

SYSTEM_SOCKET = Path("/run/edge-agent/control.sock")
ANSWER_S = 5.0


def users_language(environment: Mapping[str, str]) -> str:
    """Return the language of whoever types: the first set of ``LC_ALL``, ``LC_MESSAGES``, ``LANG`` (locale(7)) says."""
    locale = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if locale.startswith("zh") else "en"


def ask(config: Config, language: str = "") -> dict[str, Any] | None:
    """Return the status document of the daemon that serves this configuration's state directory, or None.

    ``language``: of its sentences (``zh`` ``en``); by default the one set for the page.
    """
    return _answer(config, language)[0]


def metrics(config: Config) -> str | None:
    """Return the metrics of the daemon that serves this configuration's state directory, or None."""
    _, path = _answer(config, "")
    body = asyncio.run(_get(path, "/metrics")) if path else None
    return body.decode("utf-8", "replace") if body is not None else None


def post(config: Config, what: str) -> bytes | None:
    """Have the daemon that serves this configuration's state directory do something. Returns what it says, or None."""
    _, path = _answer(config, "")
    return asyncio.run(_get(path, what, method="POST")) if path else None


def _answer(config: Config, language: str) -> tuple[dict[str, Any] | None, Path | None]:
    """Return the status document of the daemon that is meant, and the socket it answers on."""
    state_dir = config.agent.agent.state_dir
    for path in dict.fromkeys((control_socket(state_dir), state_dir / "control.sock", SYSTEM_SOCKET)):
        try:
            document = json.loads(asyncio.run(_get(path, "/api/status", language)) or b"null")
        except ValueError:
            continue
        if isinstance(document, dict) and document.get("state_dir") == str(state_dir.resolve()):
            return document, path
    return None, None


def render(document: dict[str, Any], language: str) -> str:
    """Return the document as a few lines for a person."""
    say = words(language).say
    now = datetime.fromisoformat(document["clock"]["now"])
    sync, today = document["sync"], document["today"]
    saved = _seen_from(now, sync["confirmed_until"], language) or say("status.nothing")
    link = "status.connected" if sync["connected"] else "status.not_connected"
    lines = [
        f"{say('hero.level.' + document['level'])}  {document['headline']}",
        *(f"  {number}. {step}" for number, step in enumerate(document["steps"], 1)),
        say("status.link", link=say(link), waiting=sync["waiting"], saved=saved),
        say("status.today", **{name: today[name] for name in ("orders", "unparsed", "checkins", "visitors")}),
        *_proofs(today["day_proof"], language),
        *_configuration(document["config"], now, language),
    ]
    for device in document["devices"]:
        seen = _seen_from(now, device["last_seen"], language) or say("status.never")
        state = say(f"devices.state.{device['state']}")
        said = say("status.device", device=device["id"], name=device["name"], state=state, seen=seen)
        lines.append(f"{said} - {device['detail']}" if device["detail"] else said)
    return printable("\n".join(lines))


def _proofs(proof: dict[str, Any], language: str) -> list[str]:
    """Return how today's proof stands, and those of earlier days; nothing of a day that is simply open."""
    say = words(language).say
    said = words(language).table("status.proof")
    return [
        say("status.day", day=day["business_day"], said=said[day["state"]])
        + (say("status.differing", numbers=", ".join(day["differing"])) if day["differing"] else "")
        for day in (proof, *proof["earlier"])
        if day["state"] in said
    ]


def _configuration(config: dict[str, Any], now: datetime, language: str) -> list[str]:
    """Return which config runs, and what has become of the last push, for whoever knows what its detail means."""
    reported, texts = msgspec.convert(config, Reported), words(language)
    lines = [texts.say("status.configuration", running=pushes.running(reported, texts))]
    if note := pushes.note(reported, texts, lambda at: seen_from(now, at.astimezone(now.tzinfo), language)):
        why = ": ".join(filter(None, (reported.code, reported.detail)))
        lines.append(f"  {note} - {why}" if why else f"  {note}")
    return lines


def _seen_from(now: datetime, time: str | None, language: str) -> str:
    return seen_from(now, datetime.fromisoformat(time), language) if time else ""


async def _get(path: Path, what: str, language: str = "", method: str = "GET") -> bytes | None:
    try:
        with short_path(path) as name:
            return await _get_from(name, what, language, method)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


async def _get_from(socket: str, what: str, language: str, method: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    connector = aiohttp.UnixConnector(socket)
    headers = {"Accept-Language": language} if language else {}
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.request(method, f"http://edge-agent{what}", headers=headers) as response,
    ):
        return await response.read()
