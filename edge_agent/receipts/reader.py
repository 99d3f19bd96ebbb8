"""Read a slip by templates: rows, words, goods, sums, kind."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from edge_agent.contract.money import minor_digits
from edge_agent.receipts import assemble, grid, items, labelled, layout, moves, patterns, reports, stacked, sums, titles
from edge_agent.receipts.compiled import Template
from edge_agent.receipts.goods import Goods
from edge_agent.receipts.grid import Row
from edge_agent.receipts.paid import Figure
from edge_agent.receipts.prices import Mode
from edge_agent.receipts.reading import Reading, Report
from edge_agent.receipts.sums import Solution
from edge_agent.receipts.template import TemplateSettings
from edge_agent.receipts.words import fold

_OTHER_MODES = (Mode(whole=True), Mode(product=True))
_ORDERLESS = frozenset({"kitchen", "merchant_copy", "shift_report", "cash_in_out", "prebill", "reprint"})
_LEAST = 100  # yen or won; no order comes to less
_APPROVAL = ("承认", "承認", "授权", "approval", "appr", "auth", "app code", "승인", "凭证号")


def read(
    lines: Sequence[str], templates: Sequence[Template], currency: str = "CNY", barcodes: Sequence[str] = ()
) -> Reading | None:
    """Return what a slip says, by the first template whose sums it proves, else by the best one; None: by none of them.

    ``lines``: the slip as laid out on a grid of cells. ``barcodes``: what its bar code commands said.
    """
    best: tuple[float, Reading] | None = None
    text = unicodedata.normalize("NFKC", "\n".join(lines))
    gridded: dict[int, list[Row]] = {}  # by lexicon: templates of one language share their words
    for template in sorted(templates, key=lambda t: -t.settings.priority):
        if template.match is not None and not template.match.search(text):
            continue
        rows = gridded.get(id(template.lexicon))
        if rows is None:
            rows = gridded[id(template.lexicon)] = grid.rows(lines, template.lexicon)
        reading = _read(rows, lines, template, currency, barcodes)
        if reading is None or _refused(reading, template.settings):
            continue
        score = _score(reading)
        if best is None or score > best[0]:
            best = (score, reading)
        if _is_whole(reading):
            break
    return best[1] if best is not None else None


def _is_whole(reading: Reading) -> bool:
    """Tell whether no other template could say more: the sums hold, and how it was paid is known."""
    checks = (reading.lines_check, reading.tenders_check)
    return "pass" in checks and "fail" not in checks and (bool(reading.tenders) or reading.kind != "sale")


def _refused(reading: Reading, settings: TemplateSettings) -> bool:
    checks = {"lines": reading.lines_check, "tenders": reading.tenders_check}
    return any(checks[name] == "fail" for name in settings.checks)


def _score(reading: Reading) -> float:
    value = {"pass": 4.0, "unknown": 0.0, "fail": -2.0}
    score = value[reading.lines_check] + value[reading.tenders_check] + (reading.totals.payable is not None)
    score += 3.0 * (reading.report is not None or reading.cash is not None)
    score += 5.0 * (reading.kind == "kitchen") + (reading.channel is not None)  # its title is known
    return score + 0.5 * (reading.number is not None) + 0.2 * len(reading.tenders)


def _read(
    printed: list[Row], lines: Sequence[str], template: Template, currency: str, barcodes: Sequence[str]
) -> Reading | None:
    digits = minor_digits(currency)
    rows = _wanted(printed, template)
    found = titles.read(rows, template.lexicon, template.kinds)
    kinds = titles.till_kinds(found) or (("shift_report",) if reports.sounds_like_one(lines) else ())
    for kind in kinds:
        slip = _till_slip(rows, lines, template, currency, kind)
        if slip is not None and (kind != kinds[0] or len(kinds) == 1 or _is_breakdown(slip)):
            return slip
    solution, figures, unread = _solve(rows, template, digits, topped_up="top_up" in found.kinds - found.late)
    if found.late and _is_sale(solution):
        found = found.without(found.late)
    if not _has_goods(solution) and not found.kinds and reports.sounds_like_one(lines, goods=False):
        slip = _till_slip(rows, lines, template, currency, "shift_report")
        if slip is not None:
            return slip
    kind = _kind(rows, found, solution, figures, digits)
    if kind == "kitchen":
        solution = None  # what was added up there are dishes
    if kind == "top_up" and solution is not None:
        solution = _topped_up(solution)
    if solution is None and kind not in _ORDERLESS:
        return None
    return assemble.reading(rows, template, currency, barcodes, solution, kind, found, unread)


def _till_slip(
    rows: Sequence[Row], lines: Sequence[str], template: Template, currency: str, kind: str
) -> Reading | None:
    """Return a slip about the till itself; a title at the foot of one that has no such figures is an advertisement."""
    digits = minor_digits(currency)
    found = titles.Titles(frozenset({kind}))
    bare = assemble.reading(rows, template, currency, (), None, kind, found, ())
    if kind == "shift_report":
        report = reports.read(lines, template, digits)
        return None if report is None else replace(bare, report=report, tenders_check=_report_check(report))
    move, unread = moves.read(lines, template, digits)
    return replace(bare, cash=move, unparsed=unread)


def _is_breakdown(slip: Reading) -> bool:
    """Tell whether a 缴款单 accounts for what was taken; one amount alone is cash out of the drawer."""
    said = slip.report
    return said is not None and (said.orders is not None or bool(said.tenders.keys() - {"cash"}))


def _has_goods(solution: Solution | None) -> bool:
    return solution is not None and (solution.built is not None or any(g.kind == "sale" for g in solution.goods))


def _report_check(report: Report) -> str:
    if report.total is None or not report.tenders:
        return "unknown"
    return "pass" if sum(report.tenders.values()) == report.total else "unknown"


def _kind(
    rows: Sequence[Row], found: titles.Titles, solution: Solution | None, figures: Sequence[Figure], digits: int
) -> str:
    negative = solution is not None and solution.payable < 0
    paid = solution is not None and solution.paid is not None and bool(solution.paid.tenders)
    refund = solution is not None and any(f.role == "refund" and f.amount == solution.payable for f in figures)
    priced = solution is not None and (found.channel is not None or _is_priced(rows, solution, digits))
    kind = titles.decide(found, negative=negative, refund=refund, paid=paid, priced=priced)
    if "card_slip" in found.kinds and kind == "sale" and not _is_sale(solution):
        return "merchant_copy"
    if any(f.role == "top_up" for f in figures) and kind == "sale" and solution is not None and solution.built is None:
        return "top_up"
    return "merchant_copy" if kind == "sale" and _is_card_slip(rows, solution) else kind


def _is_priced(rows: Sequence[Row], solution: Solution, digits: int) -> bool:
    """Tell whether money is printed: 合计: 3 below the dishes of a kitchen's slip counts them."""
    if solution.paid is not None:
        return True
    if digits == 0:
        return abs(solution.payable) >= _LEAST
    return any(n.money or n.places == digits for row in rows for n in row.numbers)


