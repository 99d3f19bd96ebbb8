r"""ECR: what a payment terminal answers the register, read while it passes by → ``Payment``. The agent never writes.

    02 [n n] body 03 k                   STX, length of the body where there is one, ETX, LRC
    06 · 15 · 05 · 04                    ACK, NAK, ENQ, EOT between the messages
    01 text 04                           progress for the cashier's display, without a check sum (Nexi)

Every vendor's differ, so all of it is configuration and nothing is guessed: where the LRC begins and ends and what it
starts from, how long the length is, where the fields are and what their codes mean. Known, from public sources:

- Ingenico and Hypercom style (Transbank, NETS, Credibanco, many Chinese acquirers): length in BCD, LRC from the length
  to ETX, a header, then tagged fields with 1C between them;
- Nexi "Traditional POS" (ECR17): no length, LRC from 7F over the message and ETX (some terminals also over STX), fixed
  positions (developer.nexigroup.com/traditionalpos, "Communication protocol").

A ``Payment`` is said for each answer that has a result. The same answer again is the same payment: after a NAK, where
no ACK was seen since, or where it bears the same reference. What the register asks is no answer: ``answers`` tells them
apart where both directions are on the line. Answers with a ``kind`` that is not in ``kinds`` (settlement, balance) are
no payments and say nothing.

Only mapped fields leave the decoder, and they leave it as they came: a card number that somebody maps is redacted by
the shop, as everything is, before it is stored or sent. ``modes()`` holds 24 bits of a hash of the last answer.

Undecoded reasons: ``noise``, ``checksum``, ``unfinished``, ``malformed`` (tags and lengths do not fill the body, or a
mapped field is no text), ``no_result`` (an answer by ``answers`` without one), ``amount`` (it is there and no amount).
The LRC is one byte of exclusive or: two errors in one message that flip the same bit pass it.
"""

import hashlib
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import reduce
from operator import xor
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from edge_agent.decoders._ecr_fields import WHERE, Body, Layout, MalformedError, Number, fields, number
from edge_agent.decoders._frames import INVALID, NEED_MORE, Frames, Piece, memo
from edge_agent.fields import Settings as BaseSettings
from edge_agent.observations import Decoded, Payment, Undecoded

# Answers are a few hundred bytes; those that carry the slip to print stay below this.
MAX_BODY = 2048


def _place(text: str) -> str:
    if WHERE.fullmatch(text) is None:
        raise ValueError('must be a place in the message: "bytes 9-10", "field 3", "tag 40"')
    return text


