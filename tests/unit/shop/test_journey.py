import pytest

from edge_agent.contract.data import Hop
from edge_agent.shop.journey import mode


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (["store"], "in_store"),
        (["store", "device", "store"], "in_store"),
        (["internet", "store"], "online_to_offline"),
        (["mobile", "internet", "device", "store"], "online_to_offline"),
        (["store", "mobile"], "offline_to_online"),
        (["internet", "store", "mobile"], "online_offline_online"),
        (["device", "mobile", "store"], "offline_online_offline"),
        (["mobile"], "custom:online"),
        (["store", "mobile", "store", "mobile"], "custom:offline_online_offline_online"),
        (["kiosk"], "custom:kiosk"),
    ],
)
def test_mode_is_derived_by_collapsing_hops(ends: list[str], expected: str) -> None:
    hops = [Hop(end=end, touchpoint=None, at="2026-11-22T10:00:00+08:00") for end in ends]
    assert mode(hops) == expected
