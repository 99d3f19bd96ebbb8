"""Signed payloads: meant for this agent, of a key that may sign them, or one of the contract's codes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.contract.envelope import Key, Refused, Signed
from edge_agent.contract.remote import DAY_SECONDS, TRIAL_SECONDS, Command, ConfigPush, opened
from edge_agent.contract.topics import Topics

TOPICS = Topics("acme", "sh-0001", "pc-1")
TARGET = {"tenant": "acme", "store": "sh-0001", "agent": "pc-1"}
CONFIG = {"type": "config", "target": TARGET, "version": 42, "expires": "2030-01-01T08:00:00+08:00", "config": {"a": 1}}
COMMAND = {"type": "command", "target": TARGET, "id": "c-1", "name": "ping", "expires": "2030-01-01T00:00:00Z"}
CODES = {"malformed", "wrong_role", "wrong_target"}


def signed(payload: object, *roles: str) -> Signed:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Signed(data, Key("ops-1", b"", frozenset(roles or ("config", "command"))))


def config(payload: object, *roles: str) -> ConfigPush:
    return opened(signed(payload, *roles), ConfigPush, "config", TOPICS)


def command(payload: object, *roles: str) -> Command:
    return opened(signed(payload, *roles), Command, "command", TOPICS)


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def test_a_push() -> None:
    push = config(CONFIG)

    assert (push.version, push.config, push.trial_seconds) == (42, {"a": 1}, TRIAL_SECONDS)
    assert push.expires == datetime(2030, 1, 1, tzinfo=UTC)
    assert config(CONFIG | {"trial_seconds": 1, "later": True}).trial_seconds == 1


def test_a_command() -> None:
    asked = command(COMMAND | {"arguments": {"device": "till-1"}, "boot_id": "b"})

    assert (asked.id, asked.name, asked.arguments, asked.boot_id) == ("c-1", "ping", {"device": "till-1"}, "b")
    assert (command(COMMAND).arguments, command(COMMAND).boot_id) == ({}, None)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"\xff",
        b'{"config":' * 100_000,
        json.dumps(CONFIG)[:-1].encode(),
        *(without(CONFIG, key) for key in ("type", "target", "version", "expires", "config")),
        CONFIG | {"type": "command"},
        CONFIG | {"type": "Config"},
        CONFIG | {"type": "x" * 5000},
        CONFIG | {"target": "acme/sh-0001/pc-1"},
        CONFIG | {"target": without(TARGET, "agent")},
        *(CONFIG | {"version": version} for version in (-1, "42", 1.5, None, True, 2**53 + 1, 10**30)),
        *(CONFIG | {"expires": at} for at in ("2030-01-01T00:00:00", "tomorrow", 1_900_000_000, None, "")),
        *(CONFIG | {"trial_seconds": seconds} for seconds in (0, -1, DAY_SECONDS + 1, None, "300")),
        CONFIG | {"config": [1]},
        CONFIG | {"config": None},
        json.dumps(CONFIG | {"config": {"a": float("nan")}}).encode(),
    ],
)
def test_a_push_of_another_shape_is_malformed(payload: object) -> None:
    with pytest.raises(Refused, match=r"^malformed") as caught:
        config(payload)
    assert len(caught.value.detail.splitlines()) == 1
    assert len(caught.value.detail) < 400


@pytest.mark.parametrize(
    "payload",
    [
        *(COMMAND | {"id": name} for name in ("", "a/b", "+", "#", "a\n", "\n", "ä", "x" * 65, ".", None, 7)),
        *(without(COMMAND, key) for key in ("id", "name", "expires", "target")),
        COMMAND | {"arguments": []},
        COMMAND | {"boot_id": 1},
        CONFIG,
    ],
)
def test_a_command_of_another_shape_is_malformed(payload: object) -> None:
    with pytest.raises(Refused, match=r"^malformed"):
        command(payload)


def test_the_key_must_hold_the_role() -> None:
    for roles in (("command",), ("dataset", "update"), ("configs",)):
        with pytest.raises(Refused, match=r"^wrong_role") as caught:
            config(CONFIG, *roles)
        assert all(role in caught.value.detail for role in roles)
    with pytest.raises(Refused, match=r"^wrong_role"):
        command(COMMAND, "config")


@pytest.mark.parametrize("key", ["tenant", "store", "agent"])
@pytest.mark.parametrize("other", ["", "acme2", "sh-0001 ", "PC-1", "+", "\n\x1b[2J", "x" * 5000])
def test_only_what_is_meant_for_this_agent(key: str, other: str) -> None:
    with pytest.raises(Refused, match=r"^wrong_target") as caught:
        config(CONFIG | {"target": TARGET | {key: other}})
    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) < 400


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z"])
def test_the_ends_of_time_can_be_compared(at: str) -> None:
    expires = config(CONFIG | {"expires": at}).expires

    assert (expires < datetime(2026, 1, 1, tzinfo=UTC)) is (at < "2000")
    assert isinstance(expires.timestamp(), float)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=200)
@given(st.binary(max_size=100) | st.tuples(st.sampled_from([*CONFIG, "id", "name", "x"]), VALUES), st.booleans())
def test_any_signed_bytes_are_refused_with_a_code_or_a_payload(what: Any, as_command: bool) -> None:
    row = COMMAND if as_command else CONFIG
    payload = what if isinstance(what, bytes) else json.dumps(row | {what[0]: what[1]}).encode()
    try:
        got: object = command(payload) if as_command else config(payload)
    except Refused as refused:
        got = refused.code
        assert refused.code in CODES  # noqa: PT017 - either is right
        assert len(refused.detail.splitlines()) <= 1  # noqa: PT017
    assert isinstance(got, str | Command | ConfigPush)
