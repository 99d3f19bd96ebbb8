"""What one table says about another: checked on the raw tables, because a table with any mistake has no model."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_agent.config.addresses import is_loopback, overlap, parse_listen, parse_tcp, parse_url
from edge_agent.config.document import Document
from edge_agent.config.problems import Loc, Problem, RefusedError, closest
from edge_agent.shop.settings import PresenceSettings

Row = tuple[Loc, Mapping[str, Any]]
_LEVELS = {key: PresenceSettings.model_fields[key].default for key in ("enter_dbm", "exit_dbm")}


def check_agent(document: Document) -> Iterator[Problem]:
    """Yield what is wrong between the keys of agent.toml."""
    mqtt = _table(document.table, "mqtt")
    yield from _plain_text(document, mqtt)
    yield from _pair(document, "mqtt", "client_certificate", "client_key")
    yield from _pair(document, "page", "certificate", "key")
    keys = _table(document.table, "trust").get("keys")
    yield from _unique(document, [(("trust", *loc), row) for loc, row in _rows({"keys": keys}, "keys")], "id")


def check_store(
    document: Document, shipped_templates: Collection[str], page: tuple[str, int] | None
) -> Iterator[Problem]:
    """Yield what is wrong between the tables of store.toml. ``page``: where the status page listens, if known."""
    zones, touchpoints, devices, templates = (
        list(_rows(document.table, key)) for key in ("zone", "touchpoint", "device", "receipt_template")
    )
    for rows in (zones, touchpoints, devices):
        yield from _unique(document, rows, "id")
    yield from _unique(document, templates, "name")
    yield from _refers(document, touchpoints, "zone", _values(zones, "id"))
    yield from _refers(document, devices, "touchpoint", _values(touchpoints, "id"))
    yield from _templates(document, devices, [*shipped_templates, *_values(templates, "name")])
    yield from _shared_things(document, devices)
    yield from _driven(document, devices)
    yield from _shared_listeners(document, devices, page)
    yield from _hysteresis(document)


def _pair(document: Document, table: str, *keys: str) -> Iterator[Problem]:
    """Two keys of which one is of no use without the other."""
    given = [key for key in keys if key in _table(document.table, table)]
    for missing in keys:
        if len(given) == 1 and missing not in given:
            yield document.problem((table, *given), f"needs {missing}, too")


def _plain_text(document: Document, mqtt: Mapping[str, Any]) -> Iterator[Problem]:
    url = mqtt.get("url")
    if not isinstance(url, str) or mqtt.get("insecure") is True:
        return
    try:
        broker = parse_url(url)
    except RefusedError:
        return
    if not broker.tls and not is_loopback(broker.host):
        message = "mqtt:// sends everything in plain text to another machine: use mqtts://, or say insecure = true"
        yield document.problem(("mqtt", "url"), message)


def _unique(document: Document, rows: list[Row], key: str) -> Iterator[Problem]:
    first: dict[str, Loc] = {}
    for loc, row in rows:
        value = row.get(key)
        if not isinstance(value, str):
            continue
        if value in first:
            line = document.line((*first[value], key))
            yield document.problem((*loc, key), f"is taken: the same {key} stands on line {line}")
        first.setdefault(value, loc)


def _refers(document: Document, rows: list[Row], key: str, known: list[str]) -> Iterator[Problem]:
    for loc, row in rows:
        value = row.get(key)
        if isinstance(value, str) and value not in known:
            message = f"there is no [[{key}]] with this id"
            yield document.problem((*loc, key), message, tuple(known), closest(value, known))


def _templates(document: Document, devices: list[Row], known: list[str]) -> Iterator[Problem]:
    for loc, device in devices:
        names = device.get("templates")
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str) and name not in known:
                message = "there is no receipt template of this name"
                yield document.problem((*loc, "templates", index), message, tuple(known), closest(name, known))


_PATH_MAX = 4096  # Linux's, limits.h: nothing can be opened by a longer one
# The key by which each kind of device names the one outside thing it owns.
_OWNED = {"serial": "port", "tcp": "port", "nfc": "path", "pcsc": "reader", "ble": "adapter"}


def _shared_things(document: Document, devices: list[Row]) -> Iterator[Problem]:
    """Two devices on one port, address, reader or adapter would each get half of what it says."""
    first: dict[object, Loc] = {}
    for loc, owned in (found for device in devices for found in _things(document.folder or Path(), *device)):
        if owned in first:
            other = document.line(first[owned])
            yield document.problem(loc, f"is taken: the device of line {other} reads it")
        first.setdefault(owned, loc)


def _things(folder: Path, loc: Loc, device: Mapping[str, Any]) -> Iterator[tuple[Loc, object]]:
    """Yield what a device owns, and the key that names it."""
    kind = device.get("kind")
    key = _OWNED.get(kind) if isinstance(kind, str) else None
    if key is None:
        return
    host, thing = device.get("host"), device.get(key, "hci0" if kind == "ble" else None)
    if kind == "tcp":
        if isinstance(host, str) and isinstance(thing, int):
            yield (*loc, key), (host.lower(), thing)
    elif isinstance(thing, str):
        yield (*loc, key), _owned(folder, str(kind), thing)
    behind = device.get("passthrough")
    if kind == "serial" and isinstance(behind, str):
        with suppress(RefusedError):
            where = parse_tcp(behind) if "://" in behind else None
            yield (*loc, "passthrough"), (where[0].lower(), where[1]) if where else _owned(folder, "serial", behind)


def _driven(document: Document, devices: list[Row]) -> Iterator[Problem]:
    """Only a display can be driven, and only where the agent stands between it and the register."""
    for loc, device in devices:
        if device.get("drive") is not True:
            continue
        if "passthrough" not in device:
            message = "a tapped line would have two transmitters; add passthrough"
            yield document.problem((*loc, "drive"), message)
        if device.get("decoder") != "linedisplay":
            yield document.problem((*loc, "drive"), 'only a line display is driven: decoder = "linedisplay"')


def _owned(folder: Path, kind: str, thing: str) -> object:
    """Return what a device owns, the same by every name: ports have links, and nfcpy has names of its own."""
    if "\0" in thing or len(thing) > _PATH_MAX:
        return kind, thing
    if kind == "serial":
        return os.path.realpath(folder / thing)
    port, colon, _ = thing.rpartition(":")
    if kind != "nfc" or not colon or port.startswith(("usb", "udp")):
        return kind, thing
    return os.path.realpath(Path("/dev", port.removeprefix("tty:")) if port.startswith("tty:") else folder / port)


def _hysteresis(document: Document) -> Iterator[Problem]:
    """Whoever enters at a level that already counts as leaving would come and go with every advertisement."""
    presence = _table(document.table, "presence")
    enter, leave = (presence.get(key, default) for key, default in _LEVELS.items())
    if isinstance(enter, int) and isinstance(leave, int) and leave >= enter:
        key = "exit_dbm" if "exit_dbm" in presence else "enter_dbm"
        yield document.problem(("presence", key), f"exit_dbm ({leave}) must be below enter_dbm ({enter})")


def _shared_listeners(document: Document, devices: list[Row], page: tuple[str, int] | None) -> Iterator[Problem]:
    taken: list[tuple[tuple[str, int], str]] = [(page, "the status page listens there")] if page else []
    for loc, device in devices:
        address = device.get("listen")
        if device.get("kind") != "tcp-listen" or not isinstance(address, str):
            continue
        try:
            listener = parse_listen(address)
        except RefusedError:
            continue
        by = next((who for other, who in taken if overlap(other, listener)), None)
        if by:
            yield document.problem((*loc, "listen"), f"is taken: {by}")
        taken.append((listener, f"the device of line {document.line((*loc, 'listen'))} listens there"))


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def _rows(table: Mapping[str, Any], key: str) -> Iterator[Row]:
    rows = table.get(key)
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict):
            yield (key, index), row


def _values(rows: list[Row], key: str) -> list[str]:
    return list(dict.fromkeys(row[key] for _, row in rows if isinstance(row.get(key), str)))
