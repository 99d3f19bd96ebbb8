"""What the shop's rules need to know, from the configuration."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from edge_agent import BUILT, __version__, decoders, receipts
from edge_agent.config.devices import DeviceSettings, LineSettings, TagReaderSettings
from edge_agent.config.files import read_keys
from edge_agent.config.load import Config
from edge_agent.identities.enrolled import enrolled
from edge_agent.identities.sdm_keys import sdm_keys
from edge_agent.receipts.template import TemplateSettings
from edge_agent.shop.settings import DeviceFacts, ShopSettings


def shop_settings(config: Config) -> ShopSettings:
    """Return what the rules need to know, from the configuration."""
    store = config.store
    available = template_set(store.receipt_templates)
    zones = {touchpoint.id: touchpoint.zone for touchpoint in store.touchpoints}
    facts = {device.id: _facts(device, zones.get(device.touchpoint), available) for device in store.devices}
    keys_file = store.presence.service_token_keys_file
    return ShopSettings(
        tenant=config.agent.agent.tenant,
        store=config.agent.agent.store,
        zone=store.zone,
        currency=store.store.currency,
        business_day_start=store.store.business_day_start,
        built_ms=round(datetime.combine(BUILT, datetime.min.time(), UTC).timestamp() * 1000),
        devices=facts,
        presence=store.presence,
        till=store.till,
        small_count=store.privacy.small_count,
        enrolled=read_keys(keys_file, enrolled) if keys_file else None,
    )


def _facts(device: DeviceSettings, zone: str | None, available: Mapping[str, receipts.Template]) -> DeviceFacts:
    facts = DeviceFacts(device.id, device.touchpoint, kind=device.kind, zone=zone or device.touchpoint)
    match device:
        case LineSettings():
            templates = tuple(available[name] for name in device.templates or available)
            return replace(facts, decoder=device.decoder, templates=templates, read_by=read_by(device, templates))
        case TagReaderSettings():
            sdm = read_keys(device.sdm_keys_file, sdm_keys) if device.sdm_keys_file else None
            return replace(facts, debounce_ms=round(device.debounce.total_seconds() * 1000), sdm=sdm)
        case _:
            return facts


def read_by(device: LineSettings, templates: Sequence[receipts.Template]) -> str:
    """Return a hash of all that a line's bytes are read with: this version, the decoder's settings, the templates."""
    own = decoders.settings_model(device.decoder).model_fields
    said = [
        __version__,
        BUILT.isoformat(),
        device.model_dump(mode="json", include={"decoder", *own}),
        [template.settings.model_dump(mode="json", exclude={"samples"}) for template in templates],
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def template_set(own: Sequence[TemplateSettings]) -> dict[str, receipts.Template]:
    """Return the templates by name: the store's own first, then the shipped ones it does not replace."""
    settings = {template.name: template for template in own}
    settings |= {name: template for name, template in receipts.shipped().items() if name not in settings}
    return {name: receipts.compile(template) for name, template in settings.items()}
