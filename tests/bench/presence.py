"""How many advertisements a second the presence engine takes in, against a bare table of what was heard last."""

import random
import time

from edge_agent.clock import Moment, TimeQuality
from edge_agent.identities import Identity
from edge_agent.shop.presence import Place, Presence, Sighting
from edge_agent.shop.settings import PresenceSettings

DEVICES = 500  # 200 badges, 300 strangers
PER_SECOND = 2_000
SECONDS = 60
_SCANNERS = {"door": Place("entrance", "front"), "till": Place("till-1", "tills")}


def presence_rate() -> tuple[float, float]:
    """Return advertisements a CPU second, and their share of the rate of ``table[key] = value``."""
    rng = random.Random(7)
    seconds = [[_sighting(rng, second, n) for n in range(PER_SECOND)] for second in range(SECONDS)]
    engine = Presence(PresenceSettings(), 5, _SCANNERS, {}, rng.randbytes(32))
    for scanner in _SCANNERS:
        engine.health(scanner, healthy=True, at=_moment(0))
    entered, began = 0, time.process_time()
    for second, heard in enumerate(seconds):
        at = _moment(second * 1_000 + 999)
        for sighting in heard:
            entered += len(engine.sighted(sighting, at).changes)
        engine.tick(at)
    elapsed = time.process_time() - began
    if entered != 200 or engine.present != 200:
        raise RuntimeError(f"{entered} of 200 badges entered: the figure means nothing")
    return PER_SECOND * SECONDS / elapsed, min(_bare(seconds) for _ in range(5)) / elapsed


def _bare(seconds: list[list[Sighting]]) -> float:
    """Return the CPU seconds of a loop that only notes when each device was heard last."""
    table: dict[tuple[str, str], tuple[int, int]] = {}
    began = time.process_time()
    for heard in seconds:
        for sighting in heard:
            table[sighting.address, sighting.scanner] = (sighting.rssi, sighting.arrived_ms)
    return time.process_time() - began


def _sighting(rng: random.Random, second: int, n: int) -> Sighting:
    number = n % DEVICES
    identity = Identity("service_token", f"{number:08x}", verified=True) if number < 200 else None
    scanner = "door" if (n // DEVICES) % 2 else "till"
    rssi = round(rng.gauss(-65, 4))
    arrived_ms = second * 1_000 + n * 1_000 // PER_SECOND
    return Sighting(scanner, identity, "badge" if identity else "anonymous", f"AA:BB:CC:DD:{number}", rssi, arrived_ms)


def _moment(uptime_ms: int) -> Moment:
    return Moment(1_795_305_600_000 + uptime_ms, uptime_ms, "boot", TimeQuality.SYNCED)
