"""Receipts on a line where one byte in a hundred is spoilt: what of them arrives, and what of it can be trusted.

``python -m tests.support.noise [RECEIPTS]`` prints the table of docs/noise.md.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from edge_agent import receipts
from edge_agent.decoders import escpos
from edge_agent.observations import Receipt
from edge_agent.receipts import Reading, Template
from edge_agent.simulator import receipts as simulator
from tests.support.receipts import zh
from tests.support.receipts.paper import Sale
from tests.support.streams import flip_bits

SEED = 20261122
SHARE = 0.01
_INIT, _CUT = b"\x1b@\x1c&", b"\x1bd\x04\x1dVB\x00"
# A logo of 192 × 64 dots, as many shops print one.
_LOGO = b"\x1dv0\x00\x18\x00\x40\x00" + bytes(24 * 64)


@dataclass(frozen=True)
class Printed:
    """A receipt as sent, and what is on it. ``tenders``: type and minor units, sorted."""

    data: bytes
    kind: str
    number: str | None
    payable: int | None
    tenders: tuple[tuple[str, int], ...]


@dataclass
class Tally:
    """How receipts fared. ``outcomes``: each counts in one of them.

    ``right``: kind, payable and tenders as printed; ``withheld``: what is stated is right, but no tender is stated, or
    one is ``other`` with the label as it was read; ``reported``: something is wrong or missing, and a failed check or
    an unparsed event says so; ``silent``: something stated is wrong and no check failed; ``lost``: nothing of it became
    a receipt of its own.
    """

    printed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    framed: int = 0
    text: list[float] = field(default_factory=list)
    figures: int = 0  # kind, payable and tenders are as printed, whatever else failed
    wrong_numbers: int = 0
    silent: list[str] = field(default_factory=list)

    def share(self, *outcomes: str) -> float:
        """Return the share of receipts with one of these outcomes."""
        return sum(self.outcomes[outcome] for outcome in outcomes) / self.printed

    @property
    def mostly_text(self) -> float:
        """The share of receipts that keep nine tenths of their characters."""
        return sum(share >= 0.9 for share in self.text) / self.printed


Spoil = Callable[[bytes, random.Random], bytes]


def flipped(data: bytes, rng: random.Random) -> bytes:
    """Flip one bit in 1 % of the bytes."""
    return flip_bits(data, SHARE, rng)


def dropped(data: bytes, rng: random.Random) -> bytes:
    """Lose 1 % of the bytes."""
    return bytes(byte for byte in data if rng.random() >= SHARE)


def burst(data: bytes, rng: random.Random) -> bytes:
    """Insert bursts of 1 to 7 random bytes, within and between receipts, 1 % of the bytes in all."""
    return b"".join(
        bytes((byte,)) + (rng.randbytes(rng.randrange(1, 8)) if rng.random() < SHARE / 4 else b"") for byte in data
    )


def interleaved(one: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return both as a line carries them when two send at once: a few bytes of the one, a few of the other."""
    rest, out = [one, other], b""
    while any(rest):
        side = rng.randrange(2)
        count = rng.randrange(1, 16)
        out, rest[side] = out + rest[side][:count], rest[side][count:]
    return out


MODELS: tuple[Spoil, ...] = (flipped, dropped, burst)


def shop(count: int, rng: random.Random, *, logo: bool = False) -> list[Printed]:
    """Return receipts of a day: one in two by the simulator's till, the others in layouts of Chinese shops."""
    now = datetime(2026, 11, 22, 8)
    found = []
    for index in range(count):
        now += timedelta(seconds=rng.randrange(30, 200))
        if index % 2:
            style = rng.choice(tuple(simulator.GOODS))
            sale = simulator.ring_up(rng, style, f"20261122{index:06d}", now)
            tenders = tuple(sorted((tender.type, tender.amount) for tender in sale.tenders))
            printed = Printed(simulator.encode(sale), sale.kind, sale.order_no, sale.payable, tenders)
        else:
            slip = rng.choice(_SALES)(Sale(rng.randrange(1 << 30)))
            data = _INIT + "".join(f"{row}\n" for row in slip.lines).encode("gb18030") + _CUT
            truth = slip.truth
            printed = Printed(data, truth.kind, truth.number, truth.payable, tuple(sorted(truth.tenders)))
        if logo:
            printed = Printed(
                printed.data[:2] + _LOGO + printed.data[2:], printed.kind, printed.number, printed.payable,
                printed.tenders,
            )  # fmt: skip
        found.append(printed)
    return found


_SALES = (
    zh.supermarket_columns, zh.hypermarket_two_lines, zh.convenience_member_discount, zh.restaurant_bill, zh.pharmacy,
    zh.weighed_at, zh.split_tenders, zh.return_slip,
)  # fmt: skip


