"""fleet.toml: which broker, which chain of shops, whose key. Each line of it can also be an option."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from edge_agent.config import document as documents
from edge_agent.config.addresses import Broker, MqttUrl, is_loopback, parse_url
from edge_agent.config.document import Document
from edge_agent.config.explain import check
from edge_agent.config.files import ReadableFile, SecretFile, read_secret
from edge_agent.config.problems import Problem
from edge_agent.errors import ConfigError
from edge_agent.fields import Ident, Settings

FILE_VARIABLE = "EDGE_FLEET_CONFIG"

# What the option is called, where that is not its key with - for _.
_OPTIONS = {"key_file": "key"}
_FILES = frozenset({"ca_file", "password_file", "client_certificate", "client_key", "key_file", "passphrase_file"})


class FleetSettings(Settings):
    """The whole of fleet.toml. Secrets only ever by file."""

    url: MqttUrl
    tenant: Ident
    insecure: bool = False
    ca_file: ReadableFile | None = None
    client_certificate: ReadableFile | None = None
    client_key: SecretFile | None = None
    username: str | None = Field(default=None, min_length=1)
    password_file: SecretFile | None = None
    key_file: SecretFile | None = None
    key_id: Ident | None = None
    passphrase_file: SecretFile | None = None

    @property
    def broker(self) -> Broker:
        """What ``url`` says."""
        return parse_url(self.url)

    def password(self) -> str | None:
        """Read the password; None where none is configured. Raises ConfigError."""
        if self.password_file is None:
            return None
        try:
            return read_secret(self.password_file).decode()
        except UnicodeDecodeError:
            raise ConfigError(f"{self.password_file}: is not UTF-8 text") from None


@dataclass(frozen=True, slots=True)
class Options:
    """What stood before the command: ``file``: of --config; ``values``: by key of fleet.toml, None: not given."""

    file: Path | None = None
    values: Mapping[str, Any] | None = None


def load(options: Options, environment: Mapping[str, str] = os.environ) -> FleetSettings:
    """Return what fleet.toml and the options say; an option wins. Raises ConfigError with everything that is wrong."""
    file = find(options.file, environment)
    document = documents.read(file) if file else Document(Path("fleet.toml"), Path.cwd())
    given = {key: value for key, value in (options.values or {}).items() if value is not None}
    table = {**document.table, **{key: _absolute(key, value) for key, value in given.items()}}
    whole = replace(document, table=table)
    settings, problems = check(FleetSettings, table, whole)
    problems += _cross(whole)
    if problems or settings is None:
        lines = [_said(problem, given, file) for problem in problems]
        looked = _where_looked(environment) if not file and {"url", "tenant"} - table.keys() else []
        raise ConfigError("\n".join([*lines, *looked]))
    return settings


def find(named: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the file to read: the one that is named, else the first there is; None: there is none."""
    if named:
        return named
    if chosen := environment.get(FILE_VARIABLE):
        return Path(chosen)
    return next((path for path in _usual(environment) if path.is_file()), None)


def _usual(environment: Mapping[str, str]) -> tuple[Path, ...]:
    # XDG Base Directory Specification: $XDG_CONFIG_HOME, ~/.config where it is not set.
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/")) / ".config"
    return Path("fleet.toml"), Path(home) / "edge-fleet" / "fleet.toml"


def _where_looked(environment: Mapping[str, str]) -> list[str]:
    usual = " or ".join(map(str, _usual(environment)))
    return [f"there is no {usual}: write one, name one with --config, or give --url and --tenant before the command"]


def _absolute(key: str, value: Any) -> Any:
    """Take an option's file from where the operator stands, not from where fleet.toml lies."""
    return str(Path.cwd() / value) if key in _FILES else value


def _said(problem: Problem, given: Mapping[str, Any], file: Path | None) -> str:
    if file and problem.path not in given:
        return str(problem)
    option = "--" + _OPTIONS.get(problem.path, problem.path).replace("_", "-")
    return str(problem).replace(f"{problem.file}:{problem.line}: {problem.path}: ", f"{option}: ", 1)


def _cross(document: Document) -> Iterator[Problem]:
    table = document.table
    for one, other in (("client_certificate", "client_key"), ("client_key", "client_certificate")):
        if one in table and other not in table:
            yield document.problem((one,), f"needs {other}, too")
    if "password_file" in table and "username" not in table:
        yield document.problem(("password_file",), "needs username, too")
    url = table.get("url")
    if isinstance(url, str) and table.get("insecure") is not True and _is_plain(url):
        message = "mqtt:// sends everything in plain text to another machine: use mqtts://, or say insecure = true"
        yield document.problem(("url",), message)


def _is_plain(url: str) -> bool:
    try:
        broker = parse_url(url)
    except ValueError:  # told by the model
        return False
    return not broker.tls and not is_loopback(broker.host)
