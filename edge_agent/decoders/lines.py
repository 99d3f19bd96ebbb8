"""Lines: registers that export one record a line, as JSON, CSV or key-value pairs → ``Record`` and ``Scan``.

    {"order_no": "A-1", "totals": {"payable": 1600}}⏎      format = "json"
    order_no,payable⏎A-1,16.00⏎                            format = "csv" (the first line names the columns)
    order_no=A-1;payable=16.00⏎                            format = "key-value" (pairs end with ; , & or a tab)

A line ends with LF or CRLF. What a line is:

- an **order** if it says what there is to pay (``totals.payable``, or ``payable`` alone) → ``Record``;
- a **code presented** if it has ``code`` → ``Scan`` with the other fields beside it;
- anything else → ``Undecoded`` with a reason: ``not_json``, ``not_csv``, ``not_key_value``, ``encoding``, ``too_long``,
  ``no_order`` (a record, but neither of the two).

Order fields, nested as in the contract's order: ``order_no`` ``kind`` ``completed_at`` ``printed_at`` ``business_day``
``workstation`` ``cashier`` ``guide`` ``member`` ``original_order_no`` ``pickup_code`` ``currency`` ``channel`` ``mode``
``lines[]`` ``tenders[]`` (``type`` or ``label``, ``amount``) ``totals{gross discount rounding tax_added tip payable
tendered change}``. The flat form puts the members of ``totals`` at the top; they are moved where they belong.
``[device.fields]`` maps our field to the record's: ``payable = "sum.due"``, ``"totals.payable" = "ask_amt"``; dots go
into nested objects on both sides. Fields that nobody mapped stay beside them under their own names.

Amounts are left as they came: a whole JSON number is minor units (fen, cents); a string, or a number with a point, is
major units (``"16.00"``), exact, as text or ``Decimal``. CSV and key-value values are always text, thus major units.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from edge_agent.fields import Settings as BaseSettings
from edge_agent.observations import Decoded, Record, Scan, Undecoded

MAX_LINE = 64 * 1024  # an order of 500 lines in JSON is half of it
MAX_DEPTH = 32  # the contract's order is 4 deep; json itself would recurse
MAX_EXPONENT = 20  # 1e999999999 is a short text and an endless integer
MAX_DIGITS = 40  # no amount and no number has more; Python refuses over 4300 only, after quadratic work

TOTALS = ("gross", "discount", "rounding", "tax_added", "tip", "payable", "tendered", "change")


# Made up for ``modes``, never sent by a register: what follows belongs to a line that was too long.
_CANCEL = b"\x18\x18\x18\x18"


class Settings(BaseSettings):
    """The keys ``lines`` adds to a device: the record's form and the names of its fields."""

    format: Literal["json", "csv", "key-value"] = "json"
    encoding: Literal["utf_8", "gb18030", "gbk", "big5", "shift_jis", "euc_kr", "cp1252", "cp437", "iso8859_1"] = (
        "utf_8"
    )
    fields: dict[str, str] = Field(default_factory=dict)
    columns: tuple[str, ...] = ()
    header: bool = True
    delimiter: str = Field(",", min_length=1, max_length=1)


class _NotARecord(Exception):  # noqa: N818 - an outcome of reading, not an error of ours
    """The line cannot be read; the argument is the reason code."""


