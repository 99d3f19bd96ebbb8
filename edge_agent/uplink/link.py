"""One live MQTT connection on the asyncio loop."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from paho.mqtt import client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.errors import LinkError
from edge_agent.log import defect
from edge_agent.uplink.connect import close, connect
from edge_agent.uplink.pulse import Pulse
from edge_agent.uplink.reasons import REFUSED, code_of
from edge_agent.uplink.settings import UplinkSettings, Will
from edge_agent.uplink.wire import Packed, pack_properties, tcp_flow

# Un-acknowledged publishes at a time: beyond about 100 more of them bring no more throughput (measured at 0..50 ms).
MAX_WINDOW = 100
MAX_PACKET = 268_435_460  # MQTT 5, section 2.1.4: the largest packet there is
TICK_SECONDS = 1.0  # a frozen broker is noticed after 10 s to 11 s, with something outstanding
GOODBYE_SECONDS = 2.0
_UNREADABLE = 0x82  # what paho says of its own when it cannot read a packet

Done = Callable[[int], None]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Message:
    """What came in. ``retained``: it was published before we subscribed."""

    topic: str
    payload: bytes
    retained: bool


class Link:
    """A connection that the broker has accepted; unusable once lost, the next one is another Link.

    ``max_packet``: bytes, the broker's Maximum Packet Size. ``window``: publishes that may wait for their PUBACK, at
    most the broker's Receive Maximum. Whoever publishes keeps ``room`` above zero.
    """

    def __init__(self, client: mqtt.Client, puback_seconds: float) -> None:
        """Use ``open_link`` to make one."""
        self.max_packet = MAX_PACKET
        self.window = MAX_WINDOW
        self.outstanding_bytes = 0
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._connack: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[LinkError] = self._loop.create_future()
        self._outstanding: dict[int, tuple[Done, int]] = {}
        self._subscribing: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._room = asyncio.Event()
        now = self._loop.time()
        self._pulse = Pulse(puback_seconds, client.keepalive, moved_at=now, heard_at=now)
        self._sock: Any = None
        self._writer_added = False
        self._write_soon: asyncio.Handle | None = None

    @property
    def outstanding(self) -> int:
        """Publishes without a PUBACK."""
        return len(self._outstanding)

    @property
    def room(self) -> int:
        """Publishes that may be made now."""
        return self.window - len(self._outstanding)

    def payload_room(self, topic: str, properties: Sequence[tuple[str, str]], content_type: str | None) -> int:
        """Return the bytes of payload that fit into the broker's Maximum Packet Size beside these headers."""
        # MQTT 5, section 3.3: type, remaining length (4 at most), topic, packet identifier, properties, payload.
        headers = 1 + 4 + 2 + len(topic.encode()) + 2 + len(pack_properties(properties, content_type))
        return self.max_packet - headers

    def send(
        self,
        topic: str,
        payload: bytes,
        done: Done,
        *,
        retain: bool = False,
        properties: Sequence[tuple[str, str]] = (),
        content_type: str | None = None,
    ) -> None:
        """Publish with QoS 1 and call ``done`` with the reason code of its PUBACK; never called once the link is lost.

        Needs ``room``. Takes about 50 µs and never waits. Raises LinkError when the link is lost.
        """
        if self._lost.done():
            raise self._lost.result()
        packed = Packed(pack_properties(properties, content_type))
        # paho asks its ``properties`` for nothing but ``pack()``; its own class takes 37 µs to say the same bytes.
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=cast("Properties", packed))
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise self._fail("closed", mqtt.error_string(info.rc))
        if not self._outstanding:
            self._pulse.moved_at = self._loop.time()
        self._outstanding[info.mid] = done, len(payload)
        self.outstanding_bytes += len(payload)
        self._write()  # now, before whatever else has been woken by what is sent here

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Publish, waiting for room, and return the PUBACK's reason code."""
        while self.room <= 0:
            self._room.clear()
            await self._room.wait()
        acknowledged: asyncio.Future[int] = self._loop.create_future()
        self.send(topic, payload, _resolve(acknowledged), retain=retain)
        return await acknowledged

    async def subscribe(self, topic_filter: str, deliver: Callable[[Message], None]) -> None:
        """Subscribe with QoS 1; ``deliver`` is called on the loop for each message and must not wait or raise.

        Returns when the broker has agreed. Raises LinkError with the broker's reason when it has not. One that says
        nothing is a lost link (``watch``).
        """

        def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            try:
                deliver(Message(message.topic, bytes(message.payload), message.retain))
            except Exception as error:  # noqa: BLE001 - it would leave paho in the middle of a packet, for ever
                defect("message_crashed", error, topic=topic_filter)

        self._client.message_callback_add(topic_filter, on_message)
        status, mid = self._client.subscribe(topic_filter, options=SubscribeOptions(qos=1))
        if status != mqtt.MQTT_ERR_SUCCESS or mid is None:
            raise self._fail("closed", mqtt.error_string(status))
        answer: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._subscribing[mid] = answer
        self._pulse.asked_at = self._loop.time()
        for code in await answer:
            if code.value >= REFUSED:
                raise LinkError(code_of(code.value), f"subscribe {topic_filter}")

    async def watch(self, tick: Callable[[], None]) -> None:
        """Keep the connection alive and call ``tick`` every second. Raises LinkError as soon as it is lost."""
        while not self._lost.done():
            await _first_of(TICK_SECONDS, self._lost)
            self._client.loop_misc()
            self._check_pulse()
            tick()
        raise self._lost.result()

    async def goodbye(self, topic: str, payload: bytes) -> None:
        """Publish a last retained message and disconnect cleanly, within 2 s; then close in any case."""
        acknowledged: asyncio.Future[int] = self._loop.create_future()
        deadline = self._loop.time() + GOODBYE_SECONDS
        with contextlib.suppress(LinkError):
            self.send(topic, payload, _resolve(acknowledged), retain=True)
            await _first_of(GOODBYE_SECONDS, acknowledged, self._lost)
        await self.disconnect(deadline - self._loop.time())

    async def disconnect(self, seconds: float) -> None:
        """Disconnect cleanly, so that the broker drops the will, and close after at most ``seconds``."""
        self._client.disconnect()
        await _first_of(max(seconds, 0.0), self._lost)
        self.close()

    def close(self) -> None:
        """Close at once; the broker will publish the will."""
        self._detach()
        close(self._client)

    async def accepted(self, seconds: float) -> None:
        """Wait for the broker's CONNACK and take over its limits. Raises LinkError with the broker's reason."""
        self._attach()
        await _first_of(seconds, self._connack, self._lost)
        if self._lost.done():
            raise self._lost.result()
        if not self._connack.done():
            raise LinkError("timeout", "no CONNACK")

    # --- paho's side ---

    def _attach(self) -> None:
        client = self._client
        self._sock = client.socket()
        if self._sock is None:
            raise LinkError("closed", "before CONNACK")
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = lambda _c, _d, mid, codes, _p: _resolve(self._subscribing.pop(mid))(codes)
        client.on_socket_close = lambda *_: self._detach()
        client.on_socket_register_write = lambda *_: self._want_write()
        client.on_socket_unregister_write = lambda *_: self._remove_writer()
        self._loop.add_reader(self._sock, self._read)
        if client.want_write():
            self._want_write()

    def _detach(self) -> None:
        if self._sock is not None:
            self._remove_writer()
            self._loop.remove_reader(self._sock)
            self._sock = None

    def _read(self) -> None:
        self._pulse.heard_at = self._loop.time()
        try:
            self._client.loop_read()
            # What OpenSSL has decrypted already makes no descriptor readable.
            while isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
                self._client.loop_read()
        except Exception as error:  # noqa: BLE001 - paho raises what it stumbles over, and is then lost in the stream
            self._detach()
            self._fail("not_mqtt", type(error).__name__)

    def _want_write(self) -> None:
        # Nearly always the socket takes everything: one attempt after this turn of the loop saves two epoll_ctl calls.
        if self._write_soon is None:
            self._write_soon = self._loop.call_soon(self._write)

    def _write(self) -> None:
        if self._write_soon is not None:
            self._write_soon.cancel()
            self._write_soon = None
        if self._sock is None:
            return
        self._client.loop_write()
        if self._sock is not None and self._client.want_write() and not self._writer_added:
            self._loop.add_writer(self._sock, self._write)
            self._writer_added = True

    def _remove_writer(self) -> None:
        if self._writer_added:
            self._loop.remove_writer(self._sock)
            self._writer_added = False

    def _on_connect(self, _c: mqtt.Client, _data: Any, _f: Any, reason: ReasonCode, limits: Properties | None) -> None:
        if reason.value >= REFUSED:
            self._fail(code_of(reason.value), "CONNACK")
            return
        self._pulse.keepalive = self._client.keepalive  # the broker may have set another one
        self.max_packet = getattr(limits, "MaximumPacketSize", MAX_PACKET)
        self.window = min(getattr(limits, "ReceiveMaximum", 65_535), MAX_WINDOW)
        if not getattr(limits, "RetainAvailable", 1):
            self._fail(code_of(0x9A), "CONNACK")
        elif getattr(limits, "MaximumQoS", 1) < 1:
            self._fail(code_of(0x9B), "CONNACK")
        elif not self._connack.done():
            self._connack.set_result(None)

    def _on_disconnect(self, _client: mqtt.Client, _data: Any, flags: Any, reason: ReasonCode, _limits: Any) -> None:
        told = flags.is_disconnect_packet_from_server and reason.value >= REFUSED
        before = "" if self._connack.done() else "before CONNACK"
        unreadable = not flags.is_disconnect_packet_from_server and reason.value == _UNREADABLE
        self._fail(code_of(reason.value) if told else "not_mqtt" if unreadable else "closed", before)

    def _on_publish(self, _client: mqtt.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        self._pulse.moved_at = self._loop.time()
        done, size = self._outstanding.pop(mid)
        self.outstanding_bytes -= size
        self._room.set()
        done(reason.value)

    def _check_pulse(self) -> None:
        now = self._loop.time()
        if self._sock is not None and (self._outstanding or self._subscribing):
            self._pulse.flow(now, *tcp_flow(self._sock))
        if why := self._pulse.lost(now, len(self._outstanding), len(self._subscribing)):
            self._fail("no_puback", why)

    def _fail(self, reason: str, detail: str) -> LinkError:
        if not self._lost.done():
            self._lost.set_result(LinkError(reason, detail))
        return self._lost.result()


async def open_link(settings: UplinkSettings, will: Will | None = None) -> Link:
    """Connect and return the accepted link; ``will`` is what the broker publishes when we vanish. Raises LinkError."""
    link = Link(await connect(settings, will), settings.puback_timeout)
    try:
        await link.accepted(settings.connect_timeout)
    except BaseException:
        link.close()
        raise
    return link


async def probe(settings: UplinkSettings) -> None:
    """Connect and leave again, to see whether the broker accepts us. Raises LinkError.

    It would take over the connection of a running agent with these settings.
    """
    link = await open_link(settings)
    await link.disconnect(GOODBYE_SECONDS)


async def _first_of(seconds: float, *futures: asyncio.Future[Any]) -> None:
    """Wait until one of them is done, at most for so long; none is cancelled."""
    await asyncio.wait(futures, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


def _resolve(future: asyncio.Future[_T]) -> Callable[[_T], None]:
    return lambda value: None if future.done() else future.set_result(value)
