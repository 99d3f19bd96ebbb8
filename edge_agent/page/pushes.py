"""Why a config that head office pushed is not in force, in the shop's words."""

from collections.abc import Mapping

from edge_agent.page.words import Words

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


def why(code: str | None, words: Words) -> str:
    """Return why a push was rejected or rolled back, as the end of a sentence, without its full stop."""
    return words.say(f"push.why.{_WHY.get(code or '', 'unknown')}", code=code or "")
