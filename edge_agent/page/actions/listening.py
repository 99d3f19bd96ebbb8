"""What a check makes of what a device has said since it began."""

from collections import Counter
from dataclasses import dataclass

from edge_agent.config.devices import DeviceSettings, LineSettings, TagReaderSettings
from edge_agent.devices.line_status import BAD_SHARE
from edge_agent.generation import RunningDevice

# What shall be done at a line, by its decoder; all others speak when something is sold.
_LINES = {"scanner": "code", "scale": "scale", "linedisplay": "display", "ecr": "payment"}

# What goes past to another device on the same line: bytes that mean nothing here, and need not.
_PAST = ("display", "printer")

# What it was, by the name of the observation's type; a slip is looked at more closely.
_SAID = {"Scan": "code", "Weight": "weight", "DisplayText": "display", "Payment": "payment"}


def kind_of(settings: DeviceSettings) -> str | None:
    """Return how a device is checked: reader, receipt, code, scale, display, payment; None: it can't be."""
    if isinstance(settings, TagReaderSettings):
        return "reader"
    if isinstance(settings, LineSettings):
        return _LINES.get(settings.decoder, "receipt")
    return None


@dataclass(frozen=True, slots=True)
class Finding:
    """``state``: as a check has it. ``text``: the key of its sentence, below ``checks``."""

    state: str
    text: str

    @property
    def is_final(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self.state in ("passed", "failed")


@dataclass(frozen=True, slots=True)
class Tap:
    """What a device had said when the check began, at ``uptime_ms``."""

    running: RunningDevice
    uptime_ms: int
    heard: Counter[str]
    undecoded: Counter[str]

    @classmethod
    def on(cls, running: RunningDevice, uptime_ms: int) -> "Tap":
        """Begin to listen."""
        return cls(running, uptime_ms, running.heard.copy(), running.undecoded.copy())

    @property
    def new(self) -> Counter[str]:
        """What was recorded since."""
        return self.running.heard - self.heard

    @property
    def lost(self) -> int:
        """How many bytes meant nothing since."""
        lost = self.running.undecoded - self.undecoded
        return sum(count for reason, count in lost.items() if reason not in _PAST)

    @property
    def has_bytes(self) -> bool:
        """Whether anything has arrived since."""
        last = self.running.device.status.last_data if self.running.device else None
        return last is not None and last.uptime_ms >= self.uptime_ms


def found(tap: Tap, *, is_over: bool) -> Finding:
    """Return what is known by now. ``is_over``: the time is up, and what did not come will not."""
    new = tap.new
    said = _tag(new) if new["TagRead"] else _said(tap, new)
    if said is not None:
        return said
    if tap.has_bytes and isinstance(tap.running.settings, LineSettings):
        return Finding("failed", "found.meaningless") if is_over else Finding("arriving", "found.arriving")
    if not is_over:
        return waiting(tap.running.settings)
    # A device known not to work says so itself.
    return Finding(
        "failed", "found.down" if tap.running.state == "down" else f"{kind_of(tap.running.settings)}.nothing"
    )


def waiting(settings: DeviceSettings) -> Finding:
    """Return what to do at a device, while nothing has come."""
    return Finding("waiting", f"{kind_of(settings)}.waiting")


def _tag(new: Counter[str]) -> Finding:
    return Finding("passed", "found.refused" if new["refused"] else "found.tag")


def _said(tap: Tap, new: Counter[str]) -> Finding | None:
    """Return what was understood, if anything was.

    Read at a wrong baud rate, nearly all noise is printable and makes slips: then too many bytes are lost beside them.
    """
    slips = new["Receipt"] + new["Record"]
    if slips and tap.lost <= BAD_SHARE * (tap.lost + new["bytes"]):
        if new["order"]:
            return Finding("passed", "found.order")
        if new["textless"] == slips:
            return Finding("failed", "found.textless")
        return Finding("passed", "found.slip")
    for type_name, text in _SAID.items():
        if new[type_name] > new["Undecoded"]:
            return Finding("passed", f"found.{text}")
    return None
