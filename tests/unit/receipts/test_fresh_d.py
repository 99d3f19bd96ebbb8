"""The fourth batch by another hand: right in itself, and every slip of it leaves the decoder as one slip."""

import pytest

from edge_agent import receipts
from tests.support.fresh import batch_d
from tests.support.fresh.scoring import printed, score
from tests.support.fresh.slip import Slip


def test_the_figures_of_every_slip_add_up() -> None:
    assert batch_d.arithmetic() == []
    assert len({slip.name for slip in batch_d.ALL}) == len(batch_d.ALL) == 60


@pytest.mark.parametrize("slip", batch_d.ALL, ids=lambda slip: slip.name)
def test_every_slip_leaves_the_decoder(slip: Slip) -> None:
    rows = printed(slip)

    assert rows is not None
    written = [row for row in slip.text.strip("\n").split("\n") if not row.startswith("@")]
    assert len([row for row in rows if row.strip()]) == len(written)


def test_what_nobody_had_seen_is_read() -> None:
    """Nothing was changed for this batch: its share is that of layouts the shipped templates were not made for."""
    result = score(batch_d.ALL, tuple(receipts.compile(settings) for settings in receipts.shipped().values()))

    assert result.share >= 0.9, result.wrong
    assert (result.passing, result.dropped) == ({}, [])
