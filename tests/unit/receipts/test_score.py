"""The figure the product is judged by: receipts of layouts the templates were, and were not, written against."""

import pytest

from edge_agent import receipts
from tests.support.receipts import en, ja_ko, unseen_en, unseen_ja_ko, unseen_zh, zh
from tests.support.receipts.paper import Layout
from tests.support.receipts.scoring import score

TEMPLATES = [receipts.compile(settings) for settings in receipts.shipped().values()]
SEEDS = range(8)


@pytest.mark.parametrize("layout", [*zh.LAYOUTS, *en.LAYOUTS, *ja_ko.LAYOUTS], ids=lambda layout: str(layout.__name__))
def test_every_known_layout_is_read_fully_right(layout: Layout) -> None:
    result = score([layout], TEMPLATES, SEEDS)
    assert result.wrong == []


def test_layouts_held_back_are_read_right_and_never_wrong_in_silence() -> None:
    result = score([*unseen_zh.LAYOUTS, *unseen_en.LAYOUTS, *unseen_ja_ko.LAYOUTS], TEMPLATES, SEEDS)
    assert result.share >= 0.95, f"{result.right} of {result.read} fully right: {result.wrong}"
    assert result.unflagged == []
