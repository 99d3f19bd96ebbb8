"""The status document: what `/api/status`, `edge-agent status` and the retained health message say."""

from edge_agent import __version__
from edge_agent.clock import Moment
from edge_agent.contract.events import Stream, iso_time
from edge_agent.page import advice
from edge_agent.page.sources import Reader, Sources
from edge_agent.storage import Storage
from edge_agent.sync.sync import recorded_ms


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
                "since": _time(sources, reported.since.wall_ms),
            }
            for reported in shop.conditions
        ],
        "devices": _devices(sources),
        "sync": await _sync(sources, now),
        "today": _today(sources, now),
        "clock": {
            "now": _time(sources, now.wall_ms),
            "quality": now.quality.value,
            "boot_id": now.boot_id,
            "uptime_ms": now.uptime_ms,
        },
        "config": {"running": {"version": 0, "sha256": sources.config.store_sha256}},
        "store": {"id": sources.config.agent.agent.store, "name": sources.config.store.store.name},
        "state_dir": str(sources.config.agent.agent.state_dir.resolve()),
        "epoch": sources.storage.epoch,
        "version": __version__,
    }


def _devices(sources: Sources) -> list[dict[str, object]]:
    return [
        {
            "id": device.settings.id,
            "name": device.settings.name,
            "kind": device.settings.kind,
            "touchpoint": device.settings.touchpoint,
            "state": device.state,
            "since": _time(sources, device.since.wall_ms),
            "last_seen": _time(sources, device.last_seen_ms) if device.last_seen_ms else None,
            "detail": device.detail,
        }
        for device in sources.generation.devices.values()
    ]


async def _sync(sources: Sources, now: Moment) -> dict[str, object]:
    waiting = await sources.storage.waiting()
    oldest_ms = min((stream.oldest_ms for stream in waiting.values() if stream.oldest_ms is not None), default=None)
    confirmed_ms = await _confirmed_ms(sources)
    return {
        "connected": sources.sync.connected,
        "waiting": sum(stream.events for stream in waiting.values()),
        "waiting_by_stream": {name.value: stream.events for name, stream in waiting.items()},
        "oldest_waiting_seconds": max(0, now.wall_ms - oldest_ms) // 1000 if oldest_ms is not None else 0,
        "confirmed_until": _time(sources, confirmed_ms) if confirmed_ms else None,
    }


async def _confirmed_ms(sources: Sources) -> int | None:
    """Return when the newest event that head office has confirmed was recorded; the disk knows it after a restart."""
    if sources.sync.confirmed_until_ms is not None:
        return sources.sync.confirmed_until_ms
    times = [await _recorded_at_watermark(sources.storage, stream) for stream in Stream]
    return max(times) or None


async def _recorded_at_watermark(storage: Storage, stream: Stream) -> int:
    upto = storage.watermark(stream)
    frames = await storage.pending(stream, upto - 1, 1, 1) if upto else []
    return recorded_ms(frames[0]) if frames and frames[0].last == upto else 0  # 0: it is no longer held


def _today(sources: Sources, now: Moment) -> dict[str, object]:
    counts = sources.generation.shop.counts(now)
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
        "day_proof": _day_proof(sources, counts.business_day),
    }


def _day_proof(sources: Sources, business_day: str) -> dict[str, object]:
    """Return how the day stands, then the one before and those earlier ones that differ; amounts are the manager's."""
    proof = sources.generation.shop.proof
    today = proof.standing(business_day)
    workstations = [
        {
            "workstation": one.workstation,
            "state": one.state,
            "orders": one.orders,
            "differing": one.differing,
            "missing_numbers": one.missing_numbers,
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
            {"business_day": day.business_day, "state": day.state, "differing": day.differing}
            for day in proof.earlier(business_day)
        ],
    }


def _time(sources: Sources, wall_ms: int) -> str:
    return iso_time(wall_ms, sources.config.store.zone)