def _is_sale(solution: Solution | None) -> bool:
    """Tell whether goods and payment prove each other, so that a slip is about a sale whatever stands at its foot."""
    return solution is not None and solution.built is not None


def _topped_up(solution: Solution) -> Solution:
    """Keep what a card's balance seems to say out of what was paid: the money on it is what was bought."""
    implied = solution.paid is not None and solution.paid.implied and solution.paid.tenders[0].type == "stored_value"
    return replace(solution, paid=None) if implied else solution


def _is_card_slip(rows: Sequence[Row], solution: Solution | None) -> bool:
    """Tell whether this is the payment terminal's own slip: approval and terminal numbers, no goods, no tender."""
    if solution is None or solution.built is not None or (solution.paid is not None and solution.paid.tenders):
        return False
    labels = {
        fold(p.label) for row in rows for p in row.pairs if p.word.role == "reference" or "凭证号" in fold(p.label)
    }
    return len(labels) >= 2 and any(word in label for label in labels for word in _APPROVAL)


def _wanted(rows: list[Row], template: Template) -> list[Row]:
    skip = template.lines.get("skip")
    return rows if skip is None else [row for row in rows if not skip.search(row.text)]


def _solve(
    rows: Sequence[Row], template: Template, digits: int, *, topped_up: bool
) -> tuple[Solution | None, list[Figure], list[int]]:
    """Return the best solution over the places where goods may be, the labelled amounts, the rows not understood."""
    best: tuple[float, Solution | None, list[Figure], list[int]] | None = None
    for region in _regions(rows, template):
        goods_rows = rows[region.start : region.end]
        likeliest, unread = _goods(goods_rows, template, region.columns, digits)
        everywhere, methods = labelled.figures(rows, template.lexicon, digits)
        after = rows[region.end].index if region.end < len(rows) else -1
        figures = [f for f in everywhere if f.row >= after]
        figures = _as_template_says(figures, rows, template, digits)
        if topped_up:  # 储值 300.00 is what was bought, not how
            figures = [replace(f, role="top_up") if f.type == "stored_value" else f for f in figures]
        solution = sums.solve(figures, methods, [likeliest])
        if solution is None or solution.built is None:
            others = _otherwise(goods_rows, template, region.columns, digits)
            if piled := stacked.goods(rows, template.lexicon, digits):
                others.append(piled)
            solution = sums.solve(figures, methods, [likeliest, *others])
        strange = solution is not None and _passes_over_goods(solution, rows[region.end :], digits)
        score = (solution.score if solution is not None else -1.0) - strange
        if best is None or score > best[0]:
            best = (score, solution, figures, unread)
        if solution is not None and solution.built is not None and not strange:
            break
    return (None, [], []) if best is None else best[1:]


