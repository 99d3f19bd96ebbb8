"""Read a slip by templates: rows, words, goods, sums, kind."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import re2

from edge_agent.contract.data import Line, Tender, Totals
from edge_agent.receipts import fields, grid, items, layout, sums
from edge_agent.receipts.amounts import minor_digits
from edge_agent.receipts.amounts import parse as parse_number
from edge_agent.receipts.grid import Row
from edge_agent.receipts.items import Goods, Mode
from edge_agent.receipts.reading import Reading
from edge_agent.receipts.sums import Figure, Solution
from edge_agent.receipts.template import TemplateSettings
from edge_agent.receipts.tenders import entry, provider, references
from edge_agent.receipts.words import Lexicon, fold, table

_MODES = (Mode(), Mode(whole=True), Mode(product=True))
_ORDERLESS = frozenset({"kitchen", "merchant_copy", "shift_report", "cash_in_out", "prebill", "reprint"})
_APPROVAL = ("承认", "承認", "授权", "approval", "appr", "auth", "app code", "승인", "凭证号")
_QUIET = re2.Options()
_QUIET.log_errors = False


@dataclass(frozen=True, slots=True)
class Template:
    """A template ready to read: its settings, its words and its compiled patterns."""

    settings: TemplateSettings
    lexicon: Lexicon
    match: tuple[Any, ...]
    fields: Mapping[str, Any]
    kinds: Mapping[str, tuple[Any, ...]]
    lines: Mapping[str, Any]


@cache
def _lexicon(languages: tuple[str, ...]) -> Lexicon:
    return Lexicon([table(language) for language in languages])


def compile(settings: TemplateSettings) -> Template:  # noqa: A001 - the field's word, as in re.compile
    """Make a template ready to read. Raises ValueError if one of its patterns cannot be used, and says which."""
    own = {str(k): str(v) for k, v in settings.tenders.items()}
    lexicon = Lexicon([table(x) for x in settings.words], own) if own else _lexicon(settings.words)
    lines = {k: _compiled(v, f"lines.{k}") for k, v in settings.lines.model_dump(exclude_none=True).items()}
    for name, needed in (("item", "amount"), ("adjust", "amount")):
        if name in lines and needed not in lines[name].groupindex:
            raise ValueError(f"lines.{name}: needs a group (?P<{needed}>…)")
    found = {str(k): _compiled(v, f"fields.{k}") for k, v in settings.fields.items()}
    for name, pattern in found.items():
        if pattern.groups < 1:
            raise ValueError(f"fields.{name}: the value must be in a group (…)")
    return Template(
        settings,
        lexicon,
        tuple(_compiled(p, "match") for p in settings.match),
        found,
        {str(k): tuple(_compiled(p, f"kind.{k}") for p in v) for k, v in settings.kind.items()},
        lines,
    )


def _compiled(pattern: str, where: str) -> Any:
    try:
        return re2.compile(pattern, _QUIET)
    except re2.error as error:
        raise ValueError(f"{where}: not an RE2 regular expression: {error}") from error


@cache
def shipped() -> dict[str, TemplateSettings]:
    """Return the templates that come with the agent, by name, in the order they are tried."""
    folder = files("edge_agent.receipts").joinpath("templates")
    found = [
        TemplateSettings.model_validate(tomllib.loads(entry.read_text(encoding="utf-8")))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    ]
    return {s.name: s for s in sorted(found, key=lambda s: (-s.priority, s.name))}


def read(
    lines: Sequence[str], templates: Sequence[Template], currency: str = "CNY", barcodes: Sequence[str] = ()
) -> Reading | None:
    """Return what a slip says, by the first template whose sums it proves, else by the best one; None: by none of them.

    ``lines``: the slip as laid out on a grid of cells. ``barcodes``: what its bar code commands said.
    """
    best: tuple[float, Reading] | None = None
    text = "\n".join(lines)
    for template in sorted(templates, key=lambda t: -t.settings.priority):
        if template.match and not any(pattern.search(text) for pattern in template.match):
            continue
        reading = _read(lines, template, currency, barcodes)
        if reading is None or _refused(reading, template.settings):
            continue
        score = _score(reading)
        if best is None or score > best[0]:
            best = (score, reading)
        if reading.lines_check == reading.tenders_check == "pass":
            break
    return best[1] if best is not None else None


def _refused(reading: Reading, settings: TemplateSettings) -> bool:
    checks = {"lines": reading.lines_check, "tenders": reading.tenders_check}
    return any(checks[name] == "fail" for name in settings.checks)


def _score(reading: Reading) -> float:
    value = {"pass": 4.0, "unknown": 0.0, "fail": -2.0}
    score = value[reading.lines_check] + value[reading.tenders_check] + (reading.totals.payable is not None)
    return score + 0.5 * (reading.number is not None) + 0.2 * len(reading.tenders)


# --- one template -----------------------------------------------------------------------------------------------------


def _read(lines: Sequence[str], template: Template, currency: str, barcodes: Sequence[str]) -> Reading | None:
    digits = minor_digits(currency)
    rows = _wanted(grid.rows(lines, template.lexicon), template)
    solution, figures, unread = _solve(rows, template, digits)
    found = fields.titles(rows, template.lexicon, template.kinds)
    negative = solution is not None and solution.payable < 0
    paid = solution is not None and solution.paid is not None and bool(solution.paid.tenders)
    refund = solution is not None and any(f.role == "refund" and f.amount == solution.payable for f in figures)
    kind = fields.decide(found, negative=negative, refund=refund, paid=paid, priced=solution is not None)
    if any(f.role == "top_up" for f in figures) and kind == "sale" and solution is not None and solution.built is None:
        kind = "top_up"
    if kind == "sale" and _is_card_slip(rows, solution):
        kind = "merchant_copy"
    if solution is None and kind not in _ORDERLESS:
        return None
    return _reading(rows, template, currency, barcodes, solution, kind, found.channel, unread)


def _is_card_slip(rows: Sequence[Row], solution: Solution | None) -> bool:
    """Tell whether this is the payment terminal's own slip: approval and terminal numbers, no goods, no tender."""
    if solution is None or solution.built is not None or (solution.paid is not None and solution.paid.tenders):
        return False
    labels = {fold(p.label) for row in rows for p in row.pairs if p.word.role == "reference"}
    return len(labels) >= 2 and any(word in label for label in labels for word in _APPROVAL)


