"""`edge-agent status` in the words of whoever types it."""

from typing import Any

import pytest

from edge_agent.commands.status import render, users_language


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_TW", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN"}, "zh"),
    ],
)
def test_the_users_language_is_the_locales(environment: dict[str, str], language: str) -> None:
    assert users_language(environment) == language


WENT_BACK = "a device stopped working. The box went back to its old settings by itself"


def document(**changes: Any) -> dict[str, Any]:
    proof = {"business_day": "2026-11-22", "state": "differs", "differing": ["7", "9"], "earlier": []}
    earlier = [{"business_day": "2026-11-21", "state": "agreed", "differing": []}]
    good = {"version": 41, "sha256": "0123456789abcdef"}
    return {
        "level": "attention",
        "headline": "the headline",
        "steps": ["one", "two"],
        "sync": {"connected": False, "waiting": 37, "confirmed_until": "2026-11-22T13:05:00.000+08:00"},
        "clock": {"now": "2026-11-22T14:00:00.000+08:00"},
        "config": {
            "running": good, "last_known_good": good, "desired": {"version": 42}, "phase": "rolled_back",
            "code": "device_failed", "detail": "till-1: missing", "at": "2026-11-22T05:01:00.000Z",
        },
        "today": {
            "orders": 12, "unparsed": 1, "checkins": 3, "visitors": 4, "day_proof": {**proof, "earlier": earlier},
        },
        "devices": [
            {"id": "till-1", "name": "1号收银小票", "state": "up", "detail": "",
             "last_seen": "2026-11-21T18:02:00.000+08:00"},
            {"id": "nfc-1", "name": "1号读卡器", "state": "down", "detail": "/dev/x is missing", "last_seen": None},
        ],
    } | changes  # fmt: skip


def test_the_whole_is_told_in_english() -> None:
    assert render(document(), "en").splitlines() == [
        "Keep an eye on this  the headline",
        "  1. one",
        "  2. two",
        "head office: not connected, 37 waiting, saved up to 13:05",
        "today: 12 orders, 1 slips not understood, 3 check-ins, 4 visitors",
        "proof of 2026-11-22: head office has other orders; look at 7, 9",
        "proof of 2026-11-21: head office has the same orders",
        "configuration: Head office's, version 41 (01234567)",
        f"  Version 42 did not work here: {WENT_BACK} (13:01). - device_failed: till-1: missing",
        "device till-1 (1号收银小票): Working, last seen yesterday 18:02",
        "device nfc-1 (1号读卡器): Not working, last seen never - /dev/x is missing",
    ]


def test_the_whole_is_told_in_chinese() -> None:
    nothing = {"connected": True, "waiting": 0, "confirmed_until": None}
    own = {"version": 0, "sha256": "fedcba9876543210"}
    config = {"running": own, "last_known_good": own, "desired": {"version": None}, "phase": None}
    assert render(document(sync=nothing, level="ok", config=config), "zh").splitlines() == [
        "一切正常  the headline",
        "  1. one",
        "  2. two",
        "总部：已连上，0条待传，已存到：还没有",
        "今天：12单，1张小票没看懂，签到3次，认出顾客4人",
        "2026-11-22对账：和总部不一致；请查小票7, 9",
        "2026-11-21对账：和总部一致",
        "配置：小主机里的配置文件（fedcba98）",
        "设备till-1（1号收银小票）：正常，上次有数据：昨天 18:02",
        "设备nfc-1（1号读卡器）：用不了，上次有数据：还没有 - /dev/x is missing",
    ]