def _passes_over_goods(solution: Solution, rows: Sequence[Row], digits: int) -> bool:
    """Tell whether an amount nobody named makes the total, and others beside it are left out, as goods are."""
    extra = solution.built.extra if solution.built is not None else ()
    used = {f.row for f in extra if f.role == "unknown"}
    priced = (row for row in rows if not row.pairs and len(row.tokens) > 1 and row.index < max(used, default=0))
    return any(row.index not in used and row.numbers and row.numbers[-1].places == digits > 0 for row in priced)


def _regions(rows: Sequence[Row], template: Template) -> list[layout.Region]:
    found = layout.regions(rows, template.lexicon, template.settings.columns)
    if not template.lines and (below := layout.below_total(rows, found[0])) is not None:
        found.append(below)
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
) -> tuple[list[Goods], list[int]]:
    """Return the goods as the template's own patterns or the likeliest mode read them, and the rows not understood."""
    if "item" in template.lines:
        return patterns.goods(rows, template.lines, digits), []
    return items.read(rows, template.lexicon, columns, Mode(), digits)


def _otherwise(rows: Sequence[Row], template: Template, columns: Sequence[str], digits: int) -> list[list[Goods]]:
    """Return the goods as the other modes read them."""
    if "item" in template.lines:
        return []
    modes = [mode for mode in _OTHER_MODES if not (mode.whole and digits == 0)]
    return [items.read(rows, template.lexicon, columns, mode, digits)[0] for mode in modes]


def _as_template_says(figures: list[Figure], rows: Sequence[Row], template: Template, digits: int) -> list[Figure]:
    """Let the template decide what 实收 means and where payable is."""
    said = template.settings.received
    if said != "sums":
        role = "received" if said == "tendered" else "due"
        figures = [Figure(f.row, role, f.label, f.amount, f.type) if f.role == "net" else f for f in figures]
    pattern = template.fields.get("payable")
    if pattern is None:
        return figures
    for row in rows:
        match = pattern.search(row.text)
        amount = patterns.minor(match.group(1).strip(), digits) if match is not None else None
        if amount is not None:
            others = [f for f in figures if f.role not in ("due", "total", "subtotal", "gross")]
            return [*others, Figure(row.index, "due", row.text.strip(), amount)]
    return figures
