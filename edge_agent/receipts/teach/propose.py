"""From captures to a template: explain the figures, put them into a template's words, let the reader prove it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from edge_agent.contract.money import minor_digits
from edge_agent.receipts.compiled import Template, compile  # noqa: A004 - the field's word, as in re.compile
from edge_agent.receipts.reading import Reading
from edge_agent.receipts.samples import check_samples
from edge_agent.receipts.teach import fields, goods, proof, report, slip, sums, toml
from edge_agent.receipts.teach.slip import Opened
from edge_agent.receipts.teach.sums import Explanation
from edge_agent.receipts.template import LineSettings, MoneyRole, TemplateSettings
from edge_agent.receipts.words import Lexicon

FEWEST = 2  # captures: one alone cannot show what is the layout and what the sale
_PRIORITY = 50  # before the shipped ones, whose highest is 10; a store's own may still go before it
_LONGEST_SAMPLE = 20_000  # characters, what a template takes
_MONEY: tuple[MoneyRole, ...] = get_args(MoneyRole)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What captures taught. ``settings`` and ``toml``: the template, proved; None: none was found, or none is needed.

    ``known_by``: the templates that read every capture already. ``report``: for a person, row by row.
    """

    settings: TemplateSettings | None
    toml: str | None
    known_by: tuple[str, ...]
    report: tuple[str, ...]


def teach(
    captures: Sequence[Sequence[str]],
    templates: Sequence[Template],
    currency: str = "CNY",
    *,
    name: str = "taught",
    labels: Mapping[str, str] | None = None,
    force: bool = False,
) -> Lesson:
    """Propose a template for captures of one layout.

    ``captures``: the rows of each slip, redacted. ``templates``: those that read slips now. ``name``: an ident for the
    new one. ``labels``: what a person knows of the layout's labels: printed label → tender type or role of
    ``[money]``. ``force``: propose also where they read everything. A template is only returned if, read by it, every
    capture says what its own sums say.
    """
    distinct = [lines for i, lines in enumerate(captures) if lines not in captures[:i]]
    if len(distinct) < FEWEST:
        return Lesson(None, None, (), ("give captures of at least two different sales, better three of one layout",))
    now = proof.readings(distinct, templates, currency)
    if not force and all(map(proof.complete, now)):
        known = tuple(dict.fromkeys(reading.template for reading in now if reading))
        return Lesson(None, None, known, (f"every capture is read fully by {', '.join(known)}: nothing to teach",))
    return _taught(distinct, templates, currency, _plain(distinct, name, labels or {}))


def _plain(captures: Sequence[Sequence[str]], name: str, labels: Mapping[str, str]) -> TemplateSettings:
    """Return the template as it is before anything is learnt. Raises ValueError for a label of no known role."""
    keys = {fields.escaped(slip.label_key(label)): role for label, role in labels.items()}
    said: dict[str, object] = {
        "name": name,
        "words": slip.words_of([row for lines in captures for row in lines]),
        "priority": _PRIORITY,
        "tenders": {key: role for key, role in keys.items() if role not in _MONEY},
        "money": {key: role for key, role in keys.items() if role in _MONEY},
    }
    return TemplateSettings.model_validate(said)


def _taught(
    captures: Sequence[Sequence[str]], templates: Sequence[Template], currency: str, plain: TemplateSettings
) -> Lesson:
    digits = minor_digits(currency)
    lexicon = compile(plain).lexicon
    opened: list[list[Opened]] = []
    explanation: Explanation | None = None
    for whole in (False, True):
        opened = [slip.opened(lines, lexicon, digits, whole=whole) for lines in captures]
        explanation = sums.explain(opened, lexicon)
        if explanation is not None:
            break
    if explanation is None:
        return Lesson(None, None, (), report.unproved(opened))
    if len(set(explanation.goods)) < FEWEST:
        return Lesson(None, None, (), ("all captures are of the same goods: take captures of different sales",))
    if explanation.open or (explanation.unused and not explanation.paid):
        return Lesson(None, None, (), (*report.rows(opened, explanation, []), "", *report.questions(explanation)))
    best, failures = _best(plain, opened, explanation, lexicon, captures, currency)
    if best is None:
        return Lesson(None, None, (), (*report.rows(opened, explanation, []), "", *failures))
    settings, readings = best
    samples = tuple(
        proof.sample(lines, reading, currency)
        for lines, reading in zip(captures, readings, strict=True)
        if len("\n".join(lines)) < _LONGEST_SAMPLE
    )
    settings = settings.model_copy(update={"samples": samples})
    template = compile(settings)
    wrong = check_samples(template)
    for reading in proof.readings(captures, [template, *templates], currency):
        if reading is None or reading.template != settings.label:
            wrong.append("another template claims a capture first: " + (reading.template if reading else "none"))
    remarks = report.remarks(settings, opened, explanation, readings)
    rows = report.rows(opened, explanation, readings)
    text = toml.written(settings, remarks)
    if not toml.same(text, settings):
        wrong.append("the template cannot be written down as it is")
    if wrong:
        return Lesson(None, None, (), (*rows, "", *wrong))
    return Lesson(settings, text, (), (*rows, "", *remarks))


