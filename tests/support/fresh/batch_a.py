"""The first batch: 70 slips of some 55 layouts, written without sight of a template or of another set."""

from tests.support.fresh import en, ja_ko, zh_shops, zh_slips
from tests.support.fresh.slip import Slip, problems

ALL: tuple[Slip, ...] = (*zh_shops.ALL, *zh_slips.ALL, *en.ALL, *ja_ko.ALL)


def arithmetic() -> list[str]:
    """Return every slip whose own figures do not add up."""
    return [problem for slip in ALL for problem in problems(slip)]
