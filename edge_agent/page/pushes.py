"""Which config runs and what has become of the one that head office pushed last, in the shop's words."""

from collections.abc import Callable, Mapping
from datetime import datetime

from edge_agent.contract.remote import Reported
from edge_agent.page.words import Words

SHA_DIGITS = 8  # what two people compare on the telephone

# Text keys, below ``push.why``, by the codes of ``config/reported`` (contract, section 7). What a shop can tell apart
# is fewer things than what an operator can.
_WHY: Mapping[str, str] = {
    "unsigned": "not_trusted",
    "bad_signature": "not_trusted",
    "unknown_key": "not_trusted",
    "wrong_role": "not_trusted",
    "too_large": "unreadable",
    "malformed": "unreadable",
    "wrong_target": "wrong_target",
    "expired": "expired",
    "not_newer": "not_newer",
    "invalid_config": "invalid_config",
    "samples_failed": "samples_failed",
    "device_failed": "device_failed",
    "storage_failed": "storage_failed",
    "link_failed": "link_failed",
    "crashed": "crashed",
    "hung": "hung",
}


def running(reported: Reported, words: Words) -> str:
    """Return which config runs."""
    key = "push.file" if reported.running.version == 0 else "push.version"
    return words.say(key, version=reported.running.version, sha=reported.running.sha256[:SHA_DIGITS])


def note(reported: Reported, words: Words, time: Callable[[datetime], str]) -> str:
    """Return what has become of the last push; empty where none came. ``time``: says a moment as the reader does."""
    if reported.phase not in _NOTED or reported.at is None:
        return ""
    version = reported.desired.version
    return words.say(
        f"push.note.{reported.phase if version is not None else 'unknown'}",
        version=version,
        time=time(datetime.fromisoformat(reported.at)),
        why=why(reported.code, words),
    )


_NOTED = frozenset({"staged", "trial", "committed", "rejected", "rolled_back"})  # the others pass within moments


def why(code: str | None, words: Words) -> str:
    """Return why a push was rejected or rolled back, as the end of a sentence, without its full stop."""
    return words.say(f"push.why.{_WHY.get(code or '', 'unknown')}", code=code or "")