def _wanted(rows: list[Row], template: Template) -> list[Row]:
    skip = template.lines.get("skip")
    return rows if skip is None else [row for row in rows if not skip.search(row.text)]


def _solve(rows: Sequence[Row], template: Template, digits: int) -> tuple[Solution | None, list[Figure], list[int]]:
    """Return the best solution over the places where the goods may be, the labelled amounts, the rows not understood."""
    best: tuple[float, Solution | None, list[Figure], list[int]] | None = None
    for region in _regions(rows, template):
        readings, unread = _goods(rows[region.start : region.end], template, region.columns, digits)
        everywhere, methods = layout.figures(rows, template.lexicon, digits)
        after = rows[region.end].index if region.end < len(rows) else -1
        figures = [f for f in everywhere if f.row >= after]
        figures = _as_template_says(figures, rows, template, digits)
        solution = sums.solve(figures, methods, readings)
        score = solution.score if solution is not None else -1.0
        if best is None or score > best[0]:
            best = (score, solution, figures, unread)
        if solution is not None and solution.built is not None:
            break
    return (None, [], []) if best is None else best[1:]


def _regions(rows: Sequence[Row], template: Template) -> list[layout.Region]:
    found = layout.regions(rows, template.lexicon, template.settings.columns)
    start, end = template.lines.get("start"), template.lines.get("end")
    if start is not None:
        at = next((i + 1 for i, row in enumerate(rows) if start.search(row.text)), None)
        if at is not None:
            found = [layout.Region(at, max(at, region.end), region.columns) for region in found]
    if end is not None:
        at = next((i for i, row in enumerate(rows) if i >= found[0].start and end.search(row.text)), None)
        if at is not None:
            found = [layout.Region(found[0].start, at, found[0].columns)]
    return found


