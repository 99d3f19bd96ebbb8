"""agent.toml: what the box needs to reach home."""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from edge_agent.config.addresses import Broker, ListenAddress, MqttUrl, is_host, parse_listen, parse_url
from edge_agent.config.files import FilePath, ReadableFile, SecretFile, read_secret
from edge_agent.config.problems import Loc, RefusedError
from edge_agent.fields import Ident, Settings

_PUBLIC_KEY_BYTES = 32  # RFC 8032, section 5.1.5


class BoxSettings(Settings):
    """``[agent]``: who this box is and where it keeps what it must not forget."""

    tenant: Ident
    store: Ident
    id: Ident
    state_dir: FilePath
    store_config: str = Field(default="store.toml", min_length=1)


class MqttSettings(Settings):
    """``[mqtt]``: head office's broker."""

    url: MqttUrl
    insecure: bool = False
    ca_file: ReadableFile | None = None
    client_certificate: ReadableFile | None = None
    client_key: SecretFile | None = None
    username: str | None = Field(default=None, min_length=1)
    password_file: SecretFile | None = None
    keepalive: int = Field(default=30, ge=1, le=3600)  # seconds; MQTT's 0 would never notice a dead link
    acknowledge: Literal["central", "broker"] = "central"
    compression: Literal["zstd", "none"] = "zstd"

    @property
    def broker(self) -> Broker:
        """What ``url`` says."""
        return parse_url(self.url)

    @property
    def host(self) -> str:
        """The broker's host."""
        return self.broker.host

    @property
    def port(self) -> int:
        """The broker's port: 1883 or, with TLS, 8883 where the url names none."""
        return self.broker.port

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.broker.tls

    def password(self) -> bytes | None:
        """Read the password, or return None where none is configured. Raises ConfigError when its file has gone."""
        return read_secret(self.password_file) if self.password_file else None


def _host_name(value: str) -> str:
    if not is_host(value):
        raise RefusedError("must be a host's name, without scheme and port")
    return value


class PageSettings(Settings):
    """``[page]``: the status page. ``certificate`` and ``key`` (PEM) make it https."""

    listen: ListenAddress = "127.0.0.1:8080"
    allowed_hosts: tuple[Annotated[str, AfterValidator(_host_name)], ...] = ()
    support_phone: str = ""
    language: Literal["zh", "en"] = "zh"
    certificate: ReadableFile | None = None
    key: SecretFile | None = None

    @property
    def host(self) -> str:
        """The address to listen on."""
        return parse_listen(self.listen)[0]

    @property
    def port(self) -> int:
        """The port to listen on; 0: any free one."""
        return parse_listen(self.listen)[1]


def _public_key(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        key = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be an Ed25519 public key in base64") from None
    if len(key) != _PUBLIC_KEY_BYTES:
        raise ValueError(f"must be an Ed25519 public key: {_PUBLIC_KEY_BYTES} bytes in base64, these are {len(key)}")
    return key


class TrustedKey(Settings):
    """One public key (raw, 32 bytes) and what it may sign."""

    id: Ident
    key: Annotated[bytes, BeforeValidator(_public_key, json_schema_input_type=str)]
    roles: tuple[Literal["config", "command", "dataset", "update"], ...] = Field(min_length=1)


class TrustSettings(Settings):
    """``[trust]``: whose signatures this box believes."""

    keys: tuple[TrustedKey, ...] = ()


class AgentSettings(Settings):
    """The whole of agent.toml. A pushed config never changes it."""

    agent: BoxSettings
    mqtt: MqttSettings
    page: PageSettings = PageSettings()
    trust: TrustSettings = TrustSettings()


def secret_files(settings: AgentSettings) -> dict[Loc, Path]:
    """Return the files that nobody but the agent should read, by where the configuration names them."""
    named: dict[Loc, Path | None] = {
        ("mqtt", "client_key"): settings.mqtt.client_key,
        ("mqtt", "password_file"): settings.mqtt.password_file,
        ("page", "key"): settings.page.key,
    }
    return {loc: path for loc, path in named.items() if path is not None}
