"""The manager's door on a clock the test holds."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from edge_agent.clock import Clock
from edge_agent.page.manager import hashed
from edge_agent.page.manager.door import BackOffError, Door, UnusableCodeError, WrongCodeError

CODE = "271828"
MINUTE_MS = 60_000
TILL, PHONE, OTHER_PHONE = "127.0.0.1", "192.168.1.30", "192.168.1.31"


class Uptime(Clock):
    """A clock that stands still until it is set on."""

    ms = 5_000_000

    def read_uptime_ms(self) -> int:
        return self.ms


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashed, "N", 2)


@pytest.fixture
def clock() -> Uptime:
    return Uptime(quality=lambda: True)


@pytest.fixture
async def door(tmp_path: Path, clock: Uptime) -> Door:
    """Return a door whose code is set, and nobody signed in."""
    door = Door(tmp_path, clock)
    door.close(await door.set_code(door.pairing_code(), CODE, PHONE))
    return door


async def said(door: Door, code: str, client: str = PHONE) -> str:
    """Return what the door says to a code."""
    try:
        await door.open(code, client)
    except WrongCodeError:
        return "wrong"
    except BackOffError:
        return "wait"
    return "open"


async def test_no_code_opens_before_one_is_set(tmp_path: Path, clock: Uptime) -> None:
    door = Door(tmp_path, clock)
    assert not door.has_code
    assert [await said(door, code) for code in ("", "000000", "123456")] == ["wrong"] * 3
    with pytest.raises(WrongCodeError):
        await door.set_code("", CODE, PHONE)


async def test_the_one_time_code_sets_the_managers_which_then_opens(tmp_path: Path, clock: Uptime) -> None:
    door = Door(tmp_path, clock)
    pairing = door.pairing_code()
    session = await door.set_code(f"{pairing[:4]} {pairing[4:]}", CODE, PHONE)
    assert door.session(session.token) == session
    assert (await said(door, CODE), await said(door, "271829"), await said(door, pairing)) == ("open", "wrong", "wrong")
    assert await said(Door(tmp_path, clock), CODE) == "open", "it is on disk"


async def test_a_one_time_code_is_good_once(door: Door) -> None:
    pairing = door.pairing_code()
    results = await asyncio.gather(  # noqa: TID251 - both at the very same moment
        *(door.set_code(pairing, code, PHONE) for code in ("314159", "161803")), return_exceptions=True
    )
    assert Counter(type(result).__name__ for result in results) == {"Session": 1, "WrongCodeError": 1}
    with pytest.raises(WrongCodeError):
        await door.set_code(pairing, "141421", PHONE)
    assert await said(door, "314159") == "open"


@pytest.mark.parametrize(("after_ms", "good"), [(15 * MINUTE_MS - 1, True), (15 * MINUTE_MS, False)])
async def test_a_one_time_code_expires(door: Door, clock: Uptime, after_ms: int, good: bool) -> None:
    pairing = door.pairing_code()
    clock.ms += after_ms
    if good:
        await door.set_code(pairing, "314159", PHONE)
    else:
        with pytest.raises(WrongCodeError):
            await door.set_code(pairing, "314159", PHONE)


async def test_a_new_one_time_code_replaces_the_earlier_one(door: Door) -> None:
    earlier, later = door.pairing_code(), door.pairing_code()
    with pytest.raises(WrongCodeError):
        await door.set_code(earlier, "314159", PHONE)
    await door.set_code(later, "314159", PHONE)


async def test_a_code_too_easy_does_not_use_up_the_one_time_code(door: Door) -> None:
    pairing = door.pairing_code()
    for _ in range(7):  # more than wrong ones are free
        with pytest.raises(UnusableCodeError):
            await door.set_code(pairing, "123456", PHONE)
    await door.set_code(pairing, "314159", PHONE)


async def test_wrong_one_time_codes_count_like_wrong_codes(door: Door) -> None:
    pairing = door.pairing_code()
    for _ in range(3):
        with pytest.raises(WrongCodeError):
            await door.set_code("1", "314159", PHONE)
    assert [await said(door, "271829") for _ in range(3)] == ["wrong", "wrong", "wait"]
    with pytest.raises(BackOffError) as refused:
        await door.set_code(pairing, "314159", PHONE)
    assert refused.value.seconds == 30


async def test_a_new_one_time_code_ends_the_wait(door: Door) -> None:
    for _ in range(6):
        await said(door, "000000")
    assert await said(door, CODE) == "wait"
    await door.set_code(door.pairing_code(), "314159", PHONE)


async def test_while_it_waits_the_right_code_does_not_open_and_afterwards_it_does(door: Door, clock: Uptime) -> None:
    assert [await said(door, "000000") for _ in range(6)] == ["wrong"] * 5 + ["wait"]
    assert await said(door, CODE) == "wait"
    clock.ms += 30_000
    assert await said(door, CODE) == "open"
    assert await said(door, "000000") == "wrong", "and it counts from the beginning again"


async def test_nobody_in_the_network_locks_the_till_out(door: Door) -> None:
    for _ in range(8):
        await said(door, "000000", OTHER_PHONE)
    assert await said(door, CODE, PHONE) == "wait", "the network is one side: its addresses cost nothing"
    assert await said(door, CODE, TILL) == "open"
    assert await said(door, CODE, "::ffff:127.0.0.1") == "open"


async def test_a_thousand_guesses_at_once_are_no_more_than_five(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    matches = hashed.Hashed.matches

    def watched(self: hashed.Hashed, code: str) -> bool:
        looked_at.append(code)
        return matches(self, code)

    monkeypatch.setattr(hashed.Hashed, "matches", watched)
    results = await asyncio.gather(*(said(door, f"{guess:06}") for guess in range(1000)))  # noqa: TID251 - at once
    assert Counter(results) == {"wrong": 5, "wait": 995}
    assert len(looked_at) == 5


async def test_one_code_is_hashed_at_a_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = [0, 0]

    async def watched(function: object, *arguments: object) -> bool:
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0.01)
        running[0] -= 1
        return False

    monkeypatch.setattr(asyncio, "to_thread", watched)
    await asyncio.gather(*(said(door, "000000", client) for client in (TILL, PHONE) * 5))  # noqa: TID251 - at once
    assert running == [0, 1]


async def test_a_session_lasts_a_quarter_of_an_hour_after_the_last_action(door: Door, clock: Uptime) -> None:
    session = await door.open(CODE, PHONE)
    clock.ms += 10 * MINUTE_MS
    assert door.session(session.token) is not None, "looking does not make it last"
    assert door.seconds_left(session) == 300
    door.used(session)
    clock.ms += 15 * MINUTE_MS - 1
    assert door.session(session.token) is not None
    clock.ms += 1
    assert door.session(session.token) is None
    assert door.seconds_left(session) == 0
    door.used(session)
    assert door.session(session.token) is None, "what has ended does not begin again"


async def test_a_new_code_ends_all_sessions(door: Door) -> None:
    earlier = [await door.open(CODE, PHONE) for _ in range(3)]
    session = await door.set_code(door.pairing_code(), "314159", PHONE)
    assert [door.session(one.token) for one in earlier] == [None] * 3
    assert door.session(session.token) is not None


async def test_the_ninth_session_ends_the_one_unused_for_longest(door: Door, clock: Uptime) -> None:
    sessions = [await door.open(CODE, PHONE) for _ in range(8)]
    clock.ms += MINUTE_MS
    door.used(sessions[0])
    await door.open(CODE, PHONE)
    assert [door.session(one.token) is not None for one in sessions] == [True, False] + [True] * 6


async def test_a_closed_session_is_gone_and_no_other(door: Door) -> None:
    one, other = await door.open(CODE, PHONE), await door.open(CODE, PHONE)
    door.close(one)
    assert (door.session(one.token), door.session(other.token)) == (None, other)


async def test_tokens_are_long_and_kept_nowhere(door: Door) -> None:
    one, other = await door.open(CODE, PHONE), await door.open(CODE, PHONE)
    assert len({one.token, other.token, one.csrf, other.csrf}) == 4
    assert min(len(one.token), len(one.csrf)) >= 43, "32 bytes in base64"
    assert one.token not in repr(vars(door))
    assert one.token not in repr(one)
    assert one.csrf not in repr(one)


@pytest.mark.parametrize("token", ["", "x", "\udcff", "é" * 5000, "0" * 43])
async def test_tokens_nobody_gave_out_open_nothing(door: Door, token: str) -> None:
    await door.open(CODE, PHONE)
    assert door.session(token) is None


@pytest.mark.parametrize("code", ["", "27182", "2718281", "２７１８２８", "٢71828", "\udcff", "0" * 100_000])
async def test_whatever_is_typed_is_answered(door: Door, code: str) -> None:
    assert await said(door, code) == ("open" if code == "２７１８２８" else "wrong")


async def test_a_damaged_file_means_pair_again(door: Door, tmp_path: Path, clock: Uptime) -> None:
    (tmp_path / "manager.json").write_bytes(b"\0" * 300)
    again = Door(tmp_path, clock)
    assert (again.has_code, await said(again, CODE)) == (False, "wrong")
    await again.set_code(again.pairing_code(), CODE, PHONE)
    assert await said(Door(tmp_path, clock), CODE) == "open"
