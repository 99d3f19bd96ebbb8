"""What a refusal means: MQTT 5 reason codes and socket errors as stable codes, with what to do."""

import socket
import ssl
from dataclasses import dataclass

from edge_agent.errors import LinkError
from edge_agent.health import Condition, Level

SUCCESS = 0x00
NO_SUBSCRIBERS = 0x10
REFUSED = 0x80  # MQTT 5, section 2.4: from here on a reason code is a failure


@dataclass(frozen=True, slots=True)
class Reason:
    """``code``: stable, for health and logs; ``level``: who must act; ``advice``: one line for an installer."""

    code: str
    level: Level
    advice: str


# MQTT 5.0, section 2.4, table 2-6; those missing are reported by number.
_BY_NUMBER = {
    0x10: Reason("no_subscribers", Level.ATTENTION, "nobody at head office is listening; nothing is lost"),
    0x81: Reason("malformed_packet", Level.ACTION, "the broker does not understand us; is it an MQTT 5 broker?"),
    0x82: Reason("protocol_error", Level.ACTION, "the broker does not understand us; is it an MQTT 5 broker?"),
    0x84: Reason("protocol_version", Level.ACTION, "the broker must speak MQTT 5"),
    0x85: Reason("client_id_refused", Level.ACTION, "the broker refuses this agent's client id; check its account"),
    0x86: Reason("bad_credentials", Level.ACTION, "user name or password is wrong; check username and password_file"),
    0x87: Reason(
        "not_authorized",
        Level.ACTION,
        "refused for this account; check username, password_file and its access rules",
    ),
    0x88: Reason("server_unavailable", Level.ATTENTION, "the broker is not ready; it is tried again"),
    0x89: Reason("server_busy", Level.ATTENTION, "the broker is busy; it is tried again"),
    0x8A: Reason("banned", Level.ACTION, "the broker has banned this agent; ask its operator"),
    0x8B: Reason("server_shutting_down", Level.ATTENTION, "the broker is being restarted; it is tried again"),
    0x8D: Reason("keepalive_timeout", Level.ATTENTION, "the broker heard nothing from us in time; a bad line?"),
    0x8E: Reason("session_taken_over", Level.ACTION, "another box uses this agent's tenant, store and id"),
    0x90: Reason("topic_refused", Level.ACTION, "the broker refuses our topics; check its configuration"),
    0x93: Reason("receive_maximum", Level.ATTENTION, "the broker says that too much is in flight"),
    0x95: Reason("packet_too_large", Level.ACTION, "the broker's maximum packet size is smaller than it announces"),
    0x97: Reason("quota_exceeded", Level.ATTENTION, "the broker's quota for this account is used up; ask its operator"),
    0x98: Reason("closed_by_operator", Level.ATTENTION, "the broker's operator closed the connection"),
    0x99: Reason("payload_refused", Level.ACTION, "the broker refuses our messages; check its configuration"),
    0x9A: Reason("retain_not_supported", Level.ACTION, "the broker must support retained messages"),
    0x9B: Reason("qos_not_supported", Level.ACTION, "the broker must support QoS 1"),
    0x9C: Reason("use_another_server", Level.ACTION, "the broker has moved; correct url in agent.toml"),
    0x9D: Reason("server_moved", Level.ACTION, "the broker has moved; correct url in agent.toml"),
    0x9F: Reason("connection_rate", Level.ATTENTION, "the broker limits new connections; it is tried again"),
}

_BY_CODE = {reason.code: reason for reason in _BY_NUMBER.values()} | {
    reason.code: reason
    for reason in (
        Reason("refused", Level.ATTENTION, "nobody listens at that address; check url and whether the broker runs"),
        Reason("timeout", Level.ATTENTION, "no answer; check the line, the firewall and url"),
        Reason("name_not_found", Level.ATTENTION, "the broker's name cannot be resolved; check the network and url"),
        Reason("unreachable", Level.ATTENTION, "the broker cannot be reached; check the network"),
        Reason("closed", Level.ATTENTION, "the broker closed the connection; it is tried again"),
        Reason("no_puback", Level.ATTENTION, "the broker has stopped answering; it is tried again"),
        Reason("untrusted", Level.ACTION, "the broker's certificate is not trusted; check ca_file and url"),
        Reason("certificate_time", Level.ACTION, "the broker's certificate is not valid today; check the clock here"),
        Reason("tls_files", Level.ACTION, "a certificate or key file cannot be used; check ca_file and client_*"),
        Reason("password_file", Level.ACTION, "the password cannot be read; check password_file"),
        Reason("tls_failed", Level.ACTION, "no secure connection; check the port in url and the client certificate"),
        Reason("crashed", Level.ATTENTION, "a defect ended the connection; it is made again, and the log says where"),
        Reason("not_mqtt", Level.ACTION, "what answers there is no MQTT 5 broker; a network's login page? check url"),
        Reason("unsteady", Level.ATTENTION, "the connection keeps breaking off; check the line, the firewall and url"),
        Reason("new_epoch", Level.ATTENTION, "the disk was rolled back or cloned; everything kept is sent again"),
    )
}


def code_of(number: int) -> str:
    """Return the stable code of an MQTT reason code."""
    reason = _BY_NUMBER.get(number)
    return reason.code if reason else f"reason_0x{number:02x}"


def condition(code: str, detail: str = "") -> Condition:
    """Return what health shows for a code: its level and what to do, with ``detail`` in brackets."""
    reason = _BY_CODE.get(code) or Reason(code, Level.ATTENTION, "it is tried again")
    return Condition(code, reason.level, f"{reason.advice} ({detail})" if detail else reason.advice)


_NOT_VALID_NOW = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED (openssl-verification-options(1))


def link_error(error: OSError) -> LinkError:
    """Return what an error of connecting means; unusable certificate files are told apart where they are read."""
    match error:
        case ssl.SSLCertVerificationError() if error.verify_code in _NOT_VALID_NOW:
            return LinkError("certificate_time", error.verify_message)
        case ssl.SSLCertVerificationError():
            return LinkError("untrusted", error.verify_message)
        case TimeoutError():
            return LinkError("timeout")
        case ssl.SSLError():
            return LinkError("tls_failed", str(error))
        case ConnectionRefusedError():
            return LinkError("refused")
        case socket.gaierror():
            return LinkError("name_not_found")
        case ConnectionError():
            return LinkError("closed", str(error))
        case _:
            return LinkError("unreachable", error.strerror or str(error))
