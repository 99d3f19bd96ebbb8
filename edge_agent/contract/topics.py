"""MQTT topics. ``ROOT = o2o/1/{tenant}/{store}/{agent}``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one agent; all three parts are idents, so they never hold ``/``, ``+`` or ``#``."""

    tenant: str
    store: str
    agent: str

    @property
    def client_id(self) -> str:
        """The MQTT client id: one connection an agent; a second one takes the first one over."""
        return f"{self.tenant}.{self.store}.{self.agent}"

    @property
    def root(self) -> str:
        """The prefix of everything that belongs to this agent alone."""
        return f"o2o/1/{self.tenant}/{self.store}/{self.agent}"

    def up(self, stream: str) -> str:
        """Frames of one stream, agent to central, not retained."""
        return f"{self.root}/up/{stream}"

    @property
    def state(self) -> str:
        """Birth, clean stop and will, retained."""
        return f"{self.root}/state"

    @property
    def health(self) -> str:
        """The status document without amounts, retained."""
        return f"{self.root}/health"

    @property
    def ack(self) -> str:
        """Central's watermarks for this agent, retained."""
        return f"{self.root}/down/ack"

    @property
    def config(self) -> str:
        """The store config that head office wants, a signed envelope, retained."""
        return f"{self.root}/down/config"

    @property
    def reported(self) -> str:
        """What has become of it, retained."""
        return f"{self.root}/config/reported"

    @property
    def command(self) -> str:
        """Commands, signed envelopes, not retained."""
        return f"{self.root}/down/command"

    def reply(self, command_id: str) -> str:
        """Answers to one command, not retained."""
        return f"{self.root}/reply/{command_id}"


def dataset(tenant: str, store: str, name: str) -> str:
    """Return the topic of a dataset's signed manifest, retained; its chunks and deltas lie below it."""
    return f"o2o/1/{tenant}/{store}/down/dataset/{name}"


def parse_root(topic: str) -> tuple[Topics, str] | None:
    """Return the agent of a topic and what comes behind its root, or None for a topic of another shape."""
    match topic.split("/", 5):
        case ["o2o", "1", tenant, store, agent, rest] if store and agent != "down":
            return Topics(tenant, store, agent), rest
        case _:
            return None


def parse_up(topic: str) -> tuple[Topics, str] | None:
    """Return the agent and the stream of an ``up`` topic, or None for any other topic."""
    match topic.split("/"):
        case ["o2o", "1", tenant, store, agent, "up", stream]:
            return Topics(tenant, store, agent), stream
        case _:
            return None
