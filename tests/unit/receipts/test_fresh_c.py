"""The third batch by another hand: right in itself, and every slip of it leaves the decoder as one slip."""

import pytest

from edge_agent import receipts
from tests.support.fresh import batch_c
from tests.support.fresh.scoring import printed, score
from tests.support.fresh.slip import Slip


def test_the_figures_of_every_slip_add_up() -> None:
    assert batch_c.arithmetic() == []
    assert len({slip.name for slip in batch_c.ALL}) == len(batch_c.ALL) >= 100


@pytest.mark.parametrize("slip", batch_c.ALL, ids=lambda slip: slip.name)
def test_every_slip_leaves_the_decoder(slip: Slip) -> None:
    rows = printed(slip)

    assert rows is not None
    written = [row for row in slip.text.strip("\n").split("\n") if not row.startswith("@")]
    assert len([row for row in rows if row.strip()]) == len(written)


def test_the_batch_is_read_fully_right_and_no_wrong_figure_passes() -> None:
    result = score(batch_c.ALL, tuple(receipts.compile(settings) for settings in receipts.shipped().values()))

    assert result.share >= 0.97, result.wrong
    assert (result.passing, result.dropped, result.unread) == ({}, [], [])
