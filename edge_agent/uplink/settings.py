"""What the uplink needs to know, already checked and read: config fills it in."""

from dataclasses import dataclass
from pathlib import Path


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


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when we vanish without a word."""

    topic: str
    payload: bytes
