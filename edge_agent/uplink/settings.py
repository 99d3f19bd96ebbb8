"""What the uplink needs to know, already checked and read: config fills it in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_agent.config.agent import AgentSettings
from edge_agent.contract.topics import Topics


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Files of a TLS connection, PEM; read again at every connect, so that a renewed certificate needs no restart.

    ``ca_file`` None: the system's certificate authorities.
    """

    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """Where the broker is and who we are there. ``tls`` None means plaintext, which config allows only on purpose.

    ``keepalive``: seconds of silence before the broker is asked whether it is there. ``password``
    returns the secret, read again at every connect as well. It raises ConfigError when its file has gone.
    """

    host: str
    port: int
    client_id: str
    tls: TlsSettings | None = None
    username: str | None = None
    password: Callable[[], str | None] = lambda: None
    keepalive: int = 30
    connect_timeout: float = 10.0
    puback_timeout: float = 10.0  # contract section 4


def settings_of(agent: AgentSettings) -> UplinkSettings:
    """Return what agent.toml says of the connection."""
    mqtt = agent.mqtt

    def password() -> str | None:
        secret = mqtt.password()
        return secret.decode() if secret else None

    return UplinkSettings(
        host=mqtt.host,
        port=mqtt.port,
        client_id=Topics(agent.agent.tenant, agent.agent.store, agent.agent.id).client_id,
        tls=TlsSettings(mqtt.ca_file, mqtt.client_certificate, mqtt.client_key) if mqtt.tls else None,
        username=mqtt.username,
        password=password,
        keepalive=mqtt.keepalive,
    )


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when we vanish without a word."""

    topic: str
    payload: bytes
