"""What arrives from the broker, for those who wait for it."""

import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from paho.mqtt import client as mqtt


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived. ``retained``: it lay there already; ``user``: MQTT 5 user properties."""

    topic: str
    payload: bytes
    user: dict[str, str] = field(default_factory=dict)
    retained: bool = False


class Listening:
    """What arrives on some topic filters, in order."""

    def __init__(self, filters: Sequence[str]) -> None:
        """Use ``Broker.listen``."""
        self._topics = {wanted for wanted in filters if not is_wild(wanted)}
        self._filters = [wanted for wanted in filters if is_wild(wanted)]
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def put(self, message: Message) -> None:
        """Take a message if it is one of those wanted."""
        topic = message.topic
        if topic in self._topics or any(mqtt.topic_matches_sub(wanted, topic) for wanted in self._filters):
            self._queue.put(message)

    def get(self, timeout: float | None = None) -> Message | None:
        """Return the next message, or None where none comes within ``timeout`` seconds; None: waits for ever."""
        try:
            return self._queue.get(block=timeout != 0, timeout=timeout)
        except queue.Empty:
            return None

    @property
    def waiting(self) -> int:
        """How many have arrived that were not taken yet."""
        return self._queue.qsize()

    def skip(self, count: int) -> int:
        """Throw away the oldest ``count`` messages; return how many there were."""
        for skipped in range(count):
            if self.get(0) is None:
                return skipped
        return count

    def __iter__(self) -> Iterator[Message]:
        """Yield messages for ever."""
        while True:
            yield self._queue.get()


def is_wild(topic: str) -> bool:
    """Tell whether a topic filter has wildcards."""
    return "+" in topic or "#" in topic
