"""`edge-agent decode`: captured bytes to observations or orders, as the daemon would read them."""

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import time
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from pydantic import BaseModel, ValidationError

from edge_agent import decoders
from edge_agent.clock import Clock, Moment
from edge_agent.config import Config
from edge_agent.config.devices import LineSettings
from edge_agent.config.pushed import load_as_seen
from edge_agent.config.shop import shop_settings, template_set
from edge_agent.errors import ConfigError
from edge_agent.observations import Decoded, Receipt, Record, Undecoded
from edge_agent.redact import Redactor
from edge_agent.shop.observed import observed
from edge_agent.shop.settings import DeviceFacts, ShopSettings
from edge_agent.shop.slips import SlipReader

# A telephone number has 11 digits. In bytes that nobody can read no word tells what a number is, so none is shown.
_LONG_NUMBER = re.compile(rb"\d(?:[ -]?\d){10,}")


@dataclass(frozen=True, slots=True)
class Line:
    """One JSON object of the output. ``decoded``: False for bytes that mean nothing to the decoder."""

    text: str
    decoded: bool


def decode_bytes(
    decoder: str,
    pieces: Iterable[bytes],
    *,
    config: Path | None,
    device: str | None,
    template: str | None,
    orders: bool,
) -> Iterator[Line]:
    """Yield one JSON object for each observation, or with ``orders`` for what the shop makes of it.

    Raises ConfigError for an unknown decoder, device or template.
    """
    loaded = load_as_seen(config) if config else None
    settings, device_id = decoder_settings(decoder, loaded, device)
    shop, redactor = _shop(loaded, decoder, device_id, settings, template)
    running = decoders.create(decoder, settings)
    reader = SlipReader(shop, redactor)
    at = Clock().now()
    fed = (observation for piece in pieces for observation in running.feed(piece))
    for observation in chain(fed, _silence(running)):
        slip = _slip(reader, shop.devices[device_id], observation, at) if orders else None
        yield Line(slip or _observed(redactor, observation), not isinstance(observation, Undecoded))


def _silence(decoder: decoders.Decoder) -> Iterator[Decoded]:
    """Yield what silence completes; asked for only once everything has been fed."""
    yield from decoder.idle()


def decoder_settings(decoder: str, config: Config | None, device: str | None) -> tuple[BaseModel, str]:
    """Return the settings of the named device, else of the first one with that decoder, else the decoder's defaults."""
    if decoder not in decoders.names():
        raise ConfigError(f"unknown decoder {decoder!r} (allowed: {', '.join(decoders.names())})")
    lines = [line for line in (config.store.devices if config else ()) if isinstance(line, LineSettings)]
    if device is not None:
        found = [line for line in lines if line.id == device]
        if not found:
            raise ConfigError(
                f"no device {device!r} with a decoder in the store config (give --config; see its [[device]] tables)"
            )
        if found[0].decoder != decoder:
            raise ConfigError(f"device {device!r} has decoder {found[0].decoder!r}, not {decoder!r}")
    else:
        found = [line for line in lines if line.decoder == decoder]
    return (found[0], found[0].id) if found else (_defaults(decoder), "capture")


def _defaults(decoder: str) -> BaseModel:
    try:
        return decoders.settings_model(decoder)()
    except ValidationError as error:
        missing = ", ".join(str(detail["loc"][0]) for detail in error.errors(include_url=False))
        raise ConfigError(
            f"decoder {decoder!r} has no defaults for {missing} (give --config with a device that has them)"
        ) from None


def _shop(
    config: Config | None, decoder: str, device_id: str, settings: BaseModel, template: str | None
) -> tuple[ShopSettings, Redactor]:
    available = template_set(config.store.receipt_templates if config else ())
    wanted = [template] if template else getattr(settings, "templates", None)
    unknown = sorted(set(wanted or ()) - set(available))
    if unknown:
        raise ConfigError(f"unknown template {unknown[0]!r} (allowed: {', '.join(sorted(available))})")
    chosen = tuple(available[name] for name in wanted) if wanted else tuple(available.values())
    facts = DeviceFacts(device_id, getattr(settings, "touchpoint", "capture"), decoder, chosen)
    if config:
        shop = shop_settings(config)
    else:
        shop = ShopSettings("capture", "capture", ZoneInfo("Asia/Shanghai"), "CNY", time(4), 0, {})
    key = config.store.privacy.hash_key() if config else None
    return replace(shop, devices={device_id: facts}), Redactor(key or secrets.token_bytes(32))


def _slip(reader: SlipReader, facts: DeviceFacts, observation: Decoded, at: Moment) -> str | None:
    match observation:
        case Receipt():
            slip = reader.receipt(facts, observation, at)
        case Record():
            slip = reader.record(facts, observation, at)
        case _:
            return None
    said: object = slip.data
    if said is None:  # a register's own report: of it only the day's proof is sent
        said = {
            "kind": slip.kind,
            "workstation": slip.workstation,
            "business_day": slip.business_day,
            "report": slip.report,
        }
    return msgspec.json.encode(said).decode()


def _observed(redactor: Redactor, observation: Decoded) -> str:
    seen = observed(redactor, observation)
    if isinstance(observation, Undecoded):
        seen["hex"] = _LONG_NUMBER.sub(_starred, observation.data)[:64].hex()
    return msgspec.json.encode(seen).decode()


def _starred(number: re.Match[bytes]) -> bytes:
    return b"*" * len(number[0])
