"""Radios that fall silent all at once: they look like everybody leaving, until the scanner's watchdog notices."""

from collections.abc import Iterable

from edge_agent.shop.presence.devices import Devices
from edge_agent.shop.presence.scanners import Scanner

# The watchdog on the radio needs up to two minutes to find it mute; badges would have left after one.
MUTE_AFTER_MS = 30_000
# Several that stop within one longest advertising interval (10.24 s) did not walk out together.
TOGETHER_MS = 10_500
TOGETHER = 3
# By then the watchdog has acted (90 s, looked at every 30 s, 5 s to stop and 15 s to start again, and some patience).
# If nobody has called the radio dead, the silence counts: the last ones of a quiet shop must be able to leave.
HELD_MAX_MS = 180_000


def hold_mute(scanners: Iterable[Scanner], devices: Devices, uptime_ms: int) -> None:
    """Stop the clock of a scanner that hears nothing any more of several it heard just now, for a while."""
    for scanner in scanners:
        silence_ms = uptime_ms - scanner.heard_ms
        if scanner.held:
            if silence_ms >= HELD_MAX_MS:
                scanner.hold(False, uptime_ms)
        elif scanner.healthy and not scanner.weighed and silence_ms >= MUTE_AFTER_MS:
            scanner.weighed = True
            if devices.heard_by(scanner.name, scanner.heard_ms - TOGETHER_MS) >= TOGETHER:
                scanner.hold(True, uptime_ms)
