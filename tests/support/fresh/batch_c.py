"""The third batch: each slip of its own layout, written without sight of a template or of another set."""

from tests.support.fresh import (
    c_en,
    c_en_other,
    c_en_shops,
    c_hant,
    c_ja,
    c_ko,
    c_zh_food,
    c_zh_grocers,
    c_zh_market,
    c_zh_meals,
    c_zh_other,
    c_zh_platform,
    c_zh_returns,
    c_zh_shops,
    c_zh_top_ups,
    c_zh_trades,
)
from tests.support.fresh.slip import Slip, problems

_SOLD = (*c_zh_market.ALL, *c_zh_grocers.ALL, *c_zh_food.ALL, *c_zh_meals.ALL, *c_zh_shops.ALL, *c_zh_trades.ALL)
_OTHER = (*c_zh_platform.ALL, *c_zh_returns.ALL, *c_zh_top_ups.ALL, *c_zh_other.ALL)
_ENGLISH = (*c_en.ALL, *c_en_shops.ALL, *c_en_other.ALL)
ALL: tuple[Slip, ...] = (*_SOLD, *_OTHER, *c_hant.ALL, *_ENGLISH, *c_ja.ALL, *c_ko.ALL)


def arithmetic() -> list[str]:
    """Return every slip whose own figures do not add up."""
    return [problem for slip in ALL for problem in problems(slip)]
