"""`edge-agent teach`: a few captures of a layout nobody knows to a proposed template."""

import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from edge_agent import decoders
from edge_agent.commands.decode import decoder_settings
from edge_agent.config import Config
from edge_agent.config.devices import LineSettings
from edge_agent.config.pushed import load_as_seen
from edge_agent.config.shop import template_set
from edge_agent.errors import ConfigError
from edge_agent.observations import Decoded, Receipt
from edge_agent.receipts.teach import Lesson, teach
from edge_agent.receipts.template import MoneyRole, TenderType
from edge_agent.redact import Redactor
from edge_agent.storage.captures import Captures
from edge_agent.storage.settings import StorageSettings

_DEFAULT_DECODER = "escpos"
_DEFAULT_NAME = "taught"
_ROLES = (*get_args(TenderType), *get_args(MoneyRole))
_IDENT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def teach_from(
    files: Sequence[Path],
    *,
    config: Path | None,
    device: str | None,
    name: str,
    currency: str | None = None,
    labels: Sequence[str] = (),
    force: bool = False,
) -> Lesson:
    """Return what the slips in files teach: captures (``.zst``), text (``.txt``) or a printer line's raw bytes.

    ``labels``: ``LABEL=ROLE``, what a person knows of them. Personal data is redacted before anything looks at it.
    Raises ConfigError for an unknown device or role, a bad name or a file that cannot be read.
    """
    if not _IDENT.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for a template (allowed: a-z, 0-9 and -)")
    known_labels = dict(map(_label, labels))
    loaded = load_as_seen(config) if config else None
    decoder = _decoder_of(loaded, device)
    settings, _ = decoder_settings(decoder, loaded, device)
    store = loaded.store if loaded else None
    redactor = Redactor((store.privacy.hash_key() if store else None) or secrets.token_bytes(32))
    captures: list[tuple[str, ...]] = []
    for file in files:
        slips = list(_slips(file, decoder, settings))
        if not slips:
            raise ConfigError(f"{file}: no slip with text in it (wrong decoder or encoding? see --device)")
        captures += [redactor.redact_lines(rows).lines for rows in slips]
    available = template_set(store.receipt_templates if store else ())
    wanted = getattr(settings, "templates", None) or available
    templates = [available[known] for known in wanted if known != name]
    currency = currency or (store.store.currency if store else "CNY")
    return teach(captures, templates, currency, name=name, labels=known_labels, force=force)


def name_for(out: Path | None) -> str:
    """Return what to call the template where nobody says: the name of the file it goes to, if it may be one."""
    stem = out.stem.lower() if out else ""
    return stem if _IDENT.fullmatch(stem) else _DEFAULT_NAME


def _label(said: str) -> tuple[str, str]:
    label, _, role = said.rpartition("=")
    if not label.strip() or role not in _ROLES:
        raise ConfigError(f"--label {said!r}: write LABEL=ROLE (allowed roles: {', '.join(_ROLES)})")
    return label.strip(), role


def _decoder_of(config: Config | None, device: str | None) -> str:
    lines = [line for line in (config.store.devices if config else ()) if isinstance(line, LineSettings)]
    return next((line.decoder for line in lines if line.id == device), _DEFAULT_DECODER)


def _slips(file: Path, decoder: str, settings: object) -> Iterator[tuple[str, ...]]:
    """Yield the rows of every slip in a file."""
    data = _bytes_of(file)
    if file.suffix == ".txt":
        try:
            yield tuple(row.rstrip() for row in data.decode().splitlines())
        except UnicodeDecodeError as error:
            raise ConfigError(f"{file}: not UTF-8 text; give the printer's bytes another suffix") from error
        return
    running = decoders.create(decoder, settings)
    seen: list[Decoded] = [*running.feed(data), *running.idle()]
    yield from (observation.lines for observation in seen if isinstance(observation, Receipt) and observation.lines)


def _bytes_of(file: Path) -> bytes:
    try:
        if file.suffix != ".zst":
            return file.read_bytes()
        file.stat()
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        raise ConfigError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    body = Captures(file.parent, StorageSettings(capture_days=0), 0).read(file.stem)
    if body is None:
        raise ConfigError(f"{file}: not a capture, or damaged: its bytes are not those it is named after")
    return body
