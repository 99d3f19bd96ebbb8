"""The pages of a database file, found by what they are: https://www.sqlite.org/fileformat2.html, 1.6 and 2.1."""

from pathlib import Path

PAGE = 4096


def pages_of(path: Path, kind: int) -> list[int]:
    """Return the offsets of the b-tree pages of a kind (13: table leaf, 5: table interior), but for the first page."""
    content = path.read_bytes()
    return [offset for offset in range(PAGE, len(content), PAGE) if content[offset] == kind]


def leaf_with(path: Path, key: int) -> int:
    """Return the offset of the table leaf that holds the row with this id, at least 128."""
    content = path.read_bytes()
    varint = _varint(key)
    return next(offset for offset in pages_of(path, 13) if varint in content[offset : offset + PAGE])


def _varint(value: int) -> bytes:
    groups = []
    while value:
        groups.append(value & 0x7F)
        value >>= 7
    groups.reverse()
    return bytes([*(g | 0x80 for g in groups[:-1]), groups[-1]])
