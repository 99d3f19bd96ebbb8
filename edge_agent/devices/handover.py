"""Open ports and connections on their way from the devices of one generation to those of the next."""

from collections.abc import Callable, Collection, Hashable
from typing import TypeVar

import structlog

from edge_agent.config.devices import DeviceSettings, SerialSettings, TcpListenSettings, TcpSettings

log = structlog.get_logger()

T = TypeVar("T")


class Handover:
    """What was left open by devices that ended for the next generation's sake, by where it leads and how it is set."""

    def __init__(self) -> None:
        self._left: dict[Hashable, tuple[object, Callable[[], None]]] = {}
        self._wanted: Collection[Hashable] = ()

    def begin(self, wanted: Collection[Hashable]) -> None:
        """From now on devices that end leave open what the next generation wants; else they end for good.

        What was left earlier and taken by nobody is closed, unless that one wants it.
        """
        self._wanted = wanted
        for key in self._left.keys() - set(wanted):
            self._left.pop(key)[1]()

    def leave(self, key: Hashable, thing: object, close: Callable[[], None]) -> bool:
        """Leave an open thing, and return whether it is wanted; ``close``: closes it if nobody takes it, read empty."""
        if key not in self._wanted:
            return False
        self._left[key] = thing, close
        return True

    def end(self) -> None:
        """The generation has ended: devices that end from now on, end for good."""
        self._wanted = ()
        if self._left:
            log.info("lines_handed_over", count=len(self._left))

    def take(self, key: Hashable, kind: type[T]) -> T | None:
        """Return what was left under a key, or None: then it is to be opened."""
        thing, _ = self._left.pop(key, (None, None))
        return thing if isinstance(thing, kind) else None

    def close(self) -> None:
        """Close what nobody took."""
        self.begin(())


def key_of(settings: DeviceSettings) -> Hashable | None:
    """Return what a device's line leads to and how it is set: alike, it may be taken over. None: it is no line."""
    match settings:
        case SerialSettings():
            return (
                "serial", settings.port, settings.baudrate, settings.bytesize, settings.parity, settings.stopbits,
                settings.xonxoff, settings.rtscts, settings.passthrough,
            )  # fmt: skip
        case TcpSettings():
            return "tcp", settings.host, settings.port
        case TcpListenSettings():
            return "tcp-listen", settings.listen
        case _:
            return None