def _goods(
    rows: Sequence[Row], template: Template, columns: Sequence[str], digits: int
) -> tuple[list[list[Goods]], list[int]]:
    """Return the goods as each mode reads them, without those that came out the same."""
    readings: list[list[Goods]] = []
    first_unread: list[int] = []
    own = {k: template.lines[k] for k in ("item", "adjust", "continuation") if k in template.lines}
    if own:
        return [items_by_pattern(rows, own, digits)], []
    for mode in _MODES:
        if mode.whole and digits == 0:
            continue
        goods, unread = items.read(rows, template.lexicon, columns, mode, digits)
        if mode == _MODES[0]:
            first_unread = unread
            readings.append(goods)  # even if empty: what does not add up is shown as this mode reads it
        elif goods and goods not in readings:
            readings.append(goods)
    return readings, first_unread


def items_by_pattern(rows: Sequence[Row], own: Mapping[str, Any], digits: int) -> list[Goods]:
    """Return the goods by a template's own patterns."""
    found: list[Goods] = []
    for row in rows:
        for name, kind in (("adjust", "discount"), ("item", "sale")):
            match = own[name].search(row.text) if name in own else None
            if match is None:
                continue
            groups = {k: (match.group(k) or "").strip() for k in own[name].groupindex}
            amount = _minor(groups.get("amount", ""), digits)
            if amount is None:
                continue
            quantity = parse_number(groups.get("quantity", ""))
            found.append(
                Goods(
                    row.index,
                    kind,
                    groups.get("name", ""),
                    amount,
                    quantity.value if quantity is not None else None,
                    groups.get("unit") or None,
                    _minor(groups.get("unit_price", ""), digits),
                    groups.get("code") or None,
                )
            )
            break
        else:
            if found and "continuation" in own and own["continuation"].search(row.text):
                last = found[-1]
                found[-1] = Goods(
                    last.row, last.kind, f"{last.name}{row.text.strip()}", last.amount, last.quantity, last.unit,
                    last.unit_price, last.code,
                )  # fmt: skip
    return found


def _minor(text: str, digits: int) -> int | None:
    number = parse_number(text)
    return None if number is None else number.minor(digits)


def _as_template_says(figures: list[Figure], rows: Sequence[Row], template: Template, digits: int) -> list[Figure]:
    """Let the template decide what 实收 means and where payable is."""
    said = template.settings.received
    if said != "sums":
        role = "received" if said == "tendered" else "due"
        figures = [Figure(f.row, role, f.label, f.amount, f.type) if f.role == "net" else f for f in figures]
    pattern = template.fields.get("payable")
    for row in rows if pattern is not None else ():
        match = pattern.search(row.text)
        amount = _minor(match.group(1).strip(), digits) if match is not None else None
        if amount is not None:
            others = [f for f in figures if f.role not in ("due", "total", "subtotal", "gross")]
            return [*others, Figure(row.index, "due", row.text.strip(), amount)]
    return figures


# --- the reading ------------------------------------------------------------------------------------------------------


def _reading(
    rows: Sequence[Row],
    template: Template,
    currency: str,
    barcodes: Sequence[str],
    solution: Solution | None,
    kind: str,
    channel: str | None,
    unread: Sequence[int],
) -> Reading:
    found = fields.pairs_by_role(rows)
    own = {name: _own(rows, pattern) for name, pattern in template.fields.items()}
    order = _date_order(template.settings.dates, currency)
    stamp = fields.times.combine([s for s in [fields.times.find(own.get("printed_at") or "", order)] if s])
    lines = _lines(solution)
    if kind == "top_up" and not lines and solution is not None:
        lines = (Line(number=1, kind="top_up", name="", amount=abs(solution.payable)),)
    totals = _totals(solution, lines)
    tenders = _tenders(solution, rows, template.lexicon)
    lines_check, tenders_check = _checks(solution, lines, totals, tenders)
    flags = []
    if solution is not None and solution.paid is not None and solution.paid.implied:
        flags.append("tender_implied")
    if solution is not None and solution.payable < 0:
        flags.append("refund_negative")
    text_of = {row.index: row.text.strip() for row in rows}
    return Reading(
        kind,
        own.get("number") or fields.number(rows, found, barcodes),
        stamp or fields.printed_at(rows, found, order),
        own.get("workstation") or fields.ident(found, "workstation"),
        own.get("cashier") or fields.text(found, "cashier"),
        own.get("member") or fields.text(found, "member"),
        own.get("table") or fields.ident(found, "table"),
        own.get("pickup_code") or fields.ident(found, "pickup_code"),
        own.get("original_number") or fields.ident(found, "original_number"),
        channel,
        lines,
        totals,
        tenders,
        lines_check,
        tenders_check,
        template.settings.label,
        () if lines_check == "pass" else tuple(text_of[i] for i in unread if i in text_of),
        tuple(flags),
    )


