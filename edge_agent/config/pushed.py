"""A pushed store config: the same model as store.toml, from JSON."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.config.document import Document
from edge_agent.config.load import Config, check_store_config, failed_samples, load, warnings_of
from edge_agent.config.problems import InvalidConfigError, Problem
from edge_agent.config.shelf import Line, Shelf
from edge_agent.contract.messages import UNREADABLE
from edge_agent.contract.remote import ConfigId, ConfigPush
from edge_agent.errors import StorageError

_FILE = Path("config")  # the key of the push in which the store config stands


class FailedSamplesError(InvalidConfigError):
    """The config is valid, and the samples of its own receipt templates or scenes don't come out as they should."""


def apply_push(files: Config, payload: bytes) -> Config:
    """Return the configuration with a pushed store config in the place of store.toml.

    ``files``: what both files say. ``payload``: the exact bytes of a ``ConfigPush`` that has been verified. Relative
    paths in it are taken from store.toml's folder. Raises FailedSamplesError, InvalidConfigError with all problems
    (their file is ``config``, their line 1: a person reads their paths). May run in a thread.
    """
    push = _decoded(payload)
    page = files.agent.page
    document = Document(_FILE, files.store_file.parent.absolute(), payload, push.config)
    problems: list[Problem] = []
    store = check_store_config(document, (page.host, page.port), problems)
    failed = list(failed_samples(document, store)) if store else []
    if failed and not problems:
        raise FailedSamplesError(failed)
    if problems or store is None:
        raise InvalidConfigError([*problems, *failed])
    return replace(
        files,
        store=store,
        store_bytes=payload,
        warnings=(*_of_agent_file(files), *warnings_of(document, store)),
        version=push.version,
        fallback="",
    )


def load_in_force(agent_file: Path, *, on_trial: bool = False) -> Config:
    """Return the configuration that is in force: the last known good push, else store.toml as it lies there.

    ``on_trial``: the one on trial, if there is one. A push that cannot be used any more (its bytes are damaged, a file
    that it names has gone) falls back to the one before it, then to store.toml; ``Config.fallback`` says why.
    Raises InvalidConfigError with the problems of the files, StorageError where this user may not read the pushes.
    """
    return in_force(load(agent_file), on_trial=on_trial)


def load_as_seen(agent_file: Path) -> Config:
    """Return what ``load_in_force`` does, for a person who looks at a box.

    Where this user may not read what was pushed, it is what both files say; ``Config.fallback`` tells so. Raises
    InvalidConfigError with the problems of the files.
    """
    files = load(agent_file)
    try:
        return in_force(files)
    except StorageError as error:
        return replace(files, fallback=f"it cannot be told whether a pushed config is in force: {error}")


def in_force(files: Config, *, on_trial: bool = False) -> Config:
    """Return the configuration that is in force, of a box whose files have been read; as ``load_in_force`` does."""
    shelf = shelf_of(files)
    line = shelf.line()
    why = ["what is known of pushed configs is damaged"] if shelf.damaged() else []
    for config in _candidates(line, on_trial=on_trial):
        payload = shelf.payload(config.sha256)
        if payload is None:
            why.append(f"version {config.version}: its bytes are missing or damaged")
            continue
        try:
            return replace(apply_push(files, payload), fallback="; ".join(why))
        except InvalidConfigError as error:
            why.append(f"version {config.version}: {error.problems[0]}")
        except Exception as error:  # noqa: BLE001 - a defect that another version had not must not keep a box from starting
            why.append(f"version {config.version}: it met a defect: {type(error).__name__}")
    return replace(files, fallback="; ".join(why))


def shelf_of(files: Config) -> Shelf:
    """Return where this box keeps what was pushed."""
    return Shelf(files.agent.agent.state_dir / "config")


def table_of(config: Config) -> dict[str, Any]:
    """Return the store config in force as JSON can carry it, whether it was pushed or lies in store.toml."""
    if config.version:
        return _decoded(config.store_bytes).config
    table: dict[str, Any] = _plain(tomllib.loads(config.store_bytes.decode("utf-8-sig")))
    return table


def check_table(table: Mapping[str, Any], *, files: bool) -> list[Problem]:
    """Return what is wrong with a store config, before it is pushed; never whether its ports exist.

    ``files``: whether the files that it names lie on this machine, in the working directory; else they are not looked
    for.
    """
    return check_document(Document(_FILE, Path.cwd() if files else None, b"", table))


def check_document(document: Document) -> list[Problem]:
    """Return what is wrong with a store config that was read from a file; as ``check_table`` does."""
    problems: list[Problem] = []
    store = check_store_config(document, None, problems)
    problems += failed_samples(document, store) if store else ()
    return sorted(problems, key=lambda problem: (problem.line, problem.path))


def _candidates(line: Line, *, on_trial: bool) -> Iterator[ConfigId]:
    if on_trial and line.trial:
        yield line.trial.config
    yield from line.committed


def _decoded(payload: bytes) -> ConfigPush:
    try:
        return msgspec.json.decode(payload, type=ConfigPush)
    except UNREADABLE as error:
        problem = Document(_FILE).problem((), f"is not a config push: {' '.join(str(error).split())}")
        raise InvalidConfigError([problem]) from None


def _of_agent_file(files: Config) -> Iterator[Problem]:
    return (problem for problem in files.warnings if problem.file == files.agent_file)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value
