from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.shop.numbers import MAX_GAP, Numbers
from edge_agent.shop.outcome import StateChange


def checks(numbers: Numbers, seen: Iterable[str | None], till: str = "till-1/03") -> list[tuple[str, tuple[str, ...]]]:
    return [checked(numbers, number, till)[:2] for number in seen]


def checked(
    numbers: Numbers, number: str | None, till: str = "till-1/03"
) -> tuple[str, tuple[str, ...], StateChange | None]:
    """Check a number and remember it, as the shop does; the last item is the durable row."""
    check, flags, numbering = numbers.check(till, number)
    return check, flags, numbers.remember(till, numbering) if numbering is not None else None


def rising(first: int, count: int) -> list[str]:
    return [f"20261122{number:06d}" for number in range(first, first + count)]


def test_a_till_that_numbers_one_by_one_shows_what_is_missing() -> None:
    numbers = Numbers({})
    assert checks(numbers, rising(137, 5)) == [("unknown", ()), *[("pass", ())] * 4]
    assert checks(numbers, ["20261122000143"]) == [("fail", ("missing:20261122000142",))]
    assert checks(numbers, rising(144, 4)) == [("pass", ())] * 4
    assert checks(numbers, ["20261122000151"]) == [("fail", ("missing:20261122000148..20261122000150",))]


def test_tills_that_share_a_counter_are_not_accused() -> None:
    numbers = Numbers({})
    assert {check for check, _ in checks(numbers, [str(number) for number in range(1000, 1200, 2)])} == {"unknown"}


def test_a_new_day_a_new_roll_and_an_older_slip_prove_nothing() -> None:
    numbers = Numbers({})
    checks(numbers, rising(1, 9))
    assert checks(numbers, ["20261123000001"])[0][0] == "unknown"
    assert checks(numbers, ["20261123000002"])[0][0] == "pass"
    assert checks(numbers, ["20261122000003"])[0][0] == "unknown"
    assert checks(numbers, [None, "", "no digits"]) == [("unknown", ())] * 3
    assert checks(numbers, [f"20261122{MAX_GAP + 5:06d}"])[0][0] == "unknown"


def test_an_older_slip_that_comes_late_accuses_nobody() -> None:
    numbers = Numbers({})
    checks(numbers, rising(1, 9))
    late = checks(numbers, ["20261122000005", "20261122000010", *rising(11, 3)])
    assert [check for check, _ in late] == ["unknown", "unknown", "pass", "pass", "pass"]
    assert checks(numbers, ["20261122000015"])[0] == ("fail", ("missing:20261122000014",))


def test_each_workstation_counts_for_itself() -> None:
    numbers = Numbers({})
    checks(numbers, rising(1, 5), "till-1/01")
    assert checks(numbers, rising(50, 1), "till-1/02") == [("unknown", ())]
    assert checks(numbers, rising(6, 1), "till-1/01") == [("pass", ())]


@given(st.lists(st.text(max_size=24) | st.integers(0, 999).map(lambda n: f"A{n:05d}"), max_size=30), st.integers(0, 30))
def test_state_survives_a_restart_anywhere(seen: list[str], cut: int) -> None:
    whole, rows = Numbers({}), {}
    expected = checks(whole, seen)
    first = Numbers({})
    got = []
    for number in seen[:cut]:
        check, flags, row = checked(first, number)
        got.append((check, flags))
        if row is not None:
            assert row.value is not None
            rows[row.key] = row.value
    assert got + checks(Numbers(rows), seen[cut:]) == expected
