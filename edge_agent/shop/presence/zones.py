"""Zones: which scanner hears a visitor best, and when another zone takes over."""

from edge_agent.shop.presence.devices import Device
from edge_agent.shop.presence.signal import Signal
from edge_agent.shop.presence.visits import Visit

SWITCH_MARGIN_DB = 8.0
SWITCH_HOLD_MS = 5_000
NOWHERE_DBM = -999.0  # below anything heard


def loudest(device: Device, entering: Signal) -> Signal:
    """Return the signal that says where a visit begins: ``entering``, unless another scanner hears it better by now."""
    now = entering.heard_ms
    return max(
        (entering, *device.signals.values()),
        key=lambda signal: NOWHERE_DBM if (level := signal.estimate(now)) is None else level,
    )


def follow(device: Device, visit: Visit, enter_dbm: int, exit_dbm: int, uptime_ms: int) -> Signal | None:
    """Let the best scanner of the visit's zone give its touchpoint; return another zone's signal if it takes over now.

    Another zone takes over that has been heard 8 dB better for 5 s, not below ``exit_dbm``.
    """
    own = rival = None
    for signal in device.signals.values():
        if signal.level is None or not signal.is_fresh(uptime_ms):
            continue
        if signal.scanner.place.zone == visit.place.zone:
            own = _stronger(own, signal)
        elif signal.scanner.running and signal.level >= exit_dbm:  # a frozen one keeps, but does not take
            rival = _stronger(rival, signal)
    if own is not None:
        visit.move(own.scanner.name, own.scanner.place, own.level)
    if rival is None or rival.level is None:
        device.rival = None
        return None
    if rival.level < _own_level(own, device, visit, enter_dbm, uptime_ms) + SWITCH_MARGIN_DB:
        device.rival = None
        return None
    return _held(device, rival, uptime_ms)


def _stronger(one: Signal | None, other: Signal) -> Signal:
    return other if one is None or (one.level or NOWHERE_DBM) < (other.level or NOWHERE_DBM) else one


def _own_level(own: Signal | None, device: Device, visit: Visit, enter_dbm: int, uptime_ms: int) -> float:
    """Return what a rival is measured against. A radio that can't tell yet is taken to hear what one enters with."""
    if own is not None and own.level is not None:
        return own.level
    unsettled = any(
        signal.scanner.place.zone == visit.place.zone and not signal.scanner.is_settled(uptime_ms)
        for signal in device.signals.values()
    )
    return enter_dbm if unsettled else NOWHERE_DBM


def _held(device: Device, rival: Signal, uptime_ms: int) -> Signal | None:
    zone = rival.scanner.place.zone
    if device.rival != zone:
        device.rival, device.rival_since_ms = zone, uptime_ms
    # Held by advertisements, not by its last word: who goes out is heard weakly here and not at all there.
    if rival.heard_ms - device.rival_since_ms < SWITCH_HOLD_MS:
        return None
    device.rival = None
    return rival
