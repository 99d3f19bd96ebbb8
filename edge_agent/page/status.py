"""The status document: what `/api/status`, `edge-agent status` and the retained health message say."""

import msgspec

from edge_agent import __version__
from edge_agent.clock import Moment
from edge_agent.contract.events import iso_time
from edge_agent.generation import RunningDevice
from edge_agent.page import advice
from edge_agent.page.language import box_language
from edge_agent.page.sources import Reader, Sources
from edge_agent.page.words import LANGUAGES
from edge_agent.shop.proof.standing import Standing, WorkstationStanding
from edge_agent.shop.stamp import Stamp


async def document(sources: Sources, reader: Reader) -> dict[str, object]:
    """Return the status as plain JSON values, its sentences in the reader's language; amounts are the manager's."""
    now = sources.clock.now()
    shop = advice.situation(sources)
    return {
        "level": sources.health.level().value,
        "headline": advice.headline(shop, reader.language),
        "steps": advice.steps(shop, reader.language),
        "conditions": [
            {
                "part": reported.part,
                "code": reported.condition.code,
                "level": reported.condition.level.value,
                "detail": reported.condition.detail,
                "since": _time(sources, Stamp.of(reported.since).right_ms(now)),
            }
            for reported in shop.conditions
        ],
        "devices": [_device(sources, device, now) for device in sources.generation.devices.values()],
        "sync": await _sync(sources, now),
        "today": _today(sources, reader, now),
        "presence_paused_until": _paused_until(sources, now),
        "clock": {
            "now": _time(sources, now.wall_ms),
            "quality": now.quality.value,
            "boot_id": now.boot_id,
            "uptime_ms": now.uptime_ms,
        },
        "config": msgspec.to_builtins(sources.reported()),  # as it is retained on config/reported
        "store": {"id": sources.config.agent.agent.store, "name": sources.config.store.store.name},
        "state_dir": str(sources.config.agent.agent.state_dir.resolve()),
        "epoch": sources.storage.epoch,
        "version": __version__,
    }


async def health_message(sources: Sources) -> dict[str, object]:
    """Return what is sent to head office: the status in the box's language, and its words in every language.

    Whoever supports a shop reads the words that its manager reads, in whichever language that is.
    """
    shop = advice.situation(sources)
    words = {
        language: {"headline": advice.headline(shop, language), "steps": advice.steps(shop, language)}
        for language in LANGUAGES
    }
    return {**await document(sources, Reader(box_language(sources))), "words": words}


def _paused_until(sources: Sources, now: Moment) -> str | None:
    until_ms = sources.generation.shop.people.paused_until_ms(now)
    return _time(sources, until_ms) if until_ms is not None else None


def _device(sources: Sources, device: RunningDevice, now: Moment) -> dict[str, object]:
    last_seen_ms = device.seen(now).last_seen_ms
    return {
        "id": device.settings.id,
        "name": device.settings.name,
        "kind": device.settings.kind,
        "touchpoint": device.settings.touchpoint,
        "state": device.state,
        "since": _time(sources, device.since_ms(now)),
        "last_seen": None if last_seen_ms is None else _time(sources, last_seen_ms),
        "detail": device.detail,
    }


async def _sync(sources: Sources, now: Moment) -> dict[str, object]:
    waiting = await sources.storage.waiting()
    oldest_ms = min((stream.oldest_ms for stream in waiting.values() if stream.oldest_ms is not None), default=None)
    confirmed_ms = await sources.sync.confirmed_ms()
    return {
        "connected": sources.sync.connected,
        "waiting": sum(stream.events for stream in waiting.values()),
        "waiting_by_stream": {name.value: stream.events for name, stream in waiting.items()},
        "oldest_waiting_seconds": max(0, now.wall_ms - oldest_ms) // 1000 if oldest_ms is not None else 0,
        "confirmed_until": _time(sources, confirmed_ms) if confirmed_ms else None,
    }


def _today(sources: Sources, reader: Reader, now: Moment) -> dict[str, object]:
    counts = sources.generation.shop.counts(now)
    proof = sources.generation.shop.proof
    today = proof.standing(counts.business_day)
    amounts = {"payable": today.payable, "currency": sources.config.store.store.currency} if reader.is_manager else {}
    return {
        "business_day": counts.business_day,
        "orders": counts.orders,
        "returns": counts.returns,
        "voids": counts.voids,
        "unparsed": counts.unparsed,
        "duplicates": counts.duplicates,
        "slips": counts.seen,
        "checkins": counts.checkins,
        "visitors": counts.visitors,
        "day_proof": _day_proof(today, proof.earlier(counts.business_day), reader),
        **amounts,
    }


def _day_proof(today: Standing, earlier: tuple[Standing, ...], reader: Reader) -> dict[str, object]:
    """Return how the day stands, then the one before and those earlier ones that differ; amounts are the manager's."""

    def payable(of: Standing | WorkstationStanding) -> dict[str, int]:
        return {"payable": of.payable} if reader.is_manager else {}

    workstations = [
        {
            "workstation": one.workstation,
            "state": one.state,
            "orders": one.orders,
            "differing": one.differing,
            "missing_numbers": one.missing_numbers,
            **payable(one),
        }
        for one in today.workstations
    ]
    return {
        "business_day": today.business_day,
        "state": today.state,
        "orders": today.orders,
        "differing": today.differing,
        "workstations": workstations,
        "earlier": [
            {"business_day": day.business_day, "state": day.state, "differing": day.differing, **payable(day)}
            for day in earlier
        ],
        **payable(today),
    }


def _time(sources: Sources, wall_ms: int) -> str:
    return iso_time(wall_ms, sources.config.store.zone)
