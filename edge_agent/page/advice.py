"""What a store manager reads and does, by condition: one sentence and the steps, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.health import Reported

GOOD = "All good: every device answers, and orders go to head office."


@dataclass(frozen=True, slots=True)
class Advice:
    """``sentence``: what is wrong (``{name}``: of the device); ``steps``: what to do, in order."""

    sentence: str
    steps: tuple[str, ...]


_PLUG = "Push the device's cable in at both ends, and see that it is switched on."
_SUPPORT = "Call support and read this message to them."
_SAFE = "Nothing is lost: orders are kept here and sent later."
_INTERNET = "See whether the internet works: the router's lights, its cable to this box."
_WAIT = "Wait a few minutes: it is tried again by itself."
_REPLUG = "Unplug it for ten seconds and plug it in again, if it is not built in."
_RESTART = "Restart this box."

_DEVICES = {
    "missing": Advice("{name} is not there.", (_PLUG, "Is it plugged into another socket than before? Put it back.")),
    "unplugged": Advice("{name} has been unplugged.", (_PLUG,)),
    "disconnected": Advice("{name} has hung up.", (_PLUG, _WAIT)),
    "timeout": Advice("{name} does not answer.", (_PLUG, _INTERNET)),
    "unreachable": Advice("{name} cannot be reached.", (_PLUG, _INTERNET)),
    "unknown_host": Advice("{name} cannot be found in the network.", (_INTERNET, _SUPPORT)),
    "busy": Advice("Another program uses the port of {name}.", ("Close the other program on this box.", _SUPPORT)),
    "permission": Advice("This box may not use the port of {name}.", (_SUPPORT,)),
    "refused": Advice("{name} refuses the connection.", (_PLUG, _SUPPORT)),
    "unreadable": Advice(
        "What {name} sends cannot be read.",
        ("Was the register or its printer setting changed? Undo it.", "Push the cable in at both ends.", _SUPPORT),
    ),
    "implausible": Advice(
        "What the register sends to {name} is not the display language set here: its figures are left out.",
        (
            "Was the register, its program or its display changed? Tell support.",
            "Do two devices send on this cable? Unplug the one that is new.",
            _SUPPORT,
        ),
    ),
    "relay_missing": Advice(
        "What stands between the register and {name} does not run: the till may not print.",
        (_WAIT, _RESTART, "To print at once, plug the printer's cable into the register.", _SUPPORT),
    ),
    "printer_unreachable": Advice(
        "The till cannot print: the printer behind {name} cannot be reached.",
        ("Switch the printer on, and push its cable in at both ends.", _WAIT, _SUPPORT),
    ),
    "copy_lost": Advice(
        "Some receipts of {name} were printed and not read here.",
        ("Compare the till's own list of the day with the orders here.", _SUPPORT),
    ),
    "unprinted": Advice(
        "Not everything that {name} was sent was printed: its printer was away for too long.",
        ("Print again what is missing, at the till.", _SUPPORT),
    ),
    "no_reply": Advice("{name} does not answer.", (_REPLUG, _SUPPORT)),
    "protocol": Advice("{name} answers nonsense.", (_REPLUG, _SUPPORT)),
    "hung": Advice("{name} hangs.", (_REPLUG, _SUPPORT)),
    "flooding": Advice("{name} sends without a pause and nothing can be read.", (_PLUG, _SUPPORT)),
    "no_bus": Advice("{name} cannot be used: a service of this box is missing.", (_WAIT, _RESTART, _SUPPORT)),
    "no_bluetoothd": Advice("{name} cannot be used: Bluetooth does not run on this box.", (_WAIT, _RESTART, _SUPPORT)),
    "no_answer": Advice("{name} cannot be used: Bluetooth on this box does not answer.", (_RESTART, _SUPPORT)),
    "adapter_missing": Advice("{name} is not there.", (_PLUG, _RESTART, _SUPPORT)),
    "powered_off": Advice(
        "{name} is switched off.", ("Is this box in flight mode? Switch that off.", _RESTART, _SUPPORT)
    ),
    "start_refused": Advice("{name} does not start to listen.", (_WAIT, _RESTART, _SUPPORT)),
    "start_hung": Advice("{name} does not start to listen.", (_WAIT, _RESTART, _SUPPORT)),
    "not_scanning": Advice("{name} does not listen any more.", (_WAIT, _RESTART, _SUPPORT)),
    "silent": Advice(
        "{name} hears nothing.", ("If no badge or telephone is near, nothing is wrong.", _REPLUG, _RESTART, _SUPPORT)
    ),
    "no_service": Advice("{name} cannot be used: its driver does not run on this box.", (_WAIT, _RESTART, _SUPPORT)),
    "not_installed": Advice("{name} cannot be used: its driver is not installed on this box.", (_SUPPORT,)),
    "ambiguous": Advice("{name} cannot be told from another device of its kind.", (_SUPPORT,)),
    "not_started": Advice("{name} takes long to start.", (_WAIT, _PLUG, _SUPPORT)),
    "crashed": Advice("{name} stopped because of a fault in this software; it is started again.", (_SUPPORT,)),
    "failed": Advice("{name} does not work.", (_PLUG, _SUPPORT)),
    "ended": Advice("{name} does not work.", (_PLUG, _SUPPORT)),
}

_STORAGE = {
    "disk_full": Advice(
        "The disk of this box is full: orders wait.", ("Delete files that are not needed on this box.", _SUPPORT)
    ),
    "disk_low": Advice(
        "The disk of this box is nearly full.", ("Delete files that are not needed on this box.", _SUPPORT)
    ),
}

_OFFLINE = Advice("Head office cannot be reached.", (_SAFE, _INTERNET, _SUPPORT))
_AWAY = Advice("Head office does not take orders at the moment.", (_SAFE, _WAIT))
_ACCOUNT = Advice("Head office does not let this box in.", (_SAFE, _SUPPORT))
_SETUP = Advice("Head office's server is not set up for this box.", (_SAFE, _SUPPORT))
_CERTIFICATE = Advice("The secure connection to head office fails.", (_SAFE, _SUPPORT))

_LINK = (
    dict.fromkeys(("refused", "timeout", "name_not_found", "unreachable", "closed", "no_puback"), _OFFLINE)
    | dict.fromkeys(("keepalive_timeout",), _OFFLINE)
    | dict.fromkeys(
        ("no_subscribers", "not_confirmed", "server_unavailable", "server_busy", "server_shutting_down"), _AWAY
    )
    | dict.fromkeys(("receive_maximum", "quota_exceeded", "closed_by_operator", "connection_rate"), _AWAY)
    | dict.fromkeys(("bad_credentials", "not_authorized", "banned", "client_id_refused", "password_file"), _ACCOUNT)
    | dict.fromkeys(("malformed_packet", "protocol_error", "protocol_version", "topic_refused"), _SETUP)
    | dict.fromkeys(("packet_too_large", "payload_refused", "retain_not_supported", "qos_not_supported"), _SETUP)
    | dict.fromkeys(("use_another_server", "server_moved"), _SETUP)
    | dict.fromkeys(("untrusted", "tls_files", "tls_failed"), _CERTIFICATE)
    | {
        "certificate_time": Advice(
            "The secure connection to head office fails: the date is wrong here, or its certificate has ended.",
            (_SAFE, "Compare this box's date and time with a telephone's.", _SUPPORT),
        ),
        "session_taken_over": Advice("Another box uses the name of this one.", (_SAFE, _SUPPORT)),
        "new_epoch": Advice("This box was restored from an older copy; everything kept is sent again.", (_WAIT,)),
    }
)

_PAGE = {
    "page_not_listening": Advice(
        "This page cannot be opened in a browser; orders are not affected.",
        ("Another program may use its address: see listen under [page] in agent.toml.", _SUPPORT),
    ),
}

_LAYOUT = {
    "layout_changed": Advice(
        "The receipts of {name} look different than before, and are not fully understood.",
        ("Was the register's program updated, or its receipt changed? Tell support.",
         "Nothing is lost: the receipts are kept here and read again once this box has learnt them.", _SUPPORT),
    ),
}  # fmt: skip

_DAYS = {
    "day_differs": Advice(
        "Head office's orders of a day are not the ones seen here.",
        ("Read this message to support: it names the receipts that differ.", _SUPPORT),
    ),
    "register_differs": Advice(
        "A register's own report says another total than its receipts.",
        ("Compare the report with that register's receipts: one may not have been printed.", _SUPPORT),
    ),
}

TABLE = {f"device_{reason}": advice for reason, advice in _DEVICES.items()} | _STORAGE | _LINK | _PAGE | _DAYS | _LAYOUT


def headline(conditions: Sequence[Reported], names: dict[str, str]) -> str:
    """Return one sentence on the worst condition. ``names``: of the devices, by the part of health they report as."""
    if not conditions:
        return GOOD
    worst = conditions[0]
    advice = TABLE.get(worst.condition.code)
    if advice is None:
        return worst.condition.detail or worst.condition.code
    return advice.sentence.format(name=names.get(worst.part, worst.part))


def steps(conditions: Sequence[Reported], support_phone: str, limit: int) -> list[str]:
    """Return what to do, worst condition first, at most ``limit`` steps and none twice."""
    phone = f" Telephone: {support_phone}." if support_phone else ""
    found: dict[str, None] = {}
    for reported in conditions:
        advice = TABLE.get(reported.condition.code) or Advice("", (_SUPPORT,))
        found.update(dict.fromkeys(step + phone if step is _SUPPORT else step for step in advice.steps))
    return list(found)[:limit]
