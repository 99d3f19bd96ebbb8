"""People in the virtual store: a member with a card, somebody with a telephone, a member of staff with a badge."""

import asyncio
import random
from collections.abc import Callable

from edge_agent.simulator.virtual_store import (
    AID,
    BADGE_KEY,
    BADGE_SERVICE,
    BADGE_STEP_S,
    BADGE_TOKEN_BYTES,
    SDM_KEYS,
    Part,
)

TAP_S = 1.0  # how long people hold a card to a reader: reading takes 0.1 s, on a busy machine five times that
PAUSE_S = 2.5  # between two taps
INSIDE_S = 6.0  # how long the badge stays: longer than the demo's dwell_after
OUTSIDE_S = 9.0  # longer than the demo's leave_after_badge
CARD_URL = "https://o2o.example/m"

# Says who tapped: ``card`` or ``telephone``.
Tapped = Callable[[str], None]


async def tap(reader: Part, rng: random.Random, tapped: Tapped) -> None:
    """Tap a card that proves itself and a telephone in turn, each somebody new; for ever."""
    while True:
        uid = f"04{rng.randbytes(6).hex()}"
        await _hold(reader, {"kind": "sdm", "uid": uid, **SDM_KEYS, "url": CARD_URL})
        tapped("card")
        await asyncio.sleep(PAUSE_S)
        token = f"m-{rng.randrange(10**6):06}".encode().hex()
        await _hold(reader, {"kind": "phone", "sak": "60", "answers": {AID: token}})
        tapped("telephone")
        await asyncio.sleep(PAUSE_S)


async def come_and_go(bluez: Part) -> None:
    """Carry a badge in and out; for ever."""
    token = {"service": BADGE_SERVICE, "key": BADGE_KEY, "step": BADGE_STEP_S, "length": BADGE_TOKEN_BYTES}
    badge = {"address": "C0:00:00:00:00:42", "rssi": -62, "noise": 2.0, "token": token}
    while True:
        bluez.tell("beacon", name="badge", interval=0.3, **badge)
        await asyncio.sleep(INSIDE_S)
        bluez.tell("hush", name="badge")
        await asyncio.sleep(OUTSIDE_S)


async def _hold(reader: Part, tag: dict[str, object]) -> None:
    reader.tell("put", tag=tag)
    await asyncio.sleep(TAP_S)
    reader.tell("take")
