"""What one relay leaves to the next."""

from pathlib import Path

import pytest

from edge_agent.relay.ledger import Ledger, TakenError
from edge_agent.relay.messages import Bind


def test_the_next_relay_knows_what_was_read_and_where_the_agent_was(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "till.relay")
    assert (first.read, first.bound) == (0, None)
    first.count(10)
    first.bind(Bind(4, 104))
    first.count(2**40)
    first.close()

    second = Ledger(tmp_path / "till.relay")

    assert (second.read, second.bound) == (2**40, Bind(4, 104))
    second.close()


def test_one_device_has_one_relay(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "till.relay")
    with pytest.raises(TakenError):
        Ledger(tmp_path / "till.relay")
    first.close()
    Ledger(tmp_path / "till.relay").close()


@pytest.mark.parametrize("content", [b"", b"\0" * 29, b"x" * 29, b"short"])
def test_a_damaged_entry_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "till.relay").write_bytes(content)

    ledger = Ledger(tmp_path / "till.relay")

    assert (ledger.read, ledger.bound) == (0, None)
    ledger.close()


def test_a_relay_goes_on_without_a_place_for_its_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "nowhere" / "till.relay")
    ledger.count(5)
    assert ledger.read == 5
    ledger.close()
