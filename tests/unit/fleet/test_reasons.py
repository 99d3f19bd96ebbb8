import ssl

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.fleet import reasons


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Bad user name or password", "user name or password is wrong; check username and password_file"),
        ("Server busy", "it is busy; try again"),
        ("Implementation specific error", "implementation specific error (reason code 0x83)"),
    ],
)
def test_a_code_is_told_in_words_and_one_without_words_by_its_number(name: str, told: str) -> None:
    assert reasons.of_code(ReasonCode(PacketTypes.CONNACK, name)) == told


def refused(error: ssl.SSLError, **said: str) -> ssl.SSLError:
    """Return the error with what OpenSSL adds to it."""
    for name, value in said.items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(), "nobody listens there"),
        (ConnectionResetError(), "mqtt:// or mqtts://"),
        (TimeoutError(), "the firewall"),
        (refused(ssl.SSLError(1, "wrong version"), reason="WRONG_VERSION_NUMBER"), "WRONG_VERSION_NUMBER; is that the"),
        (refused(ssl.SSLCertVerificationError(1, "no"), verify_message="self-signed"), "self-signed; check ca_file"),
        (OSError(101, "Network is unreachable"), "cannot be reached: Network is unreachable"),
        (ValueError("a name that cannot be one"), "cannot be reached: a name that cannot be one"),
    ],
)
def test_a_connection_that_fails_says_what_to_look_at(error: Exception, told: str) -> None:
    assert told in reasons.of_error(error)
