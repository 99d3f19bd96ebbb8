"""One store.toml for many stores: ``${name}`` in its strings stands for what differs from store to store."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.config.document import Document, read, reason
from edge_agent.config.problems import Loc, path_text
from edge_agent.config.pushed import check_document
from edge_agent.contract.topics import Topics
from edge_agent.errors import ConfigError

Value = str | int | bool
Table = dict[str, Any]

# As string.Template's braced form, and no other: a lone $ ends many a regular expression of a receipt template.
_BLANK = re.compile(r"(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WHOLE = re.compile(r"-?(0|[1-9]\d*)")
_TRUTH = {"true": True, "false": False}
_TYPES = ("text", "int", "bool")


@dataclass(frozen=True, slots=True)
class StoreFile:
    """A store.toml as it was read, and what is filled in: by store, then by name."""

    document: Document
    values: Mapping[str, Mapping[str, Value]]


def load(file: Path, values: Path | None = None) -> StoreFile:
    """Read FILE and the CSV of ``--values``. Raises ConfigError with everything that is wrong with either.

    The CSV has a column ``store``; a column's name is that of a placeholder. A column called ``baudrate:int`` or
    ``drive:bool`` holds whole numbers or true and false, any other one text: nothing is guessed, since ``0137`` may be
    the name of a store and ``9600`` of a street.
    """
    return StoreFile(replace(read(file), folder=None), read_values(values) if values else {})


def read_values(file: Path) -> dict[str, dict[str, Value]]:
    """Return what a CSV (UTF-8) says of each store: column by column, as typed. Raises ConfigError."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not UTF-8: save it as “CSV UTF-8”") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {reason(error)}") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [_column(file, cell.strip()) for cell in next(rows, [])]
        return _by_store(file, columns, rows)
    except csv.Error as error:
        raise ConfigError(f"{file}:{rows.line_num}: is not CSV: {error}") from None


def filled(source: StoreFile, agents: Iterable[Topics]) -> dict[Topics, Table]:
    """Return the store config of each agent, as JSON can carry it.

    ``${tenant}``, ``${store}`` and ``${agent}`` are always there. Raises ConfigError with every value that is missing
    and everything that is wrong with any store's config: then nothing may be pushed anywhere.
    """
    tables: dict[Topics, Table] = {}
    wrong: dict[str, dict[str, None]] = {}  # what, and in which stores
    for agent in agents:
        missing: list[str] = []
        names = {**source.values.get(agent.store, {}), **_always(agent)}
        tables[agent] = _fill(dict(source.document.table), (), names, missing)
        for message in missing:
            wrong.setdefault(f"{source.document.file}: {message}", {})[agent.store] = None
    if not wrong:
        for message, agent in _problems(source.document, tables):
            wrong.setdefault(message, {})[agent.store] = None
    if wrong:
        raise ConfigError("\n".join(f"{_some(stores)}: {message}" for message, stores in wrong.items()))
    return tables


def _problems(document: Document, tables: Mapping[Topics, Table]) -> Iterator[tuple[str, Topics]]:
    checked: dict[bytes, list[str]] = {}
    for agent, table in tables.items():
        # What TOML can say and JSON cannot (a time of day, not in quotes) is one of the problems.
        content = msgspec.json.encode(table)
        if content not in checked:
            checked[content] = [str(problem) for problem in check_document(replace(document, table=table))]
        for message in checked[content]:
            yield message, agent


def _some(stores: Iterable[str]) -> str:
    first, *rest = stores
    return f"{first} and {len(rest)} more" if rest else first


def _always(agent: Topics) -> dict[str, Value]:
    return {"tenant": agent.tenant, "store": agent.store, "agent": agent.agent}


def _fill(value: Any, loc: Loc, names: Mapping[str, Value], missing: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, (*loc, key), names, missing) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, (*loc, index), names, missing) for index, item in enumerate(value)]
    if isinstance(value, datetime):
        return value.isoformat()
    return _fill_text(value, loc, names, missing) if isinstance(value, str) else value


def _fill_text(text: str, loc: Loc, names: Mapping[str, Value], missing: list[str]) -> Value:
    blanks = list(_BLANK.finditer(text))
    missing += [
        f"{path_text(loc)}: there is no value for ${{{name}}}: add a column {name} and this store's row"
        for name in dict.fromkeys(blank[2] for blank in blanks if not blank[1] and blank[2] not in names)
    ]
    if len(blanks) == 1 and blanks[0][0] == text and not blanks[0][1]:
        return names.get(blanks[0][2], "")
    return _BLANK.sub(lambda blank: blank[0][1:] if blank[1] else _text(names.get(blank[2], "")), text)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _column(file: Path, cell: str) -> tuple[str, str]:
    name, _, kind = cell.partition(":")
    if kind not in {"", *_TYPES}:
        raise ConfigError(f"{file}:1: column {cell!r}: {kind!r} is no type (allowed: {', '.join(_TYPES)})")
    return name.strip(), kind or "text"


def _by_store(file: Path, columns: list[tuple[str, str]], rows: Any) -> dict[str, dict[str, Value]]:
    names = [name for name, _ in columns]
    if "store" not in names:
        raise ConfigError(f"{file}:1: there is no column “store”")
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"{file}:1: given twice: {', '.join(sorted(repeated))}")
    stores: dict[str, dict[str, Value]] = {}
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        where = f"{file}:{rows.line_num}"
        if len(row) != len(columns):
            raise ConfigError(f"{where}: has {len(row)} cells, not {len(columns)}")
        cells = dict(zip(columns, (cell.strip() for cell in row), strict=True))
        store = cells.get(("store", "text"), "")
        if not store or store in stores:
            raise ConfigError(f"{where}: {f'store {store} is given twice' if store else 'names no store'}")
        # An empty cell is a value that is missing, and only matters where it is asked for.
        stores[store] = {name: _typed(where, name, kind, cell) for (name, kind), cell in cells.items() if cell}
    return stores


def _typed(where: str, name: str, kind: str, cell: str) -> Value:
    if kind == "int" and _WHOLE.fullmatch(cell):
        return int(cell)
    if kind == "bool" and cell.lower() in _TRUTH:
        return _TRUTH[cell.lower()]
    if kind == "text":
        return cell
    raise ConfigError(f"{where}: {name}: {cell!r} is no {'whole number' if kind == 'int' else 'true or false'}")
