"""A dataset as a file: NDJSON or CSV in, rows and chunks out."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.config.document import reason
from edge_agent.contract.datasets import CHUNK_BYTES, Row
from edge_agent.contract.messages import UNREADABLE
from edge_agent.errors import ConfigError

_MOST_SHOWN = 20  # of what is wrong with a file


@dataclass(frozen=True, slots=True)
class Change:
    """What makes one snapshot of another: whole rows, and the ids of those that are gone."""

    upserts: list[Row]
    deletes: list[str]


def read(file: Path, id_field: str) -> dict[str, Row]:
    """Return the rows of a file by id, in its order. Raises ConfigError with everything that is wrong with it.

    ``.csv``: UTF-8, a header line, every value is text, an empty cell is left out; anything else: a JSON object a line.
    """
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {reason(error)}") from None
    rows: dict[str, Row] = {}
    wrong: list[str] = []
    for number, row in _csv(text) if file.suffix.lower() == ".csv" else _ndjson(text):
        problem = row if isinstance(row, str) else _problem(row, id_field, rows)
        if problem:
            wrong.append(f"{file}:{number}: {problem}")
        else:
            assert isinstance(row, dict)
            rows[str(row[id_field])] = row
    if wrong:
        more = [f"and {len(wrong) - _MOST_SHOWN} more"] if len(wrong) > _MOST_SHOWN else []
        raise ConfigError("\n".join([*wrong[:_MOST_SHOWN], *more]))
    return rows


def chunked(rows: Iterable[Row]) -> list[bytes]:
    """Return the chunks of a snapshot: whole lines of NDJSON, as many as fit into each."""
    chunks: list[bytes] = []
    lines: list[bytes] = []
    size = 0
    for row in rows:
        encoded = msgspec.json.encode(row) + b"\n"
        if lines and size + len(encoded) > CHUNK_BYTES:
            chunks.append(b"".join(lines))
            lines, size = [], 0
        lines.append(encoded)
        size += len(encoded)
    return [*chunks, b"".join(lines)] if lines else chunks


def changed(before: dict[str, Row], after: dict[str, Row]) -> Change:
    """Return what makes ``after`` of ``before``, both by id."""
    upserts = [row for id_, row in after.items() if before.get(id_) != row]
    return Change(upserts, [id_ for id_ in before if id_ not in after])


def _problem(row: Any, id_field: str, rows: dict[str, Row]) -> str | None:
    if not isinstance(row, dict):
        return "is not a JSON object"
    id_ = row.get(id_field)
    if not isinstance(id_, str | int) or isinstance(id_, bool) or id_ == "":
        return f"has no {id_field} (allowed: text or a whole number; another field by --id-field)"
    if str(id_) in rows:
        return f"{id_field} {str(id_)[:80]!r} is given twice"
    if (size := len(msgspec.json.encode(row)) + 1) > CHUNK_BYTES:
        return f"has {size} bytes; a row has {CHUNK_BYTES} at most"
    return None


def _ndjson(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except UNREADABLE as error:
            yield number, f"is not JSON: {error}"
        else:
            yield number, row if isinstance(row, dict) else "is not a JSON object"


def _csv(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head: Sequence[str] = [cell.strip() for cell in next(reader, [])]
        if not head or len(set(head)) < len(head) or not all(head):
            yield 1, "the first line names the columns, each once"
            return
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(head):
                yield reader.line_num, f"has {len(cells)} cells, not {len(head)}"
            else:
                yield reader.line_num, {name: cell for name, cell in zip(head, cells, strict=True) if cell}
    except csv.Error as error:
        yield reader.line_num, f"is not CSV: {error}"