Best = tuple[TemplateSettings, list[Reading]]


def _best(
    plain: TemplateSettings,
    slips: Sequence[Sequence[Opened]],
    explanation: Explanation,
    lexicon: Lexicon,
    captures: Sequence[Sequence[str]],
    currency: str,
) -> tuple[Best | None, list[str]]:
    """Return the likeliest template that is proved and tells most of the lines, or why none is."""
    best: tuple[int, Best] | None = None
    failures: list[str] = []
    said = _said(plain, slips, explanation, lexicon)
    for lines in _line_settings(slips, explanation, minor_digits(currency)):
        settings = TemplateSettings.model_validate({**plain.model_dump(exclude_defaults=True), **said, **lines})
        readings = proof.readings(captures, [compile(settings)], currency)
        wrong = [
            f"capture {index + 1}: {problem}"
            for index, reading in enumerate(readings)
            for problem in proof.problems(reading, explanation, index)
        ]
        proved = [reading for reading in readings if reading is not None]
        if wrong:
            failures = failures or wrong
        elif best is None or proof.detail(proved) > best[0]:
            best = proof.detail(proved), (settings, proved)
    if best is None:
        return None, failures
    return _with_fields(best[1], slips, captures, currency), []


def _said(
    plain: TemplateSettings, slips: Sequence[Sequence[Opened]], explanation: Explanation, lexicon: Lexicon
) -> dict[str, object]:
    """Return what the template must say of the layout's own labels; what the words know already is left out."""
    money: dict[str, MoneyRole] = dict(plain.money)
    tenders: dict[str, str] = dict(plain.tenders)
    printed = {found.key: found.label for rows in slips for row in rows for found in row.labelled}
    for key, role in explanation.roles.items():
        word = lexicon.meaning(printed[key])
        if role == "tender":
            if word is None or word.group != "tenders":
                tenders[fields.escaped(key)] = "other" if word is None else "cash"
        elif word is None or (role != "none" and word.role not in (role, "net", "total")):
            money |= {fields.escaped(key): known for known in _MONEY if known == role}
    checks = ["lines", "tenders"] if explanation.paid else ["lines"]
    money |= {fields.escaped(label): "discount" for label in _discounts(slips, explanation, lexicon)}
    return {"match": fields.claims(slips, lexicon), "money": money, "tenders": tenders, "checks": checks}


def _discounts(slips: Sequence[Sequence[Opened]], explanation: Explanation, lexicon: Lexicon) -> list[str]:
    """Return the labels of what is taken off among the goods, where the words do not know them."""
    rows = [row for rows in slips for row in sums.between(rows, explanation.start, explanation.end)]
    less = [found for row in rows for found in row.labelled[-1:] if found.amount < 0]
    sale = all(amount > 0 for amount in explanation.payable)
    return [found.key for found in less if sale and lexicon.meaning(found.label) is None]


def _line_settings(
    slips: Sequence[Sequence[Opened]], explanation: Explanation, digits: int
) -> Iterator[Mapping[str, object]]:
    """Yield ways to say where the goods are and how they are printed, the likeliest first.

    Where no row stands before or after them on every capture, and where saying so does not help, they find themselves.
    """
    rows = [row for rows in slips for row in sums.between(rows, explanation.start, explanation.end)]
    start, end = _edge(slips, explanation.start), _edge(slips, explanation.end)
    edges = LineSettings(start=start, end=end)
    yield {"lines": edges}
    yield {}
    named = goods.columns(rows, digits, last=explanation.last)
    if named:
        yield {"lines": edges, "columns": named}
    item = goods.item(rows, digits, last=explanation.last)
    if item is not None:
        yield {"lines": edges.model_copy(update={"item": item, "adjust": goods.adjust(rows)})}


def _edge(slips: Sequence[Sequence[Opened]], key: str | None) -> str | None:
    """Return the pattern of the row that stands before or after the goods on every slip, None for a rule."""
    if key is None or key.startswith("rule "):
        return None
    row = next(row for row in slips[0] if row.key == key)
    text = " ".join(row.row.text.split()) if key.startswith("text ") else _label_of(row)
    return r"^\s*" + fields.escaped(text).replace(" ", r"\s+")


def _label_of(row: Opened) -> str:
    return row.labelled[0].label if row.labelled else row.row.tokens[0].text


def _with_fields(
    best: Best, slips: Sequence[Sequence[Opened]], captures: Sequence[Sequence[str]], currency: str
) -> Best:
    """Add the pattern of the receipt's number, where the words do not find one that differs from slip to slip."""
    settings, readings = best
    numbers = [reading.number for reading in readings]
    if None not in numbers and len(set(numbers)) == len(numbers):
        return best
    for found in sorted(fields.numbered(slips), key=lambda found: -found.likely):
        if not found.likely:
            break
        more = settings.model_copy(update={"fields": {**settings.fields, "number": found.pattern}})
        again = [reading for reading in proof.readings(captures, [compile(more)], currency) if reading is not None]
        if [reading.number for reading in again] == list(found.values):
            return more, again
    return best
