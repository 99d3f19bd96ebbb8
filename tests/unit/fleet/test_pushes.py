import base64
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.contract.envelope import Key, seal, unseal
from edge_agent.contract.remote import ConfigId, ConfigPush, Desired, Reported, opened
from edge_agent.contract.topics import Topics
from edge_agent.errors import AgentError
from edge_agent.fleet import pushes

AGENT = Topics("acme", "sh-1", "pc-1")
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
TRUSTED = Key("ops-1", PRIVATE.public_key().public_bytes_raw(), frozenset({"config"}))
FIRST, OURS, OTHER = ConfigId(0, "00"), ConfigId(7, "77"), ConfigId(7, "78")
EXPIRES = datetime(2026, 11, 29, tzinfo=UTC)


def reported(desired: int | None, phase: str | None, running: ConfigId = FIRST, code: str | None = None) -> Reported:
    return Reported(running=running, last_known_good=running, desired=Desired(desired), phase=phase, code=code)


def envelope(version: int) -> tuple[bytes, ConfigId]:
    payload, push = pushes.encode(AGENT, version, EXPIRES, 300, {"store": {"name": "店"}})
    return seal(payload, PRIVATE, "ops-1"), push


def test_an_agent_takes_what_is_encoded() -> None:
    sealed, push = envelope(7)
    signed = unseal(sealed, [TRUSTED])
    taken = opened(signed, ConfigPush, "config", AGENT)
    assert (taken.version, taken.trial_seconds, taken.expires) == (7, 300, EXPIRES)
    assert taken.config == {"store": {"name": "店"}}
    assert push == ConfigId(7, pushes.digest(signed.payload))


@pytest.mark.parametrize(
    ("report", "lying", "version"),
    [
        (None, 0, 1),
        (None, 9, 10),
        (reported(None, None), 0, 1),
        (reported(5, "rejected", running=ConfigId(3, "33")), 0, 6),
        (reported(None, "rejected", running=ConfigId(3, "33")), 0, 4),
        (reported(5, "committed", running=ConfigId(5, "55")), 9, 10),
    ],
)
def test_the_next_version_is_above_all_that_is_known(report: Reported | None, lying: int, version: int) -> None:
    assert pushes.next_version(report, envelope(lying)[0] if lying else b"") == version


def test_a_line_at_its_end_is_told() -> None:
    with pytest.raises(AgentError, match="is the last"):
        pushes.next_version(None, envelope(2**53)[0])


@pytest.mark.parametrize(
    ("report", "status", "failed"),
    [
        (None, "pending", False),
        (reported(None, None), "pending", False),
        (reported(6, "committed"), "pending", False),
        (reported(None, "rejected", code="bad_signature"), "pending", False),
        (reported(7, "received"), "running", False),
        (reported(7, "trial", running=OURS), "running", False),
        (reported(7, "committed", running=OURS), "committed", False),
        (reported(7, "committed", running=OTHER), "superseded", False),
        (reported(8, "trial"), "superseded", False),
        (reported(7, "rejected", code="invalid_config"), "rejected", True),
        (reported(7, "rolled_back", code="hung"), "rolled_back", True),
    ],
)
def test_what_becomes_of_a_push_is_what_the_agent_says(report: Reported | None, status: str, failed: bool) -> None:
    outcome = pushes.outcome(OURS, report)
    assert (outcome.status, outcome.failed) == (status, failed)
    assert outcome.code == (report.code if report and failed else None)


def test_what_runs_is_known_only_where_its_bytes_lie_there() -> None:
    sealed, push = envelope(7)
    assert pushes.running_config(reported(7, "committed", running=push), sealed) == {"store": {"name": "店"}}
    assert pushes.running_config(reported(7, "rejected"), sealed) is None
    assert pushes.running_config(None, sealed) is None
    assert pushes.running_config(reported(7, "committed", running=push), b"") is None


@pytest.mark.parametrize(
    "lying",
    [b"", b"{", b"[]", b'{"payload": 1}', b'{"payload": "x"}', b'{"payload": "e30="}', b"\xff", b"[" * 100_000],
)
def test_whatever_lies_there_is_no_reason_to_fall_over(lying: bytes) -> None:
    assert pushes.push_in(lying) is None
    assert pushes.next_version(None, lying) == 1


def test_a_version_nobody_has_signed_counts_too() -> None:
    """The agent has judged it before; a version above it can do no harm."""
    payload = base64.b64encode(pushes.encode(AGENT, 41, EXPIRES, 300, {})[0]).decode()
    assert pushes.next_version(None, msgspec.json.encode({"payload": payload})) == 42