def measure(
    spoil: Spoil, count: int, templates: Sequence[Template], *, busy: bool = False, logo: bool = False
) -> Tally:
    """Return how ``count`` receipts fare. ``busy``: they follow each other without a silence."""
    rng = random.Random(f"{SEED}{spoil.__name__}")
    sales = shop(count, rng, logo=logo)
    tally = Tally(count)
    edges = [0]
    stream = []
    for sale in sales:
        stream.append(spoil(sale.data, rng))
        edges.append(edges[-1] + len(stream[-1]))
    own: list[list[tuple[Receipt, bool]]] = [[] for _ in sales]
    for receipt, start, end in _heard(stream, busy):
        shares = [
            (max(0, min(end, edges[i + 1]) - max(start, edges[i])) / max(1, len(stream[i])), i)
            for i in range(len(sales))
            if edges[i] < end and start < edges[i + 1]
        ]
        whose = max(shares, default=(0.0, 0))[1]
        own[whose].append((receipt, sum(share > 0.5 for share, _ in shares) > 1))
    for sale, mine in zip(sales, own, strict=True):
        _judge(tally, sale, mine, templates)
    return tally


def _heard(stream: Sequence[bytes], busy: bool) -> Iterator[tuple[Receipt, int, int]]:
    """Yield the receipts and where in the stream they stand."""
    decoder = escpos.Decoder(escpos.Settings())
    start = 0
    for data in stream:
        pieces = [data[at : at + 1] for at in range(len(data))] if busy else [data]
        for piece in pieces:
            found = [one for one in decoder.feed(piece) if isinstance(one, Receipt)]
            yield from ((one, start, decoder.consumed) for one in found)
            start = decoder.consumed
        if not busy:
            yield from ((one, start, decoder.consumed) for one in decoder.idle() if isinstance(one, Receipt))
            start = decoder.consumed
    yield from ((one, start, decoder.consumed) for one in decoder.idle() if isinstance(one, Receipt))


def _judge(tally: Tally, sale: Printed, mine: Sequence[tuple[Receipt, bool]], templates: Sequence[Template]) -> None:
    rows = [row for receipt, _ in mine for row in receipt.lines]
    tally.framed += len([one for one, _ in mine if len(one.lines) > 2]) == 1 and not any(merged for _, merged in mine)
    tally.text.append(_kept(sale, rows))
    verdicts = [_verdict(sale, receipts.read(receipt.lines, templates, "CNY", receipt.barcodes)) for receipt, _ in mine]
    outcome = next(
        (name for name in ("silent", "right", "withheld", "reported") if name in [v for v, _, _ in verdicts]), "lost"
    )
    tally.outcomes[outcome] += 1
    tally.figures += any(figures for _, figures, _ in verdicts)
    tally.wrong_numbers += any(wrong for _, _, wrong in verdicts)
    if outcome == "silent":
        tally.silent.append(f"{sale.kind} {sale.payable} {sale.tenders}: " + " / ".join(rows))


def _kept(sale: Printed, rows: Sequence[str]) -> float:
    """Return the share of the printed characters that stand in the rows in their order."""
    clean = escpos.Decoder(escpos.Settings())
    seen = clean.feed(sale.data) + clean.idle()
    before = "".join("".join(one.lines) for one in seen if isinstance(one, Receipt)).replace(" ", "")
    after = "".join(rows).replace(" ", "")
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(before)


def _verdict(sale: Printed, reading: Reading | None) -> tuple[str, bool, bool]:
    """Return the outcome, whether all figures are right, and whether a wrong receipt number is stated."""
    if reading is None or reading.totals.payable is None:
        return "reported", False, False  # an unparsed event
    tenders = tuple(sorted((tender.type, tender.amount) for tender in reading.tenders))
    payable = reading.kind == sale.kind and reading.totals.payable == sale.payable
    stated_wrong = not payable or (tenders and not _agree(tenders, sale.tenders))
    failed = "fail" in (reading.lines_check, reading.tenders_check)
    number = reading.number not in (None, sale.number)
    if stated_wrong:
        return ("reported" if failed else "silent"), False, number
    figures = tenders == sale.tenders
    return ("reported" if failed else "right" if figures else "withheld"), figures, number


def _agree(stated: Sequence[tuple[str, int]], printed: Sequence[tuple[str, int]]) -> bool:
    """Tell whether the stated tenders are the printed ones; ``other`` states an amount and no type."""
    left = list(printed)
    for type_, amount in sorted(stated, key=lambda tender: tender[0] == "other"):
        same = next((one for one in left if one[1] == amount and type_ in (one[0], "other")), None)
        if same is None:
            return False
        left.remove(same)
    return not left


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    templates = [receipts.compile(settings) for settings in receipts.shipped().values()]
    heads = (
        "noise",
        "own receipt",
        "text",
        "figures",
        "right",
        "withheld",
        "reported",
        "silent",
        "lost",
        "number wrong",
    )
    sys.stdout.write("| " + " | ".join(heads) + " |\n")
    for busy, logo in ((False, False), (True, False), (False, True), (True, True)):
        for spoil in MODELS:
            tally = measure(spoil, count, templates, busy=busy, logo=logo)
            name = spoil.__name__ + (", busy" if busy else "") + (", logo" if logo else "")
            shares = (
                tally.framed / count, tally.mostly_text, tally.figures / count, tally.share("right"),
                tally.share("withheld"), tally.share("reported"), tally.share("silent"), tally.share("lost"),
                tally.wrong_numbers / count,
            )  # fmt: skip
            sys.stdout.write(f"| {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |\n")
            sys.stdout.writelines(f"  {line}\n" for line in tally.silent[: 1000 // count])


if __name__ == "__main__":
    main()
