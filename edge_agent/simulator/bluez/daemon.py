"""The face org.bluez shows on the bus: its objects, its methods, its signals.

AdvertisementMonitorManager1, passive scanning, is not there: BlueZ has it only with --experimental.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

from dbus_fast import BusType, DBusError, ErrorType, Message, MessageType, NameFlag, RequestNameReply
from dbus_fast.aio import MessageBus

from edge_agent.simulator.bluez.adapter import ADAPTER, Adapter
from edge_agent.simulator.bluez.device import DEVICE, Properties
from edge_agent.simulator.bluez.outbox import Outbox, bus_call

NAME = "org.bluez"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
FILTERS = ["UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData", "Discoverable", "Pattern"]

# BlueZ's main.conf, TemporaryTimeout: an unpaired device not heard for so long is forgotten.
EXPIRY_S = 30.0
_LEFT = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"


class Bluez:
    """bluetoothd's place on the bus: owns org.bluez while the process lives."""

    def __init__(self, expiry: float = EXPIRY_S) -> None:
        """``expiry``: seconds after which a device not heard is forgotten."""
        self.adapters: dict[str, Adapter] = {}
        self.expiry = expiry
        self._bus: MessageBus | None = None
        self._outbox: Outbox | None = None

    async def connect(self, address: str, names: list[str]) -> None:
        """Own org.bluez on the bus at ``address``, with the adapters ``names``. RuntimeError if somebody does."""
        bus = await MessageBus(bus_address=address, bus_type=BusType.SYSTEM).connect()
        self._bus, self._outbox = bus, Outbox(bus)
        self.adapters = {name: Adapter(name, self) for name in names if name}
        bus.add_message_handler(self._take)
        await bus.call(bus_call("org.freedesktop.DBus", "AddMatch", "s", _LEFT))
        if await bus.request_name(NAME, NameFlag.DO_NOT_QUEUE) is not RequestNameReply.PRIMARY_OWNER:
            raise RuntimeError(f"{NAME} is already owned on {address}")

    async def serve(self) -> None:
        """Serve until the bus is gone."""
        assert self._bus is not None
        assert self._outbox is not None
        async with asyncio.TaskGroup() as tasks:
            works = [tasks.create_task(work) for work in (self._outbox.run(), self._expire())]
            with suppress(OSError, EOFError):
                await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast leaves it bare
            for work in works:
                work.cancel()

    async def drained(self) -> None:
        """Wait until the bus has taken everything: the sender's back-pressure."""
        if self._outbox is not None:
            await self._outbox.drained()

    def add_adapter(self, name: str) -> None:
        """Plug an adapter in."""
        adapter = self.adapters[name] = Adapter(name, self)
        self.added(adapter.path, {ADAPTER: adapter.properties(), PROPERTIES: {}})

    def remove_adapter(self, name: str) -> None:
        """Pull an adapter out; its devices go with it."""
        adapter = self.adapters.pop(name)
        for address in list(adapter.devices):
            adapter.remove(address)
        self.removed(adapter.path, [ADAPTER, PROPERTIES])

    def changed(self, path: str, interface: str, changed: Properties, gone: list[str]) -> None:
        """Report PropertiesChanged."""
        self._send(Message.new_signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, gone]))

    def added(self, path: str, interfaces: Mapping[str, Properties]) -> None:
        """Report InterfacesAdded."""
        self._send(Message.new_signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces]))

    def removed(self, path: str, interfaces: list[str]) -> None:
        """Report InterfacesRemoved."""
        self._send(Message.new_signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, interfaces]))

    async def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, self.expiry / 4))
            for adapter in self.adapters.values():
                adapter.expire(loop.time() - self.expiry)

    def _send(self, message: Message) -> None:
        if self._outbox is not None:
            self._outbox.put(message)

    def _take(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            if not owner:
                for adapter in self.adapters.values():
                    adapter.leave(name)
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        try:
            answer = self._answer(message)
        except DBusError as error:
            answer = Message.new_error(message, error.type, error.text)
        if isinstance(answer, Message):
            self._send(answer)
        return answer is not None

    def _answer(self, message: Message) -> Message | Literal["never"] | None:
        """Return the answer, or None if the call is not for us."""
        match message.interface, message.member:
            case ("org.freedesktop.DBus.ObjectManager", "GetManagedObjects") if message.path == "/":
                return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects()])
            case ("org.freedesktop.DBus.Properties", member):
                return self._property(message, str(member))
            case ("org.bluez.Adapter1", member):
                return self._adapter(message, str(member))
        return None

    def _objects(self) -> dict[str, dict[str, Properties]]:
        objects: dict[str, dict[str, Properties]] = {"/org/bluez": {"org.bluez.AgentManager1": {}}}
        for adapter in self.adapters.values():
            objects[adapter.path] = {ADAPTER: adapter.properties(), PROPERTIES: {}}
            for device in adapter.devices.values():
                objects[device.path] = {DEVICE: device.properties(), PROPERTIES: {}}
        return objects

    def _property(self, message: Message, member: str) -> Message:
        properties = self._objects().get(str(message.path), {}).get(message.body[0])
        if properties is None:
            raise _unknown(message)
        if member == "GetAll":
            return Message.new_method_return(message, "a{sv}", [properties])
        name = message.body[1]
        if name not in properties:
            raise DBusError(ErrorType.INVALID_ARGS, f"No such property '{name}'")
        if member == "Get":
            return Message.new_method_return(message, "v", [properties[name]])
        if (message.body[0], name) != (ADAPTER, "Powered"):
            raise DBusError("org.freedesktop.DBus.Error.PropertyReadOnly", f"Property '{name}' is not writable")
        self._at(message).power(on=message.body[2].value)
        return Message.new_method_return(message)

    def _adapter(self, message: Message, member: str) -> Message | Literal["never"]:
        adapter = self._at(message)
        sender = str(message.sender)
        match member:
            case "StartDiscovery":
                return Message.new_method_return(message) if adapter.start(sender) else "never"
            case "StopDiscovery":
                adapter.stop(sender)
            case "SetDiscoveryFilter":
                adapter.set_filter(sender, message.body[0])
            case "GetDiscoveryFilters":
                return Message.new_method_return(message, "as", [FILTERS])
            case "RemoveDevice":
                path = str(message.body[0])
                if not adapter.remove(path.rpartition("dev_")[2].replace("_", ":")):
                    raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")
            case _:
                raise _unknown(message, ErrorType.UNKNOWN_METHOD)
        return Message.new_method_return(message)

    def _at(self, message: Message) -> Adapter:
        for adapter in self.adapters.values():
            if adapter.path == message.path:
                return adapter
        raise _unknown(message)


def _unknown(message: Message, error: ErrorType = ErrorType.UNKNOWN_OBJECT) -> DBusError:
    # The words of libdbus, bluetoothd's D-Bus library.
    said = f'Method "{message.member}" with signature "{message.signature}" on interface "{message.interface}"'
    return DBusError(error, f"{said} doesn't exist")