class Decoder:
    """See ``edge_agent.decoders.Decoder`` for the contract of the methods."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._line = bytearray()
        self._searched = 0
        self._skipping = False  # the rest of a line that was too long
        self._columns = settings.columns
        self._header = b""  # the line that named the columns, as it came
        self._consumed = 0

    def feed(self, data: bytes) -> list[Decoded]:
        """Take bytes as they arrive, cut anywhere; return the records that became complete."""
        self._line += data
        out: list[Decoded] = []
        start = 0
        while (end := self._line.find(b"\n", max(start, self._searched))) >= 0:
            out += self._bounded(start, end + 1)
            start = end + 1
        start = self._after_cancel(start)
        while len(self._line) - start > MAX_LINE:
            out.append(Undecoded(bytes(self._line[start : start + MAX_LINE]), "too_long"))
            start += MAX_LINE
            self._skipping = True
        del self._line[:start]
        self._consumed += start
        self._searched = len(self._line)
        return out

    def idle(self) -> list[Decoded]:
        """Take a line without its end for a whole one."""
        rest, self._line = bytes(self._line), bytearray()
        self._searched = 0
        self._consumed += len(rest)
        out = self._piece(rest) if rest else []
        self._skipping = False
        return out

    def unfinished(self) -> bytes:
        """Return ``modes()`` and the bytes of the line under way."""
        return self.modes() + bytes(self._line)

    @property
    def consumed(self) -> int:
        """Count the bytes of all lines that are done with."""
        return self._consumed

    def modes(self) -> bytes:
        """Return the header line a CSV stream began with, and whether the line under way is one that was too long."""
        return self._header + (_CANCEL if self._skipping else b"")

    def _bounded(self, start: int, end: int) -> Iterator[Decoded]:
        """Read the line ``start:end``, in pieces if it is too long."""
        start = self._after_cancel(start)
        while end - start > MAX_LINE:
            yield Undecoded(bytes(self._line[start : start + MAX_LINE]), "too_long")
            start += MAX_LINE
            self._skipping = True
        yield from self._piece(bytes(self._line[start:end]))
        self._skipping = False

    def _after_cancel(self, start: int) -> int:
        if self._skipping or not self._line.startswith(_CANCEL, start):
            return start
        self._skipping = True
        return start + len(_CANCEL)

    def _piece(self, line: bytes) -> list[Decoded]:
        if self._skipping:
            return [Undecoded(line, "too_long")]
        body = line.rstrip(b"\r\n")
        if not body.strip():
            return []
        try:
            record = self._read(line, body)
        except _NotARecord as problem:
            return [Undecoded(line, str(problem))]
        return [] if record is None else [_observation(record, line)]

    def _read(self, line: bytes, body: bytes) -> dict[str, object] | None:
        try:
            text = body.decode(self._settings.encoding).removeprefix("\ufeff").strip("\0 ")
        except UnicodeDecodeError:
            raise _NotARecord("encoding") from None
        if self._settings.format == "json":
            found = _json(text)
        elif self._settings.format == "csv":
            cells = _csv(text, self._settings.delimiter)
            if not self._columns and self._settings.header:
                self._columns, self._header = tuple(cell.strip() for cell in cells), line
                return None
            if tuple(cell.strip() for cell in cells) == self._columns:
                return None  # the register started again and named its columns again
            if len(cells) != len(self._columns):
                raise _NotARecord("not_csv")
            found = {name: cell.strip() for name, cell in zip(self._columns, cells, strict=True)}
        else:
            found = _pairs(text)
        return _nested_totals(_mapped(found, self._settings.fields))


def _observation(record: dict[str, object], line: bytes) -> Decoded:
    totals = record.get("totals")
    if isinstance(totals, dict) and _is_amount(totals.get("payable")):
        return Record(record, line)
    code = record.get("code")
    if isinstance(code, (str, int)) and not isinstance(code, bool) and str(code):
        return Scan(str(code), {name: value for name, value in record.items() if name != "code"})
    return Undecoded(line, "no_order")


_AMOUNT = re.compile(r"\s*[-+]?\d{1,15}(\.\d{1,4})?\s*")


def _is_amount(value: object) -> bool:
    if isinstance(value, str):
        return _AMOUNT.fullmatch(value) is not None
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _json(text: str) -> dict[str, object]:
    if _depth(text) > MAX_DEPTH:
        raise _NotARecord("not_json")
    try:
        found = json.loads(text, parse_float=_number, parse_int=_integer, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _NotARecord("not_json") from None
    if not isinstance(found, dict):
        raise _NotARecord("not_json")
    if "\\ud" in text.lower():  # half a surrogate pair is legal JSON and no character: nothing could store it
        found = {_whole(name): _whole(value) for name, value in found.items()}
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(inner) for name, inner in value.items()}
    return value


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def _depth(text: str) -> int:
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _number(text: str) -> Decimal:
    if len(text) > MAX_DIGITS:
        raise ValueError(text[:MAX_DIGITS])
    number = Decimal(text)
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError(text)
    return number


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(text[:MAX_DIGITS])
    return int(text)


def _refuse(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are no amounts


def _csv(text: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        raise _NotARecord("not_csv") from None
    if len(rows) != 1:
        raise _NotARecord("not_csv")
    return rows[0]


def _pairs(text: str) -> dict[str, object]:
    """``name=value`` pairs; the separator is the first of tab, ``;``, ``&``, ``,`` that the line has."""
    separator = next((mark for mark in "\t;&," if mark in text), ";")
    found: dict[str, object] = {}
    for pair in text.split(separator):
        name, equals, value = pair.partition("=")
        if not equals and pair.strip():
            raise _NotARecord("not_key_value")
        if name.strip():
            found[name.strip()] = value.strip()
    return found


def _mapped(found: dict[str, object], fields: dict[str, str]) -> dict[str, object]:
    """Return the record with our names: dotted names of either side go into nested objects."""
    record = dict(found)
    taken: list[tuple[str, object]] = []
    for ours, theirs in fields.items():
        value = _lookup(found, theirs)
        if value is not None:
            taken.append((ours, value))
            record.pop(theirs, None)
    taken += [(name, record.pop(name)) for name in list(record) if "." in name]
    for name, value in taken:
        _place(record, name.split("."), value)
    return record


def _lookup(found: dict[str, object], path: str) -> object:
    if path in found:
        return found[path]
    value: Any = found
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _place(record: dict[str, object], path: list[str], value: object) -> None:
    for name in path[:-1]:
        inner = record.get(name)
        inner = dict(inner) if isinstance(inner, dict) else {}  # a copy: mapped values may share what they came from
        record[name] = inner
        record = inner
    record[path[-1]] = value


def _nested_totals(record: dict[str, object]) -> dict[str, object]:
    flat = {name: record[name] for name in TOTALS if name in record}
    totals = record.get("totals")
    if not flat or not (totals is None or isinstance(totals, dict)):
        return record
    nested = {name: value for name, value in record.items() if name not in flat}
    nested["totals"] = {**flat, **(totals or {})}
    return nested