Where = Annotated[str, AfterValidator(_place)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Range = Literal["stx-etx", "length-etx", "body-etx", "stx-body", "length-body", "body"]
Result = Literal["approved", "declined", "cancelled"]
Kind = Literal["sale", "return", "void"]
Tender = Literal[
    "cash", "bank_card", "unionpay_qr", "wechat_pay", "alipay", "ecny", "stored_value", "member_points", "coupon",
    "group_voucher", "gift_card", "credit_account", "cod", "other",
]  # fmt: skip


class Settings(BaseSettings):
    """The keys ``ecr`` adds to a device, each as the terminal's manual says it.

    A place is ``bytes 9-10`` (of the body, counted from 1), ``field 3`` (between separators) or ``tag 40``. ``fields``:
    our name = the place; ``result`` must be among them, ``kind`` ``amount`` ``type`` ``reference`` have a meaning, any
    other is kept under its name. ``amount``: ``minor`` units in digits, ``decimal`` with a point and at most
    ``decimals`` places, or minor units in ``bcd``. ``answers``: place = the codes there of an answer. ``header``: bytes
    of the body before its first field; ``value_length``: how a tlv value's length is written.
    """

    lrc: Range
    lrc_seed: int = Field(default=0, ge=0, le=255)
    length: Literal["none", "bcd", "binary"]
    body: Body
    header: int = Field(default=0, ge=0, le=MAX_BODY)
    separator: int = Field(default=0x1C, ge=0, le=255)
    tag_size: int = Field(default=2, ge=1, le=8)
    value_length: Number = "ascii"
    value_length_size: int = Field(default=2, ge=1, le=4)
    encoding: Literal["gb18030", "utf_8", "big5", "shift_jis", "euc_kr", "cp1252"] = "gb18030"
    amount: Literal["minor", "decimal", "bcd"] = "minor"
    decimals: int = Field(default=2, ge=0, le=4)
    fields: dict[Name, Where]
    answers: dict[Where, tuple[str, ...]] = Field(default_factory=dict)
    results: dict[str, Result]
    kinds: dict[str, Kind] = Field(default_factory=dict)
    types: dict[str, Tender] = Field(default_factory=dict)

    @field_validator("fields")
    @classmethod
    def _has_a_result(cls, places: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if "result" not in places:
            raise ValueError("must say where the result is")
        _check_places(places.values(), info.data.get("body"))
        return places

    @field_validator("answers")
    @classmethod
    def _are_places(cls, answers: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
        _check_places(answers, info.data.get("body"))
        return answers

    def layout(self) -> Layout:
        """Return how the body is laid out."""
        return Layout(self.body, self.header, self.separator, self.tag_size, self.value_length, self.value_length_size)


_PLACES: dict[str | None, tuple[str, ...]] = {
    "positions": ("bytes",),
    "separated": ("bytes", "field", "tag"),
    "tlv": ("bytes", "tag"),
}


def _check_places(places: Iterable[str], body: str | None) -> None:
    for place in places:
        word = place.partition(" ")[0]
        if word not in _PLACES.get(body, (word,)):
            raise ValueError(f'"{place}" is not possible with body = "{body}"')


class _NoAnswer(Exception):  # noqa: N818 - an outcome of reading, not an error of ours
    """The message is no payment; the argument is the reason code where it should have been one."""


_PROGRESS = rb"\x01[\x20-\x7e]{1,40}\x04"  # Nexi sends 20 characters, others two lines of the display
_SIGNS = re.compile(rb"(?:[\x04\x05\x06\x15]|" + _PROGRESS + rb")*")
_ACK = 0x06
_AMOUNT = re.compile(r"\+?(\d{1,12})")  # minor units; BCD reads the same once it is digits
_DECIMAL = re.compile(r"\+?(\d{1,10}(?:\.\d{1,4})?)")
_MEANT = ("result", "kind", "amount", "type", "reference")


class Decoder:
    """See ``edge_agent.decoders.Decoder`` for the contract of the methods."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._layout = settings.layout()
        self._frames = Frames(re.compile(rb"\x02"), self._measure)
        self._last = b""  # of the last answer, a hash
        self._acknowledged = False  # it was, or something else was said since

    def feed(self, data: bytes) -> list[Decoded]:
        """Take bytes as they arrive, cut anywhere; return the payments that became complete."""
        return self._observed(self._frames.feed(data))

    def idle(self) -> list[Decoded]:
        """Give back half a message."""
        return self._observed(self._frames.idle())

    def unfinished(self) -> bytes:
        """Return ``modes()`` and the bytes of the message under way."""
        return self.modes() + self._frames.unfinished()

    @property
    def consumed(self) -> int:
        """Count the bytes of all messages, and of what was none."""
        return self._frames.consumed

    def modes(self) -> bytes:
        """Return by what the last answer is known if it comes again, and whether it was acknowledged."""
        return memo(bytes((self._acknowledged,)) + self._last) if self._last else b""

    def _measure(self, buffer: bytearray, at: int) -> tuple[int, str | None]:
        """Return how long the message at ``at`` is, and whether its LRC is wrong."""
        head = 1 if self._settings.length == "none" else 3
        end = self._end_by_length(buffer, at) if head == 3 else self._end_by_etx(buffer, at)
        if end <= NEED_MORE:
            return end, None
        if len(buffer) < end + 2:
            return NEED_MORE, None
        if buffer[end] != 0x03:
            return INVALID, None
        first, last = self._settings.lrc.partition("-")[::2]
        start = at + {"stx": 0, "length": 1, "body": head}[first]
        covered = buffer[start : end + 1 if last == "etx" else end]
        right = buffer[end + 1] == reduce(xor, covered, self._settings.lrc_seed)
        return end + 2 - at, None if right else "checksum"

    def _end_by_length(self, buffer: bytearray, at: int) -> int:
        """Return where ETX must be."""
        if len(buffer) - at < 3:
            return NEED_MORE
        length = number(bytes(buffer[at + 1 : at + 3]), "bcd" if self._settings.length == "bcd" else "binary")
        return at + 3 + length if length and length <= MAX_BODY else INVALID

    @staticmethod
    def _end_by_etx(buffer: bytearray, at: int) -> int:
        """Return where ETX is: nothing that begins a message is in one."""
        found = _EDGE.search(buffer, at + 1, at + 1 + MAX_BODY + 1)
        if found is None:
            return NEED_MORE if len(buffer) - at <= MAX_BODY + 1 else INVALID
        return found.start() if found[0] == b"\x03" and found.start() > at + 1 else INVALID

    def _observed(self, pieces: list[Piece]) -> list[Decoded]:
        out: list[Decoded] = []
        for piece in pieces:
            if piece.reason == "memo":
                self._acknowledged, self._last = piece.data[:1] == b"\x01", piece.data[1:4]
            elif piece.reason is None:
                out += self._message(piece.data)
            else:
                self._acknowledged |= _ACK in piece.data
                if not _SIGNS.fullmatch(piece.data):
                    out.append(Undecoded(piece.data, piece.reason))
        return out

    def _message(self, message: bytes) -> list[Decoded]:
        head = 1 if self._settings.length == "none" else 3
        try:
            payment = self._payment(message[head:-2])
        except _NoAnswer as no_answer:
            self._acknowledged = True
            return [Undecoded(message, str(no_answer))] if str(no_answer) else []
        known = hashlib.blake2b(message, digest_size=3).digest()
        again = known == self._last and (payment.reference is not None or not self._acknowledged)
        self._last, self._acknowledged = known, False
        return [] if again else [payment]

    def _payment(self, body: bytes) -> Payment:
        settings = self._settings
        try:
            at = fields(body, self._layout)
        except MalformedError:
            raise _NoAnswer("malformed") from None

        def text(place: str, name: str = "") -> str:
            data = at(place) or b""
            if name == "amount" and settings.amount == "bcd":
                return data.hex()
            value = data.decode(settings.encoding, "replace").strip(" \0")
            if not value.isprintable() or "\ufffd" in value:
                raise _NoAnswer("malformed")
            return value

        if not all(text(place) in codes for place, codes in settings.answers.items()):
            raise _NoAnswer
        found = {name: value for name, place in settings.fields.items() if (value := text(place, name))}
        if "result" not in found:
            raise _NoAnswer("no_result" if settings.answers else "")
        kind = settings.kinds.get(found.get("kind", "")) if "kind" in settings.fields else "sale"
        if kind is None:
            raise _NoAnswer
        return Payment(
            result=settings.results.get(found["result"], "unknown"),
            kind=kind,
            amount=self._amount(found.get("amount")),
            type=settings.types.get(found.get("type", "")),
            reference=found.get("reference"),
            fields={name: value for name, value in found.items() if name not in _MEANT},
        )

    def _amount(self, printed: str | None) -> int | None:
        """Return minor units; None where the answer has no amount."""
        if printed is None:
            return None
        match = (_DECIMAL if self._settings.amount == "decimal" else _AMOUNT).fullmatch(printed)
        if match is None:
            raise _NoAnswer("amount")
        minor = Decimal(match[1]).scaleb(self._settings.decimals if self._settings.amount == "decimal" else 0)
        if minor != int(minor):
            raise _NoAnswer("amount")
        return int(minor)


_EDGE = re.compile(rb"[\x02\x03]")
