import socket
import ssl

import pytest
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.health import Level
from edge_agent.uplink.reasons import _BY_NUMBER, code_of, condition, link_error


@pytest.mark.parametrize(
    ("number", "code"),
    [(0x87, "not_authorized"), (0x97, "quota_exceeded"), (0x95, "packet_too_large"), (0x8E, "session_taken_over")],
)
def test_codes_are_stable(number: int, code: str) -> None:
    assert code_of(number) == code
    assert condition(code, "here").detail.endswith("(here)")


def test_an_unknown_number_is_told_as_it_is() -> None:
    assert code_of(0xEE) == "reason_0xee"
    assert condition("reason_0xee").level is Level.ATTENTION


def test_every_number_is_one_of_mqtt() -> None:
    assert set(_BY_NUMBER) <= set(ReasonCode.names)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(), "refused"),
        (TimeoutError(), "timeout"),
        (socket.gaierror(-2, "Name or service not known"), "name_not_found"),
        (OSError(113, "No route to host"), "unreachable"),
        (ConnectionResetError(), "closed"),
        (ssl.SSLError(1, "wrong version number"), "tls_failed"),
    ],
)
def test_errors_of_connecting(error: OSError, code: str) -> None:
    assert link_error(error).reason == code
