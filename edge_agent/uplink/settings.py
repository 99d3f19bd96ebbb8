"""What the uplink needs to know, already checked and read: config fills it in."""

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

    ``keepalive``: seconds of silence before the broker is asked whether it is there. ``password``: the secret itself.
    """

    host: str
    port: int
    client_id: str
    tls: TlsSettings | None = None
    username: str | None = None
    password: str | None = None
    keepalive: int = 30
    connect_timeout: float = 10.0
    puback_timeout: float = 10.0  # contract section 4


def settings_of(agent: AgentSettings) -> UplinkSettings:
    """Return what agent.toml says of the connection. Raises ConfigError when the password's file has gone."""
    mqtt = agent.mqtt
    password = mqtt.password()
    return UplinkSettings(
        host=mqtt.host,
        port=mqtt.port,
        client_id=Topics(agent.agent.tenant, agent.agent.store, agent.agent.id).client_id,
        tls=TlsSettings(mqtt.ca_file, mqtt.client_certificate, mqtt.client_key) if mqtt.tls else None,
        username=mqtt.username,
        password=password.decode() if password else None,
        keepalive=mqtt.keepalive,
    )


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when we vanish without a word."""

    topic: str
    payload: bytes
