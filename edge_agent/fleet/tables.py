"""The stores in a table: useful on 80 columns, 2,000 rows at once."""

import os
from collections.abc import Sequence
from datetime import timedelta

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from edge_agent.fleet.rows import Row, summary
from edge_agent.fleet.terminal import ago, joined, out, plain

_STYLES = {"lost": "bold red", "action": "red", "unreadable": "magenta", "attention": "yellow", "stopping": "dim"}
_HEADS = ("STORE", "STATE", "LEVEL", "VERSION", "CONFIG", "WAITING", "DAY", "")
# Cells of each column at most; the last one takes what is left.
_WIDEST = (20, 8, 9, 10, 14, 12, 7)
_NARROWEST_WORDS = 12
_ANY_WIDTH = 1_000


def show(rows: Sequence[Row]) -> None:
    """Print the table and the summary below it.

    Not rich's own table: it measures each cell several times, 1 s for 2,000 rows; this takes 0.03 s.
    """
    several = _has_several(rows)
    cells = [_HEADS, *(_cells(row, several=several) for row in rows)]
    widths = [min(widest, max(cell_len(line[column]) for line in cells)) for column, widest in enumerate(_WIDEST)]
    # What goes into a file or a pipe is cut nowhere.
    room = out.width if out.is_terminal or "COLUMNS" in os.environ else _ANY_WIDTH
    left = max(_NARROWEST_WORDS, room - sum(widths) - 2 * len(widths))
    styles = ["bold", *(_STYLES.get(row.trouble, "") for row in rows)]
    text = Text(no_wrap=True)
    for line, style in zip(cells, styles, strict=True):
        text.append("  ".join(map(_fitted, line, [*widths, left])).rstrip() + "\n", style)
    out.print(text, end="", soft_wrap=True)
    out.print(summary(rows), style="bold", soft_wrap=True)


def _cells(row: Row, *, several: bool) -> tuple[str, ...]:
    return (
        plain(f"{row.store}/{row.agent}" if several else row.store),
        plain(row.state),
        plain(row.level),
        plain(row.version or "-"),
        _config(row),
        _waiting(row),
        plain(row.day_proof or "-"),
        _words(row),
    )


def _has_several(rows: Sequence[Row]) -> bool:
    """Tell whether any store has several agents: only then are they all told apart."""
    return len({row.store for row in rows}) < len(rows)


def _config(row: Row) -> str:
    version, phase = row.config["version"], row.config["phase"]
    if version is None:
        return "-"
    # That it is the committed one is what everybody expects.
    return f"{version}" if phase in {None, "committed"} else plain(f"{version} {phase}")


def _waiting(row: Row) -> str:
    if row.waiting is None:
        return "-"
    if not row.waiting:
        return "0"
    return f"{row.waiting} {ago(timedelta(seconds=row.oldest_waiting_seconds or 0))}"


def _words(row: Row) -> str:
    parts = []
    if row.unreadable:
        parts.append(f"unreadable: {joined(row.unreadable)}")
    if row.devices_down:
        parts.append(f"down: {joined(row.devices_down)}")
    if row.headline and row.level != "ok":
        parts.append(plain(row.headline))
    return "; ".join(parts) or plain(row.name)


def _fitted(text: str, width: int) -> str:
    """Return a text of so many cells: a Chinese character takes two."""
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