def _own(rows: Sequence[Row], pattern: Any) -> str | None:
    for row in rows:
        match = pattern.search(row.text)
        if match is not None and match.group(1):
            return str(match.group(1)).strip()
    return None


def _date_order(said: str, currency: str) -> str:
    if said != "currency":
        return said
    return {"CNY": "ymd", "JPY": "ymd", "KRW": "ymd", "TWD": "ymd", "USD": "mdy"}.get(currency, "dmy")


def _lines(solution: Solution | None) -> tuple[Line, ...]:
    if solution is None or (solution.built is None and not solution.goods):
        return ()
    sign = -1 if solution.payable < 0 else 1
    goods = solution.built.goods if solution.built is not None else solution.goods
    lines = [
        Line(
            number=i,
            kind=g.kind,
            name=g.name,
            amount=sign * g.amount,
            gtin=fields.gtin(g.code),
            quantity=None if g.quantity is None else format(g.quantity, "f"),
            unit=g.unit,
            unit_price=g.unit_price,
        )
        for i, g in enumerate(goods, 1)
    ]
    extra = solution.built.extra if solution.built is not None else ()
    for figure in extra:
        kind = "fee" if figure.role == "fee" else "discount"
        lines.append(Line(number=len(lines) + 1, kind=kind, name=figure.label, amount=sign * figure.amount))
    return tuple(lines)


def _totals(solution: Solution | None, lines: Sequence[Line]) -> Totals:
    if solution is None:
        return Totals(payable=None)
    sign = -1 if solution.payable < 0 else 1
    built, paid = solution.built, solution.paid
    return Totals(
        payable=abs(solution.payable),
        gross=sum(line.amount for line in lines if line.kind != "discount") if built is not None else None,
        discount=-sum(line.amount for line in lines if line.kind == "discount") if built is not None else 0,
        rounding=sign * built.rounding if built is not None else 0,
        tax_added=sign * built.tax_added if built is not None else 0,
        tip=sign * built.tip if built is not None else 0,
        tendered=None if paid is None or paid.tendered is None else abs(paid.tendered),
        change=None if paid is None else paid.change,
    )


def _tenders(solution: Solution | None, rows: Sequence[Row], lexicon: Lexicon) -> tuple[Tender, ...]:
    if solution is None or solution.paid is None:
        return ()
    sign = -1 if solution.payable < 0 else 1
    found = references(rows)
    return tuple(
        Tender(
            number=i,
            type=t.type,
            label=t.label,
            amount=sign * t.amount,
            entry=entry(t, rows),
            provider=provider(t),
            reference=found if len(solution.paid.tenders) == 1 or t.type not in ("cash", "coupon") else None,
        )
        for i, t in enumerate(solution.paid.tenders, 1)
    )


def _checks(
    solution: Solution | None, lines: Sequence[Line], totals: Totals, tenders: Sequence[Tender]
) -> tuple[str, str]:
    """Return both checks of the finished figures, by the contract's two equations."""
    if solution is None or totals.payable is None:
        return "unknown", "unknown"
    lines_check = "unknown"
    if any(line.kind in ("sale", "top_up") for line in lines):
        total = sum(line.amount for line in lines) + totals.rounding + totals.tax_added + totals.tip
        lines_check = "pass" if total == totals.payable else "fail"
    tenders_check = "unknown"
    if tenders:
        total = sum(t.amount for t in tenders) - (totals.change or 0)
        agrees = total == totals.payable
        proved = solution.paid is not None and solution.paid.proved
        tenders_check = ("pass" if proved else "unknown") if agrees else "fail"
    if solution.contradicted and lines_check == "unknown" and tenders_check == "unknown":
        lines_check = "fail"
    return lines_check, tenders_check
