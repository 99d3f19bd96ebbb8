"""What a person reads: each row of each capture with what it was taken for, and what nobody could explain."""

from collections.abc import Iterator, Sequence

from edge_agent.receipts.reading import Reading
from edge_agent.receipts.teach import fields, sums
from edge_agent.receipts.teach.slip import Opened
from edge_agent.receipts.teach.sums import Explanation
from edge_agent.receipts.template import TemplateSettings

_UNEXPLAINED = "?"
_WIDTH = 12
_LONGEST_TILL = 6  # characters
_ROLES = {"due": "payable", "none": "no money"}


def unproved(slips: Sequence[Sequence[Opened]]) -> tuple[str, ...]:
    """Return what can be said of captures whose sums prove nothing."""
    found = ["no sum holds on all captures: nothing is proposed. The figures that could not be explained:"]
    for number, rows in enumerate(slips, 1):
        found += [f"capture {number}", *(_line(_UNEXPLAINED, row) for row in rows if row.amounts)]
    return (*found, "take captures of one layout, each with several goods, and one paid with change if you can")


def rows(slips: Sequence[Sequence[Opened]], explanation: Explanation, readings: Sequence[Reading]) -> tuple[str, ...]:
    """Return every row of every capture with what it was taken for; ``?``: it holds figures nobody explained."""
    found: list[str] = []
    keys = [{row.key for row in slip} for slip in slips]
    shared = set.intersection(*keys)
    for number, slip in enumerate(slips):
        goods = {id(row) for row in sums.between(slip, explanation.start, explanation.end)}
        reading = readings[number] if readings else None
        payable = explanation.payable[number]
        found.append(f"capture {number + 1}: {len(explanation.goods[number])} goods, payable {payable} (minor units)")
        found += [
            _line(
                _meaning(row, row_is_goods=id(row) in goods, shared=shared, explanation=explanation, reading=reading),
                row,
            )
            for row in slip
        ]
    return tuple(found)


def _line(meaning: str, row: Opened) -> str:
    return f"  {meaning:<{_WIDTH}} {row.row.text.strip()}"


def _meaning(
    row: Opened, *, row_is_goods: bool, shared: set[str], explanation: Explanation, reading: Reading | None
) -> str:
    if row.row.rule:
        return "rule"
    if row_is_goods:
        return "goods" if row.amounts else "goods, name"
    roles = [explanation.roles[found.key] for found in row.labelled if found.key in explanation.roles]
    if roles:
        return _ROLES.get(roles[0], roles[0])
    if reading is not None and reading.number is not None and reading.number in row.row.text.replace(" ", ""):
        return "number"
    if (
        reading is not None
        and reading.printed_at is not None
        and f"{reading.printed_at:%M}" in row.row.text
        and ":" in row.row.text
        and any(t.text[:1].isdigit() for t in row.row.tokens)
    ):
        return "printed_at"
    named = [pair.word.role for pair in row.row.pairs]
    if named:
        return named[0]
    if row.key in shared:
        return "same on all"
    return _UNEXPLAINED if any(character.isdigit() for character in row.row.text) else "text"


def questions(explanation: Explanation) -> tuple[str, ...]:
    """Return what only a person knows: labels whose two roles the sums bear out alike."""
    asked = {label: roles for label, roles in explanation.open.items() if roles[1] != "due"} or explanation.open
    found = [
        f"{label} may be a {first} or {_ROLES.get(other, other)}, the sums hold both ways: nothing is proposed. "
        f"Say what it is: --label '{label}=discount' or a means of payment such as --label '{label}=coupon'"
        for label, (first, other) in asked.items()
    ]
    if not explanation.paid:
        found += [
            f"no sum has a use for {label}, and none shows how the slips were paid: nothing is proposed. "
            f"Say what it is: --label '{label}=none', or a means of payment"
            for label in explanation.unused
        ]
    return tuple(found)


def remarks(
    settings: TemplateSettings,
    slips: Sequence[Sequence[Opened]],
    explanation: Explanation,
    readings: Sequence[Reading],
) -> tuple[str, ...]:
    """Return what a person should look at before the template goes into a store's configuration."""
    return tuple(_remarks(settings, slips, explanation, readings))


def _remarks(
    settings: TemplateSettings,
    slips: Sequence[Sequence[Opened]],
    explanation: Explanation,
    readings: Sequence[Reading],
) -> Iterator[str]:
    proved = "lines and tenders" if explanation.paid else "lines"
    yield f"proposed from {len(slips)} captures, proved by their own sums: {proved} of each make its total"
    if not settings.match:
        yield "no row is the same on all captures: the template tries every slip; give it a match of the shop's own"
    for label in (label for label, kind in settings.tenders.items() if kind == "other"):
        yield f"say what {label} is: --label '{label}=cash' (wechat_pay, coupon …); until then it is other"
    for label in explanation.doubtful:
        yield f"{label} repeats the total on every capture: if it is how it was paid, say --label '{label}=cash' (…)"
    for label, role in settings.money.items():
        if role in ("discount", "fee"):
            yield f"{label} is a {role} by its sums: rounding, tax or tip are said in [money] as well"
    for label in (label for label, role in settings.money.items() if role == "none"):
        yield f"{label} was taken to mean no money of the sale: no sum has a use for it"
    if any(reading.number is None for reading in readings):
        yield "no label has another value on every capture: the receipt's number was not found"
    if any(reading.printed_at is None for reading in readings):
        yield "no date and time were found on every capture"
    yield from _unused(slips, explanation, readings)


def _unused(slips: Sequence[Sequence[Opened]], explanation: Explanation, readings: Sequence[Reading]) -> Iterator[str]:
    """Yield the labels whose short values may be a till, a table or a person at it: no sum can tell which."""
    used = {value for reading in readings for value in (reading.number, reading.workstation, reading.table)}
    for found in fields.numbered(slips):
        short = all(len(value) <= _LONGEST_TILL for value in found.values)
        if short and found.key not in explanation.roles and not used & set(found.values):
            values = ", ".join(dict.fromkeys(found.values))
            yield f"not used: {found.label} ({values}); if it is the till: [fields] workstation = '{found.pattern}'"
