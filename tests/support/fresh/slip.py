"""One slip as a shop prints it, its bytes, and what is certain from the paper."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from unicodedata import east_asian_width

from escpos.printer import Dummy

# Font A of an 80 mm or 58 mm printer: a single-width cell is 12 dots wide.
_CELL_DOTS = 12
_LOGO = b"\x1dv0\x00\x02\x00\x08\x00" + bytes(range(16))


@dataclass(frozen=True, slots=True)
class Line:
    """A line as printed; None: not certain from the paper. ``kind``: ``sale`` ``discount`` ``top_up`` ``fee``."""

    name: str | None
    quantity: str | None
    unit_price: int | None
    amount: int
    kind: str = "sale"


@dataclass(frozen=True, slots=True)
class Slip:
    """A slip and the order on it.

    ``text``: its rows; ``¦`` begins the next column. ``stops``: where the last columns end (negative: begin), in
    cells. ``medium``: ``text`` (rows and line feeds), ``escpos`` (modes and ``ESC $`` columns by hand) or
    ``python-escpos``. A row that begins with ``^`` is a centred large heading, ``@logo`` a picture, ``@qr:`` and
    ``@bar:`` symbols, outside the medium ``text`` alone. ``lines`` and ``tenders``: None where the paper leaves them
    open; a tender's type too. ``day_number``: a platform's number of the day. ``cash``: direction and amount.
    """

    name: str
    language: str
    currency: str
    kind: str
    text: str
    number: str | None = None
    printed_at: str | None = None
    payable: int | None = None
    lines: tuple[Line, ...] | None = None
    tenders: tuple[tuple[str | None, int], ...] | None = None
    change: int = 0
    rounding: int = 0
    tax_added: int = 0
    tip: int = 0
    channel: str | None = None
    day_number: str | None = None
    cash: tuple[str, int] | None = None
    stops: tuple[int, ...] = ()
    encoding: str = "gb18030"
    medium: str = "text"

    def stream(self) -> bytes:
        """Return the bytes the register sends for it, cut included."""
        rows = self.text.strip("\n").split("\n")
        if self.medium == "escpos":
            return b"\x1b@" + b"".join(map(self._by_hand, rows)) + b"\x1dV\x42\x00"
        if self.medium == "python-escpos":
            return self._by_library(rows)
        return b"".join(laid_out(row, self.stops).encode(self.encoding) + b"\n" for row in rows) + b"\n\n\x1dV\x00"

    def _by_hand(self, row: str) -> bytes:
        if row == "@logo":
            return b"\x1ba\x01" + _LOGO + b"\x1ba\x00"
        if row.startswith("^"):
            return b"\x1ba\x01\x1d!\x01" + row[1:].encode(self.encoding) + b"\n\x1d!\x00\x1ba\x00"
        first, *cells = row.split("¦")
        placed = [first.encode(self.encoding)]
        for cell, stop in zip(cells, self.stops[len(self.stops) - len(cells) :], strict=True):
            dots = (-stop if stop < 0 else stop - width(cell)) * _CELL_DOTS
            placed.append(b"\x1b$" + dots.to_bytes(2, "little") + cell.encode(self.encoding))
        return b"".join(placed) + b"\n"

    def _by_library(self, rows: list[str]) -> bytes:
        printer = Dummy()
        printer.hw("INIT")
        for row in rows:
            if row == "@logo":
                printer._raw(_LOGO)
            elif row.startswith("@qr:"):
                printer.qr(row[4:], native=True, size=4)
            elif row.startswith("@bar:"):
                printer.barcode(row[5:], "CODE128", function_type="B", check=False)
            else:
                large = row.startswith("^")
                printer.set(
                    align="center" if large else "left", double_height=large, bold=large, normal_textsize=not large
                )
                printer._raw(laid_out(row.removeprefix("^"), self.stops).encode(self.encoding) + b"\n")
        printer.cut()
        output: bytes = printer.output
        return output


def laid_out(row: str, stops: tuple[int, ...]) -> str:
    """Return a row with its columns at their stops, in cells; a row with fewer columns uses the last stops."""
    text, *cells = row.split("¦")
    for cell, stop in zip(cells, stops[len(stops) - len(cells) :], strict=True):
        start = -stop if stop < 0 else stop - width(cell)
        text += " " * max(start - width(text), 1) + cell
    return text


def width(text: str) -> int:
    """Return how many cells a text takes."""
    return sum(2 if east_asian_width(character) in "WFA" and ord(character) > 255 else 1 for character in text)


def problems(slip: Slip) -> list[str]:
    """Return what is wrong with a slip's own arithmetic."""
    found = []
    if slip.lines is not None and slip.payable is not None:
        total = sum(line.amount for line in slip.lines) + slip.rounding + slip.tax_added + slip.tip
        if total != slip.payable:
            found.append(f"{slip.name}: lines come to {total}, not {slip.payable}")
    if slip.tenders is not None and slip.payable is not None:
        received = sum(amount for _, amount in slip.tenders) - slip.change
        if received != slip.payable:
            found.append(f"{slip.name}: tenders come to {received}, not {slip.payable}")
    for line in slip.lines or ():
        if line.kind == "sale" and line.quantity and line.unit_price is not None:
            exact = Decimal(line.quantity) * line.unit_price
            if line.amount not in {int(exact.quantize(Decimal(1), how)) for how in (ROUND_HALF_UP, ROUND_DOWN)}:
                found.append(f"{slip.name}: {line.name} is {exact}, not {line.amount}")
    return found
