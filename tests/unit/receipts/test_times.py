from datetime import datetime

import pytest

from edge_agent.receipts.times import combine, find


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("时间:2026-11-22 10:31:05", "ymd", "2026-11-22T10:31:05"),
        ("2026/11/22 10:31", "ymd", "2026-11-22T10:31:00"),
        ("2026年11月22日 10时31分", "ymd", "2026-11-22T10:31:00"),
        ("2026年 2月19日(火) 19:00", "ymd", "2026-02-19T19:00:00"),
        ("26-11-22 10:31:05", "ymd", "2026-11-22T10:31:05"),
        ("20261122 10:31:05", "ymd", "2026-11-22T10:31:05"),
        ("22/11/2026 10:31 PM", "dmy", "2026-11-22T22:31:00"),
        ("03/04/2026 08:00", "dmy", "2026-04-03T08:00:00"),
        ("03/04/2026 08:00", "mdy", "2026-03-04T08:00:00"),
        ("11/22/26   17:31", "mdy", "2026-11-22T17:31:00"),
        ("22.11.26 10:31", "dmy", "2026-11-22T10:31:00"),
        ("Nov 22, 2026 1:05 PM", "mdy", "2026-11-22T13:05:00"),
        ("22 Nov 2026 10:31", "dmy", "2026-11-22T10:31:00"),
        ("Monday 6th of April 2015 02:56:25 PM", "dmy", "2015-04-06T14:56:25"),
        ("Date: 22-11-2026  Time: 12:10 AM", "dmy", "2026-11-22T00:10:00"),
    ],
)
def test_dates_and_times_as_tills_print_them(text: str, order: str, expected: str) -> None:
    stamp = find(text, order)
    assert stamp is not None
    assert combine([stamp]) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text", ["电话:021-58881234", "24小时营业", "1.205   7.98    9.62", "合计 16.00", "99/99/2026"]
)
def test_what_is_no_time(text: str) -> None:
    stamp = find(text, "ymd")
    assert stamp is None or stamp.day is None


def test_a_receipt_number_that_begins_like_a_date_is_none() -> None:
    assert find("单号:20261122000137", "ymd", bare=False) is None
