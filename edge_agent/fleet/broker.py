"""The connection to the broker: everything that edge-fleet knows and does goes through it."""

import getpass
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.fleet import reasons, tls
from edge_agent.fleet.errors import FleetError
from edge_agent.fleet.listening import Listening, Message, is_wild
from edge_agent.fleet.settings import FleetSettings
from edge_agent.fleet.terminal import note

CONNECT_S = 10.0
ACKNOWLEDGE_S = 60.0  # PUBACK or SUBACK, with a reconnect in between
SESSION_S = 300  # answers that arrive while the connection is lost wait so long at the broker
RECEIVE_MAXIMUM = 65_535  # the most there is: retained messages beyond it and the broker's queue would be dropped
IN_FLIGHT = 20  # messages on the way to the broker where it sets no limit: Mosquitto's own default
KEEPALIVE_S = 30

QUIET_S = 0.5  # retained messages come back to back: ten times what a slow line pauses in between
LIMIT_S = 60.0


class Broker:
    """A connection that comes back by itself; use ``connected``. Every method waits for the broker's answer.

    Callbacks run on paho's own thread; they only fill queues and dictionaries.
    """

    def __init__(self, settings: FleetSettings) -> None:
        """``settings``: where and as whom."""
        self.tenant = settings.tenant
        self._url = settings.url
        self._changed = threading.Condition()
        self._acknowledged: dict[int, Any] = {}
        self._subscribed: dict[int, list[Any]] = {}
        self._refused: str | None = None
        self._is_connected = False
        self._largest = 0
        self._window = IN_FLIGHT
        self._listeners: list[Listening] = []
        self._wanted: Counter[str] = Counter()
        self._client = self._made(settings)

    def open(self, settings: FleetSettings) -> None:
        """Connect. Raises FleetError in words."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        where = settings.broker
        try:
            self._client.connect(where.host, where.port, KEEPALIVE_S, properties=properties)
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be one
            raise FleetError(f"{self._url}: {reasons.of_error(error)}") from None
        self._client.loop_start()
        with self._changed:
            answered = self._changed.wait_for(lambda: self._is_connected or self._refused, CONNECT_S)
        if not self._is_connected:
            self.close()
            raise FleetError(f"{self._url}: {self._refused if answered else 'does not answer; is it an MQTT broker?'}")

    def close(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish a message; the broker has it when this returns. Raises FleetError with the reason in words."""
        self.publish_all([(topic, payload)], retain=retain)

    def publish_all(self, messages: Iterable[tuple[str, bytes]], *, retain: bool = False) -> None:
        """Publish many messages in order, as many at a time as the broker takes; as ``publish``."""
        under_way: dict[int, str] = {}
        for topic, payload in messages:
            if self._largest and len(payload) + len(topic) + 64 > self._largest:
                raise FleetError(f"{topic}: {len(payload)} bytes; the broker takes at most {self._largest}")
            if len(under_way) >= self._window:
                self._await_acknowledged(under_way)
            under_way[self._client.publish(topic, payload, qos=1, retain=retain).mid] = topic
        while under_way:
            self._await_acknowledged(under_way)

    @contextmanager
    def listen(self, filters: Sequence[str]) -> Iterator[Listening]:
        """Give what arrives on some filters, retained messages first, while the context lasts. Raises FleetError."""
        listening = Listening(filters)
        self._listeners.append(listening)
        try:
            self._subscribe(filters)
            yield listening
        finally:
            self._listeners.remove(listening)
            self._unsubscribe(filters)

    def collect(self, filters: Sequence[str], quiet_s: float = QUIET_S, limit_s: float = LIMIT_S) -> dict[str, bytes]:
        """Return the retained messages by topic: all that came before ``quiet_s`` seconds without one.

        A broker may drop some of thousands (Mosquitto: ``max_queued_messages``, 1,000 behind a slow line).
        """
        found: dict[str, bytes] = {}
        enough = len(filters) if not any(map(is_wild, filters)) else None
        deadline = time.monotonic() + limit_s
        with self.listen(filters) as listening:
            while (left := deadline - time.monotonic()) > 0 and (message := listening.get(min(quiet_s, left))):
                found[message.topic] = message.payload
                if len(found) == enough:
                    break
        if left <= 0:
            note(f"still receiving after {limit_s:.0f} s: what follows may not be all")
        return {topic: payload for topic, payload in found.items() if payload}

    def _made(self, settings: FleetSettings) -> mqtt.Client:
        # Two terminals of one operator are two connections, never one that takes the other's place.
        client_id = f"edge-fleet.{_user()}.{secrets.token_hex(4)}"
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(0)  # paho's own is kept by a scan of the whole list at every PUBACK
        client.reconnect_delay_set(1, 15)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password())
        if settings.broker.tls:
            client.tls_set_context(tls.context_of(settings))
        return client

    def _subscribe(self, filters: Sequence[str]) -> None:
        for wanted in filters:
            self._wanted[wanted] += 1
        _, mid = self._client.subscribe([(wanted, SubscribeOptions(qos=1)) for wanted in filters])
        if mid is None:
            return  # not connected just now: all that is wanted is subscribed on connecting
        with self._changed:
            if not self._changed.wait_for(lambda: mid in self._subscribed or not self._is_connected, ACKNOWLEDGE_S):
                raise FleetError(f"{self._url}: has stopped answering")
            codes = self._subscribed.pop(mid, [])
        for wanted, code in zip(filters, codes, strict=False):
            if code.value >= reasons.REFUSED:
                raise FleetError(f"{wanted}: {reasons.of_code(code)}")

    def _unsubscribe(self, filters: Sequence[str]) -> None:
        self._wanted.subtract(filters)
        if gone := [unwanted for unwanted in filters if self._wanted[unwanted] <= 0]:
            self._client.unsubscribe(gone)

    def _await_acknowledged(self, under_way: dict[int, str]) -> None:
        """Wait until some of what is under way has arrived. Raises FleetError."""
        with self._changed:
            if not self._changed.wait_for(lambda: under_way.keys() & self._acknowledged, ACKNOWLEDGE_S):
                raise FleetError(f"{self._url}: has stopped answering; unsure whether it has {len(under_way)} messages")
            done = {mid: self._acknowledged.pop(mid) for mid in under_way.keys() & self._acknowledged}
        for mid, code in done.items():
            topic = under_way.pop(mid)
            if code.value >= reasons.REFUSED:
                raise FleetError(f"{topic}: {reasons.of_code(code)}")

    def _on_connect(self, client: mqtt.Client, _data: Any, flags: Any, code: Any, properties: Any) -> None:
        with self._changed:
            if code.is_failure:
                # Mosquitto answers a wrong password like this, too.
                words = reasons.NO_LOGIN if code == 0x87 else reasons.of_code(code)
                self._refused = f"the broker refuses us: {words}"
            else:
                self._largest = getattr(properties, "MaximumPacketSize", 0)
                self._window = getattr(properties, "ReceiveMaximum", 65_535) if properties else IN_FLIGHT
                self._window = min(self._window, 10 * IN_FLIGHT)
                self._is_connected = True
            self._changed.notify_all()
        wanted = [one for one, count in tuple(self._wanted.items()) if count > 0]  # it may grow meanwhile
        if not code.is_failure and wanted and not flags.session_present:
            client.subscribe([(one, SubscribeOptions(qos=1)) for one in wanted])

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        with self._changed:
            if self._is_connected and code.is_failure:
                note(f"{self._url}: connection lost; it comes back by itself")
            self._is_connected = False
            # With TLS 1.3 a broker refuses a client's certificate only after the handshake.
            self._refused = self._refused or "the broker closed the connection; check url and client_certificate"
            self._changed.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        user = dict(getattr(message.properties, "UserProperty", ()))
        arrived = Message(message.topic, bytes(message.payload), user, message.retain)
        for listening in tuple(self._listeners):
            listening.put(arrived)

    def _on_publish(self, _client: Any, _data: Any, mid: int, code: Any, _properties: Any) -> None:
        with self._changed:
            self._acknowledged[mid] = code
            self._changed.notify_all()

    def _on_subscribe(self, _client: Any, _data: Any, mid: int, codes: list[Any], _properties: Any) -> None:
        with self._changed:
            self._subscribed[mid] = codes
            self._changed.notify_all()


@contextmanager
def connected(settings: FleetSettings) -> Iterator[Broker]:
    """Give a connection to the broker while the context lasts. Raises FleetError where there is none to be had."""
    broker = Broker(settings)
    broker.open(settings)
    try:
        yield broker
    finally:
        broker.close()


def _user() -> str:
    try:
        return "".join(letter for letter in getpass.getuser() if letter.isascii() and letter.isalnum()) or "operator"
    except (OSError, KeyError):  # a user without a name, in a container
        return "operator"
