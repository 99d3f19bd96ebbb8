"""Both files to one ``Config``, or to everything that is wrong with them."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent import decoders, receipts
from edge_agent.config import agent as agent_toml
from edge_agent.config import store as store_toml
from edge_agent.config.addresses import parse_listen
from edge_agent.config.agent import AgentSettings, PageSettings
from edge_agent.config.devices import (
    KINDS,
    READER_KINDS,
    DeviceSettings,
    TagReaderSettings,
    line_model,
)
from edge_agent.config.document import Document, read
from edge_agent.config.explain import check, keys
from edge_agent.config.files import others_can_read, read_keys
from edge_agent.config.problems import InvalidConfigError, Loc, Problem, RefusedError, closest, quoted
from edge_agent.config.references import check_agent, check_store
from edge_agent.config.store import StoreSettings
from edge_agent.contract.envelope import is_weak
from edge_agent.identities.sdm_keys import sdm_keys

DEFAULT_STORE_CONFIG = "store.toml"
MAX_TABLES = 1000  # of a kind: several times what the largest shop has; each is checked against all others
HASH_KEY_BYTES = 16  # 128 bits: what HMAC-SHA-256 keys have at least (NIST SP 800-107, 5.3.4: 112)


@dataclass(frozen=True, slots=True)
class Config:
    """What both files say.

    ``version``: of the store config: 0 is store.toml itself, others were pushed. ``store_bytes``: the exact bytes of
    store.toml or of the push's payload. ``fallback``: why this is not the newest that was committed; empty: it is.
    ``warnings``: what works but should not stay so.
    """

    agent: AgentSettings
    store: StoreSettings
    agent_file: Path
    store_file: Path
    store_bytes: bytes
    warnings: tuple[Problem, ...] = ()
    version: int = 0
    fallback: str = ""

    @property
    def store_sha256(self) -> str:
        """The hash (lower-case hex) by which head office knows this store config."""
        return hashlib.sha256(self.store_bytes).hexdigest()


def load(agent_file: Path) -> Config:
    """Return the configuration in agent.toml and the store.toml it names.

    Raises InvalidConfigError with the problems of both files.
    """
    problems: list[Problem] = []
    agent_document = _read(agent_file, problems)
    store_document = _store_document(agent_file, agent_document, problems)
    agent = _agent(agent_document, problems) if agent_document else None
    store = check_store_config(store_document, _page(agent_document), problems) if store_document else None
    problems += failed_samples(store_document, store) if store_document and store else ()
    if problems or not (agent and agent_document and store and store_document):
        raise InvalidConfigError(sorted(problems, key=lambda p: (p.file != agent_file, p.line, p.path)))
    exposed = _exposed(agent_document, agent_toml.secret_files(agent))
    warnings = (*exposed, *_forgeable(agent_document, agent), *warnings_of(store_document, store))
    return Config(agent, store, agent_file, store_document.file, store_document.data, warnings)


def check_store_config(
    document: Document, page: tuple[str, int] | None, problems: list[Problem]
) -> StoreSettings | None:
    """Return the settings in a store config and add to ``problems`` what is wrong; None: no settings to be had.

    ``page``: where the status page listens, if known. Each device is checked by the model of its kind and decoder, the
    rest as one.
    """
    before = len(problems)
    problems += _too_many(document)
    if len(problems) > before:
        return None
    rows = document.table.get("device")
    tables = rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None
    rest = {key: value for key, value in document.table.items() if key != "device" or tables is None}
    settings, found = check(StoreSettings, rest, document)
    problems += found
    devices = [_device(document, row, ("device", index), problems) for index, row in enumerate(tables or [])]
    problems += check_store(document, _shipped_templates(document), page)
    if settings is None:
        return None
    return settings.model_copy(update={"devices": tuple(device for device in devices if device)})


def _too_many(document: Document) -> Iterator[Problem]:
    for key, rows in document.table.items():
        if isinstance(rows, list) and len(rows) > MAX_TABLES:
            yield document.problem((key,), f"there are {len(rows)}", (f"{MAX_TABLES} or less",))


def failed_samples(document: Document, settings: StoreSettings) -> Iterator[Problem]:
    """Yield the samples of the config's own receipt templates that don't come out as they should."""
    for index, template in enumerate(settings.receipt_templates):
        for failure in receipts.check_samples(receipts.compile(template)):
            yield document.problem(("receipt_template", index, "samples"), " ".join(failure.split()))


def warnings_of(document: Document, store: StoreSettings) -> Iterator[Problem]:
    """Yield what works in a store config but should not stay so."""
    yield from _exposed(document, store_toml.secret_files(store))
    yield from _weak(document, store)


def _read(file: Path, problems: list[Problem]) -> Document | None:
    try:
        return read(file)
    except InvalidConfigError as error:
        problems += error.problems
        return None


def _store_document(agent_file: Path, agent: Document | None, problems: list[Problem]) -> Document | None:
    """Read the store config; where agent.toml is not valid TOML, the one that lies where it does by default."""
    box = agent.table.get("agent") if agent else None
    name = box.get("store_config", DEFAULT_STORE_CONFIG) if isinstance(box, dict) else DEFAULT_STORE_CONFIG
    if not isinstance(name, str) or not name or "\0" in name:
        name = DEFAULT_STORE_CONFIG
    file = agent_file.parent / name
    if not os.path.isfile(file):  # noqa: PTH113  Path.is_file raises where the folder cannot be entered
        if agent:
            shown = quoted(str(file), longest=4096)
            message = f"there is no file {shown}: write the store's configuration, or name another file"
            problems.append(agent.problem(("agent", "store_config"), message))
        return None
    return _read(file, problems)


def _agent(document: Document, problems: list[Problem]) -> AgentSettings | None:
    settings, found = check(AgentSettings, document.table, document)
    problems += found
    problems += check_agent(document)
    return settings


def _page(agent: Document | None) -> tuple[str, int] | None:
    page = agent.table.get("page", {}) if agent else None
    try:
        return parse_listen(page.get("listen", PageSettings().listen)) if isinstance(page, dict) else None
    except (RefusedError, AttributeError):
        return None


def _device(document: Document, table: Mapping[str, Any], at: Loc, problems: list[Problem]) -> DeviceSettings | None:
    before = len(problems)
    kind = _choice(document, table, "kind", tuple(KINDS), at, problems)
    decoder = None
    if kind not in READER_KINDS:
        decoder = _choice(document, table, "decoder", tuple(decoders.names()), at, problems)
    settings: DeviceSettings | None = None
    if kind in READER_KINDS:
        settings, found = check(READER_KINDS[kind], {**table, "kind": kind}, document, at)
    elif kind and decoder:
        settings, found = check(line_model(kind, decoder), {**table, "kind": kind, "decoder": decoder}, document, at)
    else:
        # Nobody knows which other keys would be right: look at those that every such device has.
        model = KINDS[kind] if kind else DeviceSettings
        common = {key: value for key, value in table.items() if key in keys(model) or key in model.LATER}
        _, found = check(model, common, document, at)
    reported = {problem.path for problem in problems[before:]}
    problems += [problem for problem in found if problem.path not in reported]
    return settings


def _choice(
    document: Document, table: Mapping[str, Any], key: str, names: tuple[str, ...], at: Loc, problems: list[Problem]
) -> str | None:
    """Return what is chosen, or was probably meant: so the rest of the table can be checked all the same."""
    value = table.get(key)
    suggestion = None
    if key not in table:
        message = "is required"
    elif not isinstance(value, str):
        message = "must be text in quotes"
    elif value in names:
        return value
    else:
        message = f"{quoted(value)} is not possible here"
        suggestion = closest(value, names)
    problems.append(document.problem((*at, key), message, names, suggestion))
    return suggestion


def _shipped_templates(document: Document) -> list[str]:
    """Return the names of the shipped templates, if anything here names a template: reading them costs time."""
    rows = document.table.get("device")
    named = any(isinstance(row, dict) and "templates" in row for row in (rows if isinstance(rows, list) else ()))
    return sorted(receipts.shipped()) if named else []


def _forgeable(document: Document, agent: AgentSettings) -> Iterator[Problem]:
    """Yield public keys that are none."""
    for index, key in enumerate(agent.trust.keys):
        if is_weak(key.key):
            message = "anybody can sign for such a key, so nothing it signs is believed; write the operator's"
            yield document.problem(("trust", "keys", index, "key"), message)


def _weak(document: Document, store: StoreSettings) -> Iterator[Problem]:
    """Yield keys that anybody can guess."""
    key = store.privacy.hash_key()
    if key is not None and len(key) < HASH_KEY_BYTES:
        message = f"has {len(key)} bytes: hashes can be undone by trying keys; use {HASH_KEY_BYTES} random ones or more"
        yield document.problem(("privacy", "hash_key_file"), message)
    for index, device in enumerate(store.devices):
        if isinstance(device, TagReaderSettings) and device.sdm_keys_file:
            keys = read_keys(device.sdm_keys_file, sdm_keys)
            if not any(keys.meta) or not any(keys.file):
                message = "holds a key of zeros, as tags have them when they are sold: anybody can forge such a tag"
                yield document.problem(("device", index, "sdm_keys_file"), message)


def _exposed(document: Document, secrets: Mapping[Loc, Path]) -> Iterator[Problem]:
    for loc, path in secrets.items():
        if others_can_read(path):
            yield document.problem(loc, f"every user of this machine can read {path}: chmod 640 it")
