"""The second batch: 93 slips, each of its own layout, written without sight of a template or of another set."""

from tests.support.fresh import b_en, b_ja_ko, b_zh_shops, b_zh_slips, b_zh_tables
from tests.support.fresh.slip import Slip, problems

ALL: tuple[Slip, ...] = (*b_zh_shops.ALL, *b_zh_tables.ALL, *b_zh_slips.ALL, *b_en.ALL, *b_ja_ko.ALL)


def arithmetic() -> list[str]:
    """Return every slip whose own figures do not add up."""
    return [problem for slip in ALL for problem in problems(slip)]
