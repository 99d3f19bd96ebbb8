"""The paper: runs of text at dot positions become lines on a grid of single-width cells."""

import re
from unicodedata import east_asian_width

# Font A is 12 dots wide, font B and the smaller ones 9 (Epson TM series and its clones).
FONT_DOTS = (12, 9, 9)
# Beyond the widest head (4 inches at 300 dpi) a position is no position: printers ignore it.
MAX_DOTS = 1280
DEFAULT_TAB = 8  # a stop every eight characters until ESC D says otherwise
_GAPS = re.compile(r"(  +)")


class _Widths(dict[str, int]):
    def __missing__(self, char: str) -> int:
        width = 2 if east_asian_width(char) in "WF" else 1
        if len(self) < 0x20000:  # every character there is in the code pages, and no end of memory for noise
            self[char] = width
        return width


_WIDTHS = _Widths()


def columns(text: str) -> int:
    """Return how many cells ``text`` takes as a terminal shows it: East Asian wide characters take two."""
    return len(text) if text.isascii() else sum(map(_WIDTHS.__getitem__, text))


def _printed(text: str, wide: int, wide_kanji: int, two_byte: bool) -> int:
    """Cells on paper; a two-byte character takes two even where a terminal shows one (``×``, ``─``)."""
    if text.isascii():
        return len(text) * wide
    cells = 0
    for char in text:
        if char < "\x80" or "\uff61" <= char <= "\uff9f":
            cells += wide
        elif two_byte or _WIDTHS[char] == 2:
            cells += 2 * wide_kanji
        else:
            cells += wide
    return cells


class Page:
    """Lines of one receipt and the line under way.

    What is printed wider than a terminal shows it (double width) leaves a *debt* of blanks, paid at the next gap or
    position, so that words stay whole and the columns behind them stay where the paper has them.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.x = 0  # dots from the left margin
        self._runs: list[tuple[int, str]] = []  # (cell, text); the last one is still growing
        self._placed = True  # the next text starts a run of its own
        self._debt = 0

    @property
    def has_text(self) -> bool:
        """Tell whether anything is on the line under way."""
        return bool(self._runs)

    def put(self, text: str, size: int, pitch: int, wide: int, wide_kanji: int, two_byte: bool) -> None:
        """Print a text of ``size`` bytes at the cursor: ``pitch`` dots a cell, cells ``wide`` times as wide."""
        if wide == wide_kanji == 1 and not self._debt and size == columns(text):  # as wide on paper as on a terminal
            self.x += size * pitch
            self._append(text, pitch, size)
            return
        start = self.x
        parts = _GAPS.split(text)
        for index, part in enumerate(parts):
            cells = _printed(part, wide, wide_kanji, two_byte)
            self.x += cells * pitch
            if index % 2:
                parts[index] = " " * (cells + self._debt)
                self._debt = 0
            else:
                self._debt = max(0, self._debt + cells - columns(part))
        self._append("".join(parts), pitch, (self.x - start) // pitch)

    def _append(self, text: str, pitch: int, cells: int) -> None:
        if self._placed:
            start = self.x - cells * pitch
            self._runs.append(((start + pitch // 2) // pitch, text))
            self._placed = False
        else:
            cell, before = self._runs[-1]
            self._runs[-1] = cell, before + text

    def move_to(self, x: int) -> None:
        """Set the cursor, in dots; what follows is placed there as a whole."""
        if x > MAX_DOTS:
            return
        if x != self.x or self._debt:
            self.x = max(x, 0)
            self._placed = True
            self._debt = 0

    def tab(self, stops: tuple[int, ...] | None, pitch: int) -> None:
        """Go to the next tab stop (in cells); without one the printer ignores the tab."""
        cell = self.x // pitch
        if stops is None:
            self.move_to((cell // DEFAULT_TAB + 1) * DEFAULT_TAB * pitch)
            return
        following = next((stop for stop in stops if stop > cell), None)
        if following is not None:
            self.move_to(following * pitch)

    def end_line(self) -> None:
        """Print the line under way, a blank one if nothing is on it; leading blank lines are not kept."""
        line = self._runs[0][1].rstrip() if self._is_plain() else self._composed()
        if line or self.lines:
            self.lines.append(line)
        self.drop_line()

    def _is_plain(self) -> bool:
        return len(self._runs) == 1 and self._runs[0][0] == 0

    def _composed(self) -> str:
        """Runs side by side by their cells; printed twice at one place (bold by overprinting) counts once."""
        line, width = "", 0
        for cell, text in sorted(dict.fromkeys(self._runs), key=lambda run: run[0]):
            gap = cell - width if cell >= width else 1  # a collision: keep the words apart
            line += " " * gap + text
            width += gap + columns(text)
        return line.rstrip()

    def end_line_if_any(self) -> None:
        """Print the line under way if anything is on it."""
        if self._runs:
            self.end_line()
        self.x = 0

    def drop_line(self) -> None:
        """Forget the line under way (``ESC @`` clears the print buffer)."""
        self._runs.clear()
        self._placed, self._debt, self.x = True, 0, 0

    def finished(self) -> tuple[str, ...]:
        """Return all lines, trailing blank ones removed, and start an empty page."""
        self.end_line_if_any()
        lines, self.lines = self.lines, []
        self.drop_line()
        while lines and not lines[-1]:
            lines.pop()
        return tuple(lines)
