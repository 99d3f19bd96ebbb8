"""Head office's word: exactly what differs is named, and nothing that is only on its way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from edge_agent.contract import data
from edge_agent.contract.ids import uuid7
from edge_agent.shop.proof.closings import AGREED, DIFFERS, OPEN, WAITING
from tests.support.proof import TODAY, Till, answer, digest, order, revised

KEY = (TODAY, "03")


def standing(till: Till) -> tuple[str, tuple[str, ...]]:
    now = till.proof.standing(TODAY)
    return now.state, now.differing


def sold(count: int = 9) -> Till:
    till = Till()
    till.sell(*(order(f"{number:06}", 100 * number) for number in range(1, count + 1)))
    return till


def closed(count: int = 9) -> Till:
    till = sold(count)
    till.report(None)
    return till


def test_a_day_is_open_then_waits_then_agrees_and_is_open_again_when_something_is_sold() -> None:
    till = sold()
    assert standing(till) == (OPEN, ())
    till.report(None)
    assert standing(till) == (WAITING, ())
    till.hear(answer(till.lines()))
    till.restart()
    assert standing(till) == (AGREED, ())
    till.sell(order("000010"))
    assert standing(till) == (OPEN, ())
    now = till.proof.standing(TODAY)
    assert (now.orders, now.payable) == (10, 4500 + 1600)


def test_a_day_agrees_when_all_its_workstations_do() -> None:
    till = closed()
    till.sell(order("1", workstation="04"))
    till.hear(answer(till.lines()))
    assert standing(till)[0] == OPEN
    till.report(1600, workstation="04")
    assert standing(till)[0] == WAITING
    till.hear(answer(till.lines((TODAY, "04")), (TODAY, "04")))
    assert standing(till)[0] == AGREED


def swap(lines: list[str], number: int, field: int, value: str) -> list[str]:
    """Return lines, in order of sale, with one field of one changed."""
    parts = lines[number].split(":")
    parts[field] = value
    return [*lines[:number], ":".join(parts), *lines[number + 1 :]]


def in_order_of_sale(till: Till) -> list[str]:
    by_id = {line.split(":")[0]: line for line in till.lines()}
    return [by_id[one.order_id] for one in till.orders]


@pytest.mark.parametrize("number", [0, 4, 8])
@pytest.mark.parametrize("defect", ["missing", "altered", "kind", "revision", "doubled", "twice", "foreign_double"])
def test_a_planted_defect_is_named_by_its_receipt_number(defect: str, number: int) -> None:
    till = closed()
    ours = in_order_of_sale(till)
    near = uuid7(int(ours[number].replace("-", "")[:12], 16) + 3)
    theirs = {
        "missing": [*ours[:number], *ours[number + 1 :]],
        "altered": swap(ours, number, 3, "1"),
        "kind": swap(ours, number, 2, "return"),
        "revision": swap(ours, number, 1, "2"),
        "doubled": [*ours, swap(ours, number, 0, near)[number]],
        "twice": [*ours, ours[number]],
        "foreign_double": [*ours, swap(ours, number, 0, "order-7")[number]],  # an id that tells no time
    }[defect]
    till.hear(answer(theirs))
    assert standing(till) == (DIFFERS, (f"{number + 1:06}",))
    assert till.proof.unresolved() == {KEY: (f"{number + 1:06}",)}
    till.restart()
    assert standing(till) == (DIFFERS, (f"{number + 1:06}",))
    till.hear(answer(ours))
    assert standing(till) == (AGREED, ())


def test_a_double_is_named_by_the_nearest_order_of_its_kind_and_sum() -> None:
    till = Till()
    first, second = order("000001"), order("000002")
    minute_later = int(second.order_id.replace("-", "")[:12], 16) + 60_000
    till.sell(first, replace(second, order_id=uuid7(minute_later)))
    till.report(None)
    till.hear(answer([*till.lines(), f"{uuid7(minute_later + 5)}:1:sale:1600"]))
    assert standing(till) == (DIFFERS, ("000002",))


def test_what_only_head_office_knows_is_named_by_its_id_and_one_without_a_number_by_ours() -> None:
    till = Till()
    plain = order(None)
    till.sell(plain)
    till.report(None)
    till.hear(answer(["nobody:1:sale:7", "?"]))
    assert standing(till) == (DIFFERS, (plain.order_id, "nobody", "?"))


def test_a_long_list_of_differences_is_cut() -> None:
    till = closed(80)
    till.hear(answer([]))
    names = standing(till)[1]
    assert (len(names), names[0], names[-1]) == (51, "000001", "+30")


def test_a_difference_without_entries_names_nothing_and_a_digest_that_fits_no_entries_neither() -> None:
    till = closed()
    till.hear(answer(till.lines()[1:], silent=True))
    assert standing(till) == (DIFFERS, ())
    odd = answer(till.lines())
    odd.digest = "0" * 64
    till.hear(odd)
    assert standing(till) == (DIFFERS, ())


def test_words_on_what_was_never_asked_are_ignored() -> None:
    till = sold()
    till.hear(answer([]), answer([], ("2026-11-22", "99")), answer([], ("", "")), answer([], ("x/y", "z")))
    assert standing(till) == (OPEN, ())
    assert set(till.rows) == {"book"}


def test_the_answer_to_an_earlier_proof_is_no_difference() -> None:
    till = closed()
    early = answer(till.lines())
    till.sell(order("000010"))
    till.report(None)
    till.report(4500)
    till.hear(early, settled=False)
    assert standing(till) == (WAITING, ())
    till.hear(early, settled=True)  # head office had everything and still knows no more: 000010 is lost
    assert standing(till) == (DIFFERS, ("000010",))


def test_what_has_changed_since_the_proof_is_judged_by_the_next() -> None:
    till = closed()
    sale = till.orders[0]
    dropped = answer(in_order_of_sale(till)[:-1])
    till.sell(revised(sale, 111))
    till.hear(dropped)
    assert standing(till)[0] == OPEN
    assert len(till.wait()) == 1
    till.hear(answer(till.lines()))
    assert standing(till) == (AGREED, ())


def test_what_head_office_knows_earlier_than_it_is_asked_is_no_difference() -> None:
    till = closed()
    till.sell(order("000010", 1000))
    till.hear(answer(till.lines()))
    assert standing(till) == (OPEN, ())
    gone = [one for one in till.lines() if not one.startswith(till.orders[2].order_id)]
    till.hear(answer(gone))
    assert standing(till) == (DIFFERS, ("000003",))


def test_a_difference_stays_until_head_office_says_otherwise() -> None:
    till = closed()
    till.hear(answer(in_order_of_sale(till)[:-1]))
    till.sell(order("000010", 1000, "void"))
    (changed,) = till.wait()
    assert changed.digest == digest(till.lines())
    assert standing(till) == (DIFFERS, ("000009",))
    till.turn_to("2026-11-24T12:00:00")
    till.tick()
    assert [(day.business_day, day.state) for day in till.proof.earlier("2026-11-24")] == [(TODAY, DIFFERS)]
    till.hear(answer(till.lines()))
    assert till.proof.unresolved() == {}


STEP = st.one_of(
    st.tuples(st.just("sell"), st.sampled_from(["sale", "return", "top_up", "delivery_slip"]), st.integers(1, 9999)),
    st.tuples(st.just("void"), st.integers(0, 99), st.none()),
    st.tuples(st.just("correct"), st.integers(0, 99), st.integers(1, 9999)),
    st.tuples(st.just("move"), st.integers(0, 99), st.sampled_from(["03", "04"])),
    st.tuples(st.just("report"), st.sampled_from(["03", "04"]), st.integers(0, 9999)),
    st.tuples(st.just("wait"), st.integers(0, 80_000), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
)


@given(st.lists(STEP, max_size=40), st.data())
@settings(max_examples=80)
def test_whatever_happens_the_last_proof_is_of_what_was_sold(
    steps: list[tuple[str, object, object]], chance: st.DataObject
) -> None:
    till = Till()
    latest: dict[tuple[str, str], data.DayClosed] = {}
    for place, (what, one, other) in enumerate(steps):
        number, proofs = f"{place:06}", []
        known = till.orders[int(one) % len(till.orders)] if isinstance(one, int) and till.orders else None
        if known is not None:
            known = max((o for o in till.orders if o.order_id == known.order_id), key=lambda o: o.revision)
        if what == "sell":
            till.sell(order(number, int(str(other)), str(one), workstation="03" if place % 3 else "04"))
        elif what == "void" and known is not None:
            till.sell(order(known.order_no, known.totals.payable, "void", workstation=known.attribution.workstation))
        elif what == "correct" and known is not None:
            till.sell(revised(known, int(str(other))))
        elif what == "move" and known is not None:
            moved = replace(known.attribution, workstation=str(other))
            till.sell(replace(known, revision=known.revision + 1, attribution=moved))
        elif what == "report":
            proofs = till.report(int(str(other)), workstation=str(one))
        elif what == "wait":
            proofs = till.wait(int(str(one)))
        elif what == "restart":
            till.restart()
        for proof in proofs:
            assert proof.digest == digest(till.lines((TODAY, proof.workstation)))
        latest |= {(proof.business_day, proof.workstation): proof for proof in proofs}
    till.turn_to("2026-11-23T12:00:00")
    latest |= {(proof.business_day, proof.workstation): proof for proof in till.tick()}
    assert till.wait(60_000) == []
    for key in {(TODAY, line_key(till, line)) for line in all_lines(till)}:
        theirs = till.lines(key)
        assert latest[key].digest == digest(theirs)
        till.hear(answer(theirs, key))
        assert till.proof.unresolved() == {}
        dropped = chance.draw(st.sampled_from(theirs))
        till.hear(answer([line for line in theirs if line != dropped], key))
        (names,) = till.proof.unresolved().values()
        lost = next(one for one in till.orders if one.order_id == dropped.split(":")[0])
        assert names == (lost.order_no,)
        till.hear(answer(theirs, key))


def all_lines(till: Till) -> list[str]:
    return [*till.lines((TODAY, "03")), *till.lines((TODAY, "04"))]


def line_key(till: Till, line: str) -> str:
    return next(name for name in ("03", "04") if line in till.lines((TODAY, name)))
