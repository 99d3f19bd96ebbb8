"""What is let in and what is not, before anything runs: every code, and bytes of all sorts."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import Clock, Moment, TimeQuality
from edge_agent.contract.envelope import MAX_BYTES, Refused, seal
from edge_agent.remote.commands.admitting import AHEAD, Rejected, Request, check_time, read
from tests.support.commanding import command_payload, sealed_command
from tests.support.pushing import COMMANDER, OPERATOR, STRANGER, TOPICS, Signer

CONFIGURER = Signer("desk-2", ("config",))
KEYS = [COMMANDER.key, OPERATOR.key, CONFIGURER.key]
BOOT = Clock().boot_id
OTHER_BOOT = "3f0f6a6e-0000-4000-8000-000000000000"
GOOD = sealed_command("ping")


def sealed(payload: bytes) -> bytes:
    return seal(payload, COMMANDER.private, COMMANDER.id)


def test_a_command_is_let_in() -> None:
    found = read(sealed_command("resend", {"stream": "orders"}, id_="c-7"), KEYS, TOPICS)
    assert isinstance(found, Request)
    assert (found.command.id, found.command.name, found.key_id) == ("c-7", "resend", "desk-1")
    assert len(found.sha256) == 64


@pytest.mark.parametrize(
    ("code", "envelope"),
    [
        ("too_large", b" " * (MAX_BYTES + 1)),
        ("malformed", b""),
        ("malformed", b"[]"),
        ("malformed", b'{"payload": "e30=", "signature": "!", "key_id": "desk-1"}'),
        ("unsigned", b'{"payload": "e30="}'),
        ("unknown_key", sealed_command("ping", by=STRANGER)),
        ("bad_signature", sealed_command("ping", by=Signer("imposter", ())).replace(b"imposter", b"desk-1")),
    ],
)
def test_a_strangers_id_is_not_believed(code: str, envelope: bytes) -> None:
    found = read(envelope, KEYS, TOPICS)
    assert isinstance(found, Rejected)
    assert (found.refused.code, found.id, found.key_id) == (code, None, None)


@pytest.mark.parametrize(
    ("code", "by", "fields"),
    [
        ("wrong_role", CONFIGURER, {}),
        ("wrong_target", COMMANDER, {"target": {"tenant": "demo", "store": "sh-0001", "agent": "pc-2"}}),
        ("malformed", COMMANDER, {"type": "config"}),
        ("malformed", COMMANDER, {"arguments": 7}),
        ("malformed", COMMANDER, {"expires": "tomorrow"}),
        ("malformed", COMMANDER, {"expires": "2026-11-22T10:00:00"}),
    ],
)
def test_who_may_not_command_is_answered_by_id(code: str, by: Signer, fields: dict[str, Any]) -> None:
    found = read(sealed_command("ping", id_="c-7", by=by, **fields), KEYS, TOPICS)
    assert isinstance(found, Rejected)
    assert (found.refused.code, found.id, found.key_id) == (code, "c-7", by.id)


@pytest.mark.parametrize("id_", ["", "a/b", "+", "#", ".", "..", "c-7\n", "unverified", "x" * 65, 7, None])
def test_an_id_that_cannot_be_a_topic_is_none(id_: object) -> None:
    found = read(sealed(command_payload("ping", id=id_)), KEYS, TOPICS)
    assert isinstance(found, Rejected)
    assert (found.refused.code, found.id) == ("malformed", None)


def moment(quality: TimeQuality, *, ahead: timedelta = timedelta(0)) -> Moment:
    now = Clock().now()
    return Moment(now.wall_ms + ahead // timedelta(milliseconds=1), now.uptime_ms, now.boot_id, quality)


def request(**fields: Any) -> Request:
    found = read(sealed_command("ping", **fields), KEYS, TOPICS)
    assert isinstance(found, Request)
    return found


def unnamed(**fields: Any) -> Request:
    """Return a command that names no boot."""
    payload = msgspec.json.decode(command_payload("ping", **fields)) | {"boot_id": None}
    found = read(sealed(msgspec.json.encode(payload)), KEYS, TOPICS)
    assert isinstance(found, Request)
    return found


SET = [TimeQuality.SYNCED, TimeQuality.HOLDOVER]
DAYS = AHEAD.total_seconds()


@pytest.mark.parametrize("quality", SET)
def test_a_clock_that_is_set_decides(quality: TimeQuality) -> None:
    for expires_in_s in (1, DAYS - 60):
        check_time(unnamed(expires_in_s=expires_in_s), moment(quality))
    for code, expires_in_s in (("expired", 0), ("expired", -DAYS), ("too_far", DAYS + 60)):
        with pytest.raises(Refused) as refused:
            check_time(request(expires_in_s=expires_in_s), moment(quality))
        assert refused.value.code == code


@pytest.mark.parametrize("quality", TimeQuality)
def test_a_boot_that_is_named_must_be_this_one(quality: TimeQuality) -> None:
    check_time(request(), moment(quality))
    with pytest.raises(Refused, match="wrong_boot"):
        check_time(request(boot_id=OTHER_BOOT), moment(quality))


def test_a_clock_that_is_not_set_needs_the_boot_and_no_nearness() -> None:
    unbound = unnamed()
    with pytest.raises(Refused, match=f"boot_id_needed.*{BOOT}"):
        check_time(unbound, moment(TimeQuality.UNSYNCED))
    decade = timedelta(days=3650)
    check_time(request(expires_in_s=2 * decade.total_seconds()), moment(TimeQuality.UNSYNCED, ahead=decade))
    with pytest.raises(Refused, match="expired"):
        check_time(request(), moment(TimeQuality.UNSYNCED, ahead=decade))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
ENVELOPES = st.fixed_dictionaries(
    {}, optional={name: JSON | st.binary().map(lambda raw: base64.b64encode(raw).decode())
                  for name in ("payload", "signature", "key_id")},
)  # fmt: skip
FIELDS = ("type", "target", "id", "name", "arguments", "expires", "boot_id", "more")


@given(data=st.binary() | JSON.map(msgspec.json.encode) | ENVELOPES.map(msgspec.json.encode))
def test_bytes_of_strangers_are_never_let_in(data: bytes) -> None:
    found = read(data, KEYS, TOPICS)
    assert isinstance(found, Rejected)
    assert found.id is None


@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_one_flipped_bit_is_noticed(at: int, bit: int) -> None:
    changed = bytearray(GOOD)
    changed[at] ^= 1 << bit
    assert isinstance(read(bytes(changed), KEYS, TOPICS), Rejected)


@given(fields=st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1) | JSON)
def test_whatever_is_signed_is_let_in_whole_or_refused(fields: Any) -> None:
    payload = msgspec.json.decode(command_payload("ping"))
    payload = payload | fields if isinstance(fields, dict) else fields
    found = read(sealed(msgspec.json.encode(payload)), KEYS, TOPICS)
    if isinstance(found, Request):
        assert found.command.expires.tzinfo is not None
        assert found.expires_ms == round(found.command.expires.timestamp() * 1000)
        assert found.command.id.isprintable()
    else:
        assert found.refused.code in {"malformed", "wrong_target"}


@given(at=st.datetimes(timezones=st.just(UTC)))
def test_any_time_can_be_named(at: datetime) -> None:
    found, now = request(expires=at.isoformat()), moment(TimeQuality.SYNCED)
    ahead = timedelta(milliseconds=found.expires_ms - now.wall_ms)
    if timedelta(0) < ahead <= AHEAD:
        check_time(found, now)
    else:
        with pytest.raises(Refused, match="expired" if ahead <= timedelta(0) else "too_far"):
            check_time(found, now)
