"""From bytes that anybody may have sent to a config that could run, or to why not."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import structlog

from edge_agent.config import Config
from edge_agent.config.problems import InvalidConfigError, Problem
from edge_agent.config.pushed import FailedSamplesError, apply_push
from edge_agent.contract.envelope import Key, Refused, unseal
from edge_agent.contract.remote import ConfigId, ConfigPush, opened
from edge_agent.contract.topics import Topics
from edge_agent.log import places

log = structlog.get_logger()

# A report fits into one small message, and a person reads no more problems than these at a time.
DETAIL_CHARS = 1_000
PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class Push:
    """A push whose signature is right and that is meant for this agent. ``payload``: the exact bytes signed."""

    payload: bytes
    id: ConfigId
    key_id: str
    expires_ms: int
    trial_s: int


def believed(envelope: bytes, keys: Iterable[Key], topics: Topics) -> Push:
    """Return what an envelope asks for. Raises Refused with the contract's codes; takes 10 ms for a MiB."""
    signed = unseal(envelope, keys)
    return _push(signed.payload, opened(signed, ConfigPush, "config", topics), signed.key.id)


def kept(payload: bytes, key_id: str) -> Push:
    """Return a push from the shelf: its signature was right when it was put there. Raises one of ``UNREADABLE``."""
    return _push(payload, msgspec.json.decode(payload, type=ConfigPush), key_id)


def validated(files: Config, push: Push) -> Config:
    """Return the configuration with the push in it. Raises Refused ``invalid_config`` ``samples_failed``."""
    try:
        return apply_push(files, push.payload)
    except FailedSamplesError as error:
        raise Refused("samples_failed", _told(error.problems)) from error
    except InvalidConfigError as error:
        raise Refused("invalid_config", _told(error.problems)) from error
    except Exception as error:  # a defect that a push meets: it lies retained, and would be met at every start
        log.error("config_check_failed", error=type(error).__name__, traceback=places(error))  # noqa: TRY400
        raise Refused("invalid_config", f"it cannot be checked: {type(error).__name__}") from error


def _push(payload: bytes, push: ConfigPush, key_id: str) -> Push:
    expires_ms = round(push.expires.timestamp() * 1000)
    return Push(
        payload, ConfigId(push.version, hashlib.sha256(payload).hexdigest()), key_id, expires_ms, push.trial_seconds
    )


def _told(problems: tuple[Problem, ...]) -> str:
    lines = [str(problem).removeprefix(f"{problem.file}:{problem.line}: ") for problem in problems[:PROBLEMS]]
    if len(problems) > PROBLEMS:
        lines.append(f"and {len(problems) - PROBLEMS} more")
    text = "; ".join(" ".join(line.split()) for line in lines)
    return text if len(text) <= DETAIL_CHARS else text[: DETAIL_CHARS - 1] + "…"
