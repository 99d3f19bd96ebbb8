"""What differs between two store configs, by fields; rows of a list are matched by their id or name, not by place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from edge_agent.config.problems import path_text, quoted

# What makes a row the same row in both configs (store.toml: zones, touchpoints, devices; receipt templates).
_NAMES = ("id", "name")
_LONGEST = 72  # of a value in a line of a terminal


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, or one whole row or table, at ``path``: ``device[till-1-printer].baudrate``.

    ``before`` and ``after`` are as in the configs; the one that is missing is None (a config has no null). Where only
    the order of rows differs, both are the lists of their names and the path ends in ``(order)``.
    """

    path: str
    kind: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        match self.kind:
            case "added":
                return f"{self.path}: + {shown(self.after)}"
            case "removed":
                return f"{self.path}: - {shown(self.before)}"
            case "changed":
                return f"{self.path}: {shown(self.before)} → {shown(self.after)}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return what makes ``after`` of ``before``; empty exactly where both are the same, as JSON."""
    return tuple(_tables(before, after, ""))


def shown(value: Any) -> str:
    """Return a value on one line, cut if it is long."""
    if isinstance(value, str):
        return quoted(value, _LONGEST)
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _tables(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for key in dict.fromkeys([*before, *after]):
        yield from _values(before, after, key, f"{path}.{path_text((key,))}" if path else path_text((key,)))


def _values(before: Mapping[str, Any], after: Mapping[str, Any], key: str, path: str) -> Iterator[Difference]:
    if key in before and key in after:
        yield from _changed(before[key], after[key], path)
    elif rows := _rows(before.get(key, after.get(key))):
        for name, row in rows.items():
            yield _one_sided(row, f"{path}[{name}]", is_new=key in after)
    else:
        yield _one_sided(before.get(key, after.get(key)), path, is_new=key in after)


def _one_sided(value: Any, path: str, *, is_new: bool) -> Difference:
    return Difference(path, "added", after=value) if is_new else Difference(path, "removed", before=value)


def _changed(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _tables(before, after, path)
        return
    old, new = _rows(before), _rows(after)
    if old is not None and new is not None and (old or new):
        yield from _lists(old, new, path)
    elif not _same(before, after):
        yield Difference(path, "changed", before, after)


def _lists(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for name in dict.fromkeys([*before, *after]):
        yield from _values(before, after, name, f"{path}[{name}]")
    old, new = [name for name in before if name in after], [name for name in after if name in before]
    # Names that came or went say nothing of the order of the rest; where they stand in between does not matter.
    if old != new:
        yield Difference(f"{path} (order)", "changed", old, new)


def _rows(value: Any) -> dict[str, Any] | None:
    """Return a list of tables by what each is called; None where they have no names of their own."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(row, dict) for row in value):
        return None
    for key in _NAMES:
        names = [row.get(key) for row in value]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return dict(zip(names, value, strict=True))
    return None


def _same(before: Any, after: Any) -> bool:
    """Tell whether both are the same as JSON: 1 is not true, and 1.0 is a number like 1."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    return bool(before == after)
