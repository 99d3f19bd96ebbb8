"""What is said of arguments that a command does not take."""

from typing import Any

import pytest

from edge_agent.contract.envelope import Refused
from edge_agent.remote.commands.catalogue import action_of, arguments_of


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("ping", {"loud": True}, "unknown field `loud` (takes: nothing)"),
        ("restart_device", {}, "missing required field `device` (takes: device)"),
        ("resend", {"stream": "sales"}, "(takes: stream orders|checkins|ops|presence, first, last)"),
        ("log", {"level": "loud"}, "(takes: [since], [level debug|error|info|warning], [limit])"),
    ],
)
def test_who_gets_the_arguments_wrong_is_told_which_there_are(name: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        arguments_of(action_of(name), arguments)
    assert refused.value.code == "bad_arguments"
    assert said in (refused.value.detail or "")
