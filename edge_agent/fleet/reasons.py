"""Why a broker refuses, or cannot be reached: in words that an operator can act on."""

import ssl
from typing import Any

REFUSED = 0x80  # MQTT 5, section 2.4: from here on a reason code is a failure
NO_LOGIN = "username or password is wrong, or the account lacks the right; check username and password_file"
_NO_RIGHT = "the broker account lacks the right; check its access rules"
# MQTT 5, section 2.4, table 2-6: those that an operator meets.
_WORDS = {
    0x84: "it does not speak MQTT 5",
    0x86: "user name or password is wrong; check username and password_file",
    0x87: _NO_RIGHT,
    0x88: "it is not ready; try again",
    0x89: "it is busy; try again",
    0x8A: "it has banned this account; ask whoever runs it",
    0x8F: "it refuses that topic filter",
    0x90: "it refuses that topic",
    0x95: "the message is larger than it takes",
    0x97: "its quota for this account is used up",
    0x9A: "it does not keep retained messages; the stores' states need them",
    0x9E: "it does not support shared subscriptions",
    0x9F: "it limits new connections; try again",
}


def of_error(error: Exception) -> str:
    """Return why there is no connection."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the broker's certificate is not trusted: {error.verify_message}; check ca_file and the name in url"
        case ssl.SSLError():
            return f"no TLS connection: {error.reason or error}; is that the port for mqtts, and our certificate right?"
        case TimeoutError():
            return "no answer; check the line, the firewall and url"
        case ConnectionRefusedError():
            return "nobody listens there; check url and whether the broker runs"
        case ConnectionError():
            return "closed the connection; check url: mqtt:// or mqtts://, and its port"
        case _:
            return f"cannot be reached: {getattr(error, 'strerror', None) or error}"


def of_code(code: Any) -> str:
    """Return what a reason code of MQTT 5 means."""
    return _WORDS.get(code.value, f"{str(code).lower()} (reason code 0x{code.value:02x})")
