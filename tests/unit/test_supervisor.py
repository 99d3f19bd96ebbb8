import asyncio
import random
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from edge_agent.errors import DeviceError, LinkError
from edge_agent.supervisor import CAP_S, FIRST_S, supervise
from tests.support import virtual_time

SEED = 20261122


class Part:
    """Fails as it is told; remembers when it was run. Told no more, it runs for ever."""

    def __init__(self, *failures: Exception | None, lasting: float = 0.0) -> None:
        self.began: list[float] = []
        self._failures: Iterator[Exception | None] = iter(failures)
        self._lasting = lasting

    async def __call__(self) -> None:
        loop = asyncio.get_running_loop()
        self.began.append(loop.time())
        for failure in self._failures:
            await asyncio.sleep(self._lasting)
            if failure is None:
                return
            raise failure
        raise asyncio.CancelledError

    @property
    def pauses(self) -> list[float]:
        return [later - earlier - self._lasting for earlier, later in zip(self.began, self.began[1:], strict=False)]


def supervised(part: Part) -> list[tuple[str, str]]:
    down: list[tuple[str, str]] = []

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            await supervise("part", part, on_down=lambda *told: down.append(told), rng=random.Random(SEED))

    virtual_time.run(main())
    return down


def test_delays_double_from_the_first_to_the_cap() -> None:
    part = Part(*[DeviceError("refused")] * 14)
    supervised(part)
    nominal = [min(FIRST_S * 2**n, CAP_S) for n in range(14)]
    assert all(wanted / 2 <= pause <= wanted for pause, wanted in zip(part.pauses, nominal, strict=True))
    assert max(part.pauses) > CAP_S / 2


def test_parts_that_failed_together_do_not_come_back_together() -> None:
    part = Part(*[DeviceError("refused")] * 30)
    supervised(part)
    at_the_cap = part.pauses[10:]
    assert len({round(pause, 3) for pause in at_the_cap}) == len(at_the_cap)


def test_a_healthy_minute_starts_over_with_short_delays() -> None:
    part = Part(*[DeviceError("refused")] * 8, lasting=61.0)
    down = supervised(part)
    assert max(part.pauses) <= FIRST_S
    assert len(down) == 8


def test_less_than_a_healthy_minute_does_not() -> None:
    part = Part(*[DeviceError("refused")] * 8, lasting=59.0)
    supervised(part)
    assert part.pauses[-1] > FIRST_S


@pytest.mark.parametrize("reason", ["missing", "unplugged"])
def test_a_port_that_has_gone_is_looked_for_every_second(reason: str) -> None:
    part = Part(*[DeviceError(reason)] * 100)
    supervised(part)
    assert max(part.pauses) <= 1.0


def test_every_failure_is_told_and_every_change_is_logged_once() -> None:
    failures = [DeviceError("unplugged", "a"), *[DeviceError("missing", "b")] * 5, *[DeviceError("busy", "c")] * 3]
    with capture_logs() as logs:
        down = supervised(Part(*failures))
    assert down == [("unplugged", "a"), *[("missing", "b")] * 5, *[("busy", "c")] * 3]
    assert [(entry["event"], entry["reason"]) for entry in logs] == [
        ("part_down", "unplugged"),
        ("part_down", "missing"),
        ("part_down", "busy"),
    ]


def test_a_defect_is_logged_with_its_traceback_and_survived() -> None:
    defect = ZeroDivisionError("nobody thought of this")
    with capture_logs() as logs:
        down = supervised(Part(defect, defect, LinkError("refused", "by the broker")))
    assert down == [("crashed", "ZeroDivisionError")] * 2 + [("refused", "by the broker")]
    assert [entry["event"] for entry in logs] == ["part_crashed", "part_down"]
    assert "raise failure" in logs[0]["traceback"]
    assert "nobody thought" not in str(logs), "a message may quote what a slip says"


def test_a_part_that_returns_is_run_again() -> None:
    part = Part(None, None)
    assert supervised(part) == [("ended", ""), ("ended", "")]
    assert len(part.began) == 3


def test_cancellation_is_not_a_failure() -> None:
    assert supervised(Part()) == []
