"""What BlueZ and D-Bus say of one adapter, on a connection of their own: the scanner's own says nothing of its end.

BlueZ's doc/org.bluez.Adapter.rst; the D-Bus specification, "Match Rules" and "Standard Interfaces".
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from dbus_fast import BusType, Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusFastError

from edge_agent.errors import DeviceError

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
_DBUS = "org.freedesktop.DBus"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_DENIED = "org.freedesktop.DBus.Error.AccessDenied"
# That bluetoothd has gone is NameOwnerChanged's news; what comes with it is no error of its own.
_GONE = frozenset(f"{_DBUS}.Error.{name}" for name in ("NoReply", "ServiceUnknown", "NameHasNoOwner"))


class Watch:
    """The state of one adapter, kept up to date by signals.

    ``breaks``: how often something happened that ends every scanner that ran until then. ``stale``: bluetoothd has
    come and must be asked (``refresh``).
    """

    def __init__(self, bus: MessageBus, adapter: str, on_change: Callable[[], None], *, answer: float) -> None:
        """``on_change`` is called after every change; ``answer``: seconds BlueZ has for an answer."""
        self.breaks = 0
        self.stale = True
        self.discovering = False
        self.stopped_at = asyncio.get_running_loop().time()  # while not discovering: since when, by the loop's clock
        self._bus = bus
        self._adapter = adapter
        self._path = f"/org/bluez/{adapter}"
        self._on_change = on_change
        self._answer = answer
        self._service = False
        self._present = False
        self._powered = False
        self._signals = 0

    async def subscribe(self) -> None:
        """Have the bus send the signals: of bluetoothd and this adapter alone, never those of every device heard."""
        about = f"type='signal',sender='{BLUEZ}',interface="
        self._bus.add_message_handler(self._take)
        for rule in (
            f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
            f"{about}'{_OBJECTS}',member='InterfacesAdded',arg0path='{self._path}'",
            f"{about}'{_OBJECTS}',member='InterfacesRemoved',arg0path='{self._path}'",
            f"{about}'{_PROPERTIES}',member='PropertiesChanged',path='{self._path}'",
        ):
            await self._call(Message(_DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", signature="s", body=[rule]))

    def trouble(self) -> DeviceError | None:
        """Return what keeps any scanner from running, None if nothing is known to."""
        if not self._bus.connected:
            return DeviceError("no_bus", "the connection to the system's D-Bus was lost")
        if not self._service:
            return DeviceError("no_bluetoothd", "bluetoothd does not run: systemctl status bluetooth")
        if not self._present:
            return DeviceError("adapter_missing", f"there is no adapter {self._adapter}; is it plugged in?")
        if not self._powered:
            return DeviceError(
                "powered_off", f"{self._adapter} is switched off; rfkill list tells whether it is blocked"
            )
        return None

    async def refresh(self) -> None:
        """Ask for the present state. DeviceError ``no_answer``, ``permission`` or ``no_bus``."""
        while True:
            before = self._signals
            owner = await self._call(
                Message(_DBUS, "/org/freedesktop/DBus", _DBUS, "GetNameOwner", signature="s", body=[BLUEZ])
            )
            service = owner.message_type is MessageType.METHOD_RETURN
            found: dict[str, Any] | None = None
            if service:
                found = await self._properties()
            if self._signals == before:  # else a signal may be newer than the answer
                break
        self.stale = False
        self._service, self._present = service, found is not None
        self._powered = False
        # What an adapter does not tell of itself is taken as working: bleak's start says the rest.
        self._update({"Powered": True, "Discovering": True, **found} if found is not None else {})

    async def set_powered(self, *, on: bool) -> str:
        """Switch the adapter; return why it could not be, or nothing. DeviceError as ``refresh``."""
        reply = await self._call(self._property("Set", "ssv", [ADAPTER, "Powered", Variant("b", on)]))
        return "" if reply.message_type is MessageType.METHOD_RETURN else f"{reply.error_name}: {reply.body}"

    async def _properties(self) -> dict[str, Any] | None:
        """Return what the adapter says of itself; None: there is no such adapter."""
        reply = await self._call(self._property("GetAll", "s", [ADAPTER]))
        if reply.message_type is MessageType.METHOD_RETURN:
            return _plain(reply.body[0])
        # The way bleak asks: heavy where thousands of devices are known, and the only one of some stand-ins of BlueZ.
        reply = await self._call(Message(BLUEZ, "/", _OBJECTS, "GetManagedObjects", flags=MessageFlag.NO_AUTOSTART))
        objects = reply.body[0] if reply.message_type is MessageType.METHOD_RETURN else {}
        adapter = objects.get(self._path, {}).get(ADAPTER)
        return None if adapter is None else _plain(adapter)

    def _property(self, member: str, signature: str, body: list[Any]) -> Message:
        flags = MessageFlag.NO_AUTOSTART  # whether bluetoothd is to run is systemd's decision
        return Message(BLUEZ, self._path, _PROPERTIES, member, flags=flags, signature=signature, body=body)

    async def _call(self, message: Message) -> Message:
        if not self._bus.connected:
            raise DeviceError("no_bus", "the connection to the system's D-Bus was lost")
        try:
            async with asyncio.timeout(self._answer):
                reply = await self._bus.call(message)
        except TimeoutError:
            raise DeviceError("no_answer", f"{message.destination} does not answer: {message.member}") from None
        except (DBusFastError, OSError, EOFError) as error:
            raise DeviceError("no_bus", f"the connection to the system's D-Bus was lost: {error}") from error
        if reply is None:  # what dbus-fast makes of an orderly end of the connection
            raise DeviceError("no_bus", "the connection to the system's D-Bus was lost")
        if reply.error_name == _DENIED:
            raise DeviceError("permission", f"BlueZ may not be used: {reply.body}; see the D-Bus policy of {BLUEZ}")
        return reply

    def _take(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member, message.body:
            case "NameOwnerChanged", [str(name), str(), str(owner)] if name == BLUEZ:
                self._service, self._present, self._powered = bool(owner), False, False
                self.stale = bool(owner)
                self._update({"Discovering": False})
                self.breaks += 1
            case "InterfacesAdded", [str(path), dict(interfaces)] if path == self._path and ADAPTER in interfaces:
                self._present = True
                self._update(_plain(interfaces[ADAPTER]))
            case "InterfacesRemoved", [str(path), list(interfaces)] if path == self._path and ADAPTER in interfaces:
                self._present = self._powered = False
                self._update({"Discovering": False})
                self.breaks += 1
            case "PropertiesChanged", [str(interface), dict(changed), list()] if (
                message.path == self._path and interface == ADAPTER
            ):
                self._update(_plain(changed))
            case _:
                return
        self._signals += 1
        self._on_change()

    def _update(self, properties: dict[str, Any]) -> None:
        powered = bool(properties.get("Powered", self._powered))
        if self._powered and not powered:
            self.breaks += 1
        self._powered = powered
        discovering = bool(properties.get("Discovering", self.discovering))
        if self.discovering and not discovering:
            self.stopped_at = asyncio.get_running_loop().time()
        self.discovering = discovering


@asynccontextmanager
async def watching(adapter: str, on_change: Callable[[], None], *, answer: float) -> AsyncIterator[Watch]:
    """Watch an adapter while the context lasts. DeviceError ``no_bus``, ``permission`` or ``no_answer``."""
    try:
        async with asyncio.timeout(answer):
            bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except AuthError as error:
        raise DeviceError("permission", f"the system's D-Bus refuses this user: {error}") from error
    except TimeoutError:
        raise DeviceError("no_answer", "the system's D-Bus does not answer") from None
    except (DBusFastError, OSError, EOFError) as error:
        raise DeviceError("no_bus", f"the system's D-Bus cannot be reached: {error}") from error
    try:
        watch = Watch(bus, adapter, on_change, answer=answer)
        await watch.subscribe()
        await watch.refresh()
        yield watch
    finally:
        await disconnect(bus, within=answer)


async def disconnect(bus: MessageBus, *, within: float) -> None:
    """Close a connection and wait until it is; ``within``: seconds."""
    bus.disconnect()
    with suppress(DBusFastError, OSError, EOFError, TimeoutError):
        async with asyncio.timeout(within):
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast leaves it bare


def _plain(properties: dict[str, Variant]) -> dict[str, Any]:
    return {name: variant.value for name, variant in properties.items()}
