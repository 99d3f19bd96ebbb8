"""The fourth batch: sixty slips, each of its own layout, written without sight of a template or of another set."""

from tests.support.fresh import d_en, d_ja_ko, d_zh_market, d_zh_meals, d_zh_other, d_zh_trades
from tests.support.fresh.slip import Slip, problems

ALL: tuple[Slip, ...] = (
    *d_zh_market.ALL,
    *d_zh_meals.ALL,
    *d_zh_trades.ALL,
    *d_zh_other.ALL,
    *d_en.ALL,
    *d_ja_ko.ALL,
)


def arithmetic() -> list[str]:
    """Return every slip whose own figures do not add up."""
    return [problem for slip in ALL for problem in problems(slip)]
