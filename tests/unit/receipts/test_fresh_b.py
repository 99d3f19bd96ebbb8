"""The second batch by another hand: right in itself, and every slip of it leaves the decoder as one slip."""

import pytest

from edge_agent import receipts
from tests.support.fresh import batch_b
from tests.support.fresh.scoring import printed, score
from tests.support.fresh.slip import Slip


def test_the_figures_of_every_slip_add_up() -> None:
    assert batch_b.arithmetic() == []
    assert len({slip.name for slip in batch_b.ALL}) == len(batch_b.ALL) >= 70


@pytest.mark.parametrize("slip", batch_b.ALL, ids=lambda slip: slip.name)
def test_every_slip_leaves_the_decoder(slip: Slip) -> None:
    rows = printed(slip)

    assert rows is not None
    squeezed = ["".join(row.split()) for row in rows]
    for row in slip.text.strip("\n").split("\n"):
        if not row.startswith(("@", "\x1b")):
            cells = [cell for cell in row.removeprefix("^" if slip.medium != "text" else "").split("¦") if cell]
            assert any("".join("".join(cells).split()) in seen for seen in squeezed), row


def test_the_batch_is_read_fully_right_and_no_wrong_figure_passes() -> None:
    result = score(batch_b.ALL, tuple(receipts.compile(settings) for settings in receipts.shipped().values()))

    assert result.share >= 0.97, result.wrong
    assert (result.passing, result.dropped, result.unread) == ({}, [], [])
