"""The reference central service's MQTT connection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.contract.messages import UNREADABLE, Ack, decode_ack
from edge_agent.contract.topics import Topics
from edge_agent.simulator.central_frames import Message

SESSION_SECONDS = 7 * 24 * 3600  # a long weekend without central keeps what the broker can hold
RECEIVE_MAXIMUM = 1_000  # frames the broker may have on the way to us unacknowledged


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker answered: frames flow from now on."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An acknowledgement the broker had retained, perhaps from before this database's backup."""

    agent: Topics
    ack: Ack


@dataclass(frozen=True, slots=True)
class Trouble:
    """The broker refused us, or somebody else's bytes are where an acknowledgement should be."""

    kind: str
    detail: str


Delivery = Message | Subscribed | Remembered | Trouble


class Link:
    """The connection; ``deliver`` is called on paho's own thread."""

    def __init__(self, deliver: Callable[[Delivery], None], client_id: str, tenant: str) -> None:
        self._deliver = deliver
        self._tenant = tenant
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: deliver(Subscribed())
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 5)

    def start(self, host: str, port: int) -> None:
        """Connect, now or as soon as the broker is there, and stay connected."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.SessionExpiryInterval = SESSION_SECONDS
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self._client.connect_async(host, port, keepalive=30, clean_start=False, properties=properties)
        self._client.loop_start()

    def login(self, username: str, password: str | None) -> None:
        """Name the broker account."""
        self._client.username_pw_set(username, password)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a retained acknowledgement."""
        self._client.publish(topic, payload, qos=1, retain=True)

    def stop(self) -> None:
        """Say goodbye to the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._deliver(Trouble("refused", str(reason)))
            return
        # Our own acknowledgements are wanted once, to see what an earlier life of this database had promised.
        client.subscribe(
            [
                (f"o2o/1/{self._tenant}/+/+/down/ack", SubscribeOptions(qos=1)),
                (f"o2o/1/{self._tenant}/+/+/up/+", SubscribeOptions(qos=1)),
            ]
        )

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        match message.topic.split("/"):
            case [_, _, tenant, store, agent, "down", "ack"]:
                if message.retain:
                    try:
                        self._deliver(Remembered(Topics(tenant, store, agent), decode_ack(message.payload)))
                    except UNREADABLE:
                        self._deliver(Trouble("bad_ack", message.topic))
            case _:
                pairs = getattr(message.properties, "UserProperty", [])
                self._deliver(Message(message.topic, dict(pairs), bytes(message.payload)))
