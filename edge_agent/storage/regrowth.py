"""A table whose tree has lost inner pages, put together again above the leaves that are still in the file.

The leaves hold the rows; what is above them only says where they are, and a destroyed root would cost every row.
Page and cell forms: https://www.sqlite.org/fileformat2.html, 1.6 (b-tree pages) and 2.1 (varints).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from edge_agent.storage.space import PAGE_BYTES

_LEAF, _INTERIOR = 0x0D, 0x05
_LEAF_HEADER, _INTERIOR_HEADER = 8, 12
# A cell is a page number and a key of at most nine bytes, and two bytes point to it.
_FANOUT = (PAGE_BYTES - _INTERIOR_HEADER) // (4 + 9 + 2)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of the tree, by its number, and the keys it covers."""

    number: int
    first: int
    last: int


def regrow(path: Path, root: int, low: int, high: int) -> None:
    """Write a tree into the file, its root at page ``root``, above every leaf with keys within ``low`` .. ``high`` - 1.

    A copy: what it overwrites is gone. Of leaves that overlap (a free page keeps what it held) the fuller one is taken.
    """
    level = list(_apart(_leaves(path, low, high)))
    if [leaf.number for leaf in level] == [root]:
        return  # all of a small table
    with path.open("rb+") as file:
        pages = path.stat().st_size // PAGE_BYTES
        while level:
            above = [level[at : at + _FANOUT] for at in range(0, len(level), _FANOUT)]
            numbers = [root] if len(above) == 1 else range(pages + 1, pages + 1 + len(above))
            for number, children in zip(numbers, above, strict=True):
                file.seek((number - 1) * PAGE_BYTES)
                file.write(_interior(children))
            if len(above) == 1:
                break
            pages += len(above)
            level = [_Page(n, c[0].first, c[-1].last) for n, c in zip(numbers, above, strict=True)]
        file.seek(28)  # the size in pages, where the header says it
        file.write(pages.to_bytes(4, "big"))


def _leaves(path: Path, low: int, high: int) -> Iterator[tuple[int, _Page]]:
    """Yield the leaves that hold nothing but such keys, each with its number of rows."""
    with path.open("rb") as file:
        file.seek(PAGE_BYTES)
        number = 1
        while len(page := file.read(PAGE_BYTES)) == PAGE_BYTES:
            number += 1
            keys = _keys(page) if page[0] == _LEAF else []
            if keys and low <= keys[0] and keys[-1] < high and all(a < b for a, b in pairwise(keys)):
                yield len(keys), _Page(number, keys[0], keys[-1])


def _apart(leaves: Iterator[tuple[int, _Page]]) -> Iterator[_Page]:
    """Yield leaves in the order of their keys; of two that overlap, the fuller."""
    kept: tuple[int, _Page] | None = None
    for count, leaf in sorted(leaves, key=lambda found: found[1].first):
        if kept is not None and leaf.first <= kept[1].last:
            kept = max(kept, (count, leaf), key=lambda found: found[0])
            continue
        if kept is not None:
            yield kept[1]
        kept = (count, leaf)
    if kept is not None:
        yield kept[1]


def _keys(page: bytes) -> list[int]:
    """Return the keys of a leaf's rows; empty where it is none."""
    count = int.from_bytes(page[3:5], "big")
    if not 0 < count <= (PAGE_BYTES - _LEAF_HEADER) // 4:  # a pointer and two bytes of cell at least
        return []
    keys = []
    for at in range(_LEAF_HEADER, _LEAF_HEADER + 2 * count, 2):
        cell = int.from_bytes(page[at : at + 2], "big")
        _, key_at = _varint(page, cell)
        key, _ = _varint(page, key_at)
        keys.append(key)
    return keys


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """Return a number and where the next one begins; beyond the page it is made of nothing."""
    value = 0
    for byte in page[at : at + 8]:
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | (page[at] if at < len(page) else 0), at + 1


def _interior(children: Sequence[_Page]) -> bytes:
    """Return a page that leads to its children; the last one is the rightmost, and needs no key."""
    cells = [child.number.to_bytes(4, "big") + _encoded(child.last) for child in children[:-1]]
    content = PAGE_BYTES
    pointers, body = b"", b""
    for cell in cells:
        content -= len(cell)
        pointers += content.to_bytes(2, "big")
        body = cell + body
    header = bytes([_INTERIOR, 0, 0]) + len(cells).to_bytes(2, "big") + content.to_bytes(2, "big") + b"\0"
    front = header + children[-1].number.to_bytes(4, "big") + pointers
    return front + bytes(content - len(front)) + body


def _encoded(key: int) -> bytes:
    """Return a key as a varint; all of ours are below 2**56."""
    groups = [key & 0x7F]
    while key := key >> 7:
        groups.append(key & 0x7F | 0x80)
    return bytes(reversed(groups))
