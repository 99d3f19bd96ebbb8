"""Radios that fall silent all at once: they look like everybody leaving, until the scanner's watchdog notices."""

from collections.abc import Iterable

from edge_agent.shop.presence.devices import Devices
from edge_agent.shop.presence.scanners import Scanner

# Before the watchdog on the radio acts (docs/ble.md: 45 s), and well before a badge has left: half its time-out, if
# that is shorter.
MUTE_AFTER_MS = 30_000
# Several that stop within one longest advertising interval (10.24 s) did not walk out together.
TOGETHER_MS = 10_500
TOGETHER = 3
# By then the watchdog has tried a new scanner (45 s) and a power cycle (90 s later), each with 15 s to start. After
# that the silence counts: the last ones of a quiet shop must be able to leave.
HELD_MAX_MS = 180_000


def hold_mute(scanners: Iterable[Scanner], devices: Devices, leave_after_ms: int, uptime_ms: int) -> None:
    """Stop the clock of a scanner that hears nothing any more of several it heard just now; for three minutes.

    ``leave_after_ms``: the shortest leave time-out.
    """
    mute_after_ms = min(MUTE_AFTER_MS, leave_after_ms // 2)
    for scanner in scanners:
        silence_ms = uptime_ms - scanner.heard_ms
        if scanner.held:
            if silence_ms >= HELD_MAX_MS:
                scanner.hold(False, uptime_ms)
        elif scanner.healthy and not scanner.weighed and silence_ms >= mute_after_ms:
            scanner.weighed = True
            if devices.heard_by(scanner.name, scanner.heard_ms - TOGETHER_MS) >= TOGETHER:
                scanner.hold(True, uptime_ms)
