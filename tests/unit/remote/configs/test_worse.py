"""Which devices a config has broken, and which ones break by themselves."""

from dataclasses import replace
from typing import Any

import pytest

from edge_agent.config.devices import KINDS, DeviceSettings, line_model
from edge_agent.remote.configs.worse import Comparison, Seen, place

GRACE_MS = 10_000


def settings(id_: str = "till-1", kind: str = "serial", decoder: str = "escpos", **fields: Any) -> DeviceSettings:
    ends: dict[str, dict[str, Any]] = {
        "serial": {"port": "/dev/ttyUSB0"},
        "tcp": {"host": "192.0.2.7", "port": 4001},
        "tcp-listen": {"listen": "127.0.0.1:9100"},
        "nfc": {"path": "tty:nfc:pn532"},
        "pcsc": {"reader": "ACR122"},
        "ble": {},
    }
    table = {"id": id_, "kind": kind, "touchpoint": "till"} | ends[kind] | fields
    is_line = kind in {"serial", "tcp", "tcp-listen"}
    model = line_model(kind, decoder) if is_line else KINDS[kind]
    return model.model_validate(table | ({"decoder": decoder} if is_line else {}))


def seen(state: str = "up", reason: str = "", read_by: str = "a", **fields: Any) -> Seen:
    told: dict[str, Any] = {"detail": "", "receipts": 0, "orders": 0, "layout_changed": False}
    about = {key: fields.pop(key) for key in tuple(fields) if key in told}
    return Seen(settings(**fields), read_by, state, reason, **(told | about))


def judge(was: Seen, *then: tuple[int, Seen], grace_ms: int = GRACE_MS) -> str | None:
    """Return the first fault found of one device as it goes on: milliseconds of the trial, and how it is by then."""
    comparison = Comparison({was.settings.id: was})
    for at_ms, now in then:
        if fault := comparison.fault({now.settings.id: now}, at_ms, grace_ms):
            return f"{at_ms}: {fault}"
    return None


GONE = seen("down", "missing", port="/dev/ttyUSB9", detail="there is no such port")


def test_a_changed_device_may_be_down_for_a_moment_but_not_for_longer() -> None:
    assert judge(seen(), (0, GONE), (9_999, GONE)) is None
    assert judge(seen(), (0, GONE), (10_000, GONE)) == "10000: till-1: missing: there is no such port"
    fine = seen(port="/dev/ttyUSB9")
    assert judge(seen(), (0, GONE), (9_000, fine), (9_500, GONE), (19_000, GONE)) is None


def test_at_the_end_it_must_not_be_down_at_all() -> None:
    assert judge(seen(), (0, GONE), grace_ms=0) is not None
    assert judge(seen(), (0, seen(port="/dev/ttyUSB9")), grace_ms=0) is None


@pytest.mark.parametrize("kind", ["serial", "tcp", "tcp-listen", "nfc", "pcsc", "ble"])
def test_a_device_whose_settings_are_the_same_fails_by_itself(kind: str) -> None:
    assert judge(seen(kind=kind), (0, seen("down", "busy", kind=kind)), grace_ms=0) is None
    assert judge(seen(kind=kind), (0, seen("degraded", "unreadable", kind=kind)), grace_ms=0) is None
    called_otherwise = seen("down", "busy", kind=kind, name="收银", touchpoint="till-9")
    assert judge(seen(kind=kind), (0, called_otherwise), grace_ms=0) is None


@pytest.mark.parametrize("kind", ["serial", "tcp", "tcp-listen", "nfc", "pcsc", "ble"])
def test_the_same_end_under_another_id_is_the_same_device(kind: str) -> None:
    was, now = seen(kind=kind), seen("down", "refused", kind=kind, id_="till-9")
    assert place(was.settings) == place(now.settings)
    assert judge(was, (0, now), grace_ms=0) == "0: till-9: refused"


def test_a_device_that_did_not_work_before_is_no_worse() -> None:
    assert judge(seen("down", "missing"), (0, GONE), grace_ms=0) is None


def test_devices_that_are_new_or_gone_break_nothing() -> None:
    comparison = Comparison({"till-1": seen()})
    assert comparison.fault({}, 0, 0) is None
    assert comparison.fault({"till-9": seen("down", "missing", id_="till-9", port="/dev/ttyUSB9")}, 0, 0) is None


def test_templates_and_decoders_are_how_a_device_is_read() -> None:
    noise = seen("degraded", "unreadable", read_by="b", detail="much of what arrives means nothing")
    assert judge(seen(), (0, noise), grace_ms=0) == "0: till-1: unreadable: much of what arrives means nothing"
    assert judge(seen("degraded", "unreadable"), (0, noise), grace_ms=0) is None


def test_a_plug_that_is_pulled_out_is_nobodys_fault() -> None:
    up = seen(port="/dev/ttyUSB9")
    pulled = seen("down", "unplugged", port="/dev/ttyUSB9")
    assert judge(seen(), (0, up), (1_000, pulled), (2_000, GONE), (20_000, GONE), grace_ms=0) is None
    assert judge(seen(), (0, pulled), grace_ms=0) is not None  # it was never up
    hung = seen("down", "permission", port="/dev/ttyUSB9")
    assert judge(seen(), (0, up), (1_000, hung), grace_ms=0) is not None


def test_receipts_that_are_no_longer_read_count_at_once() -> None:
    fine, changed = seen(read_by="b"), seen(read_by="b", layout_changed=True)
    assert judge(seen(), (0, fine), (1, changed)) == "1: till-1: its receipts are no longer read: layout_changed"
    assert judge(seen(layout_changed=True), (0, fine), (1, changed)) is None


def test_a_till_of_which_nothing_is_read_any_more_is_worse_before_its_layout_counts_as_changed() -> None:
    was = seen(receipts=20, orders=19)
    unread = seen(read_by="b", receipts=3)
    assert judge(was, (0, replace(unread, receipts=2))) is None
    assert judge(was, (0, unread)) == "0: till-1: 3 receipts came and none was read"
    assert judge(was, (0, replace(unread, orders=1))) is None
    assert judge(replace(was, orders=10), (0, unread)) is None  # half of them never were
    assert judge(seen(receipts=9, orders=9), (0, unread)) is None  # too few to know it
