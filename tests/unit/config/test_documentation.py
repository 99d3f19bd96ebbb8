"""docs/configuration.md has a row for every key, in the right table, with the right default, and no row too many."""

import re
from datetime import time, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edge_agent.config import agent, store
from edge_agent.config.devices import (
    BleSettings,
    DeviceSettings,
    LineSettings,
    NfcSettings,
    PcscSettings,
    SerialSettings,
    TagReaderSettings,
    TcpListenSettings,
    TcpSettings,
)
from edge_agent.config.explain import duration_text, field_named, keys
from edge_agent.decoders import names, settings_model
from edge_agent.receipts import template
from edge_agent.shop.settings import TillSettings

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"

TABLES: dict[str, tuple[type[BaseModel], type[BaseModel] | None]] = {
    "`[agent]`": (agent.BoxSettings, None),
    "`[mqtt]`": (agent.MqttSettings, None),
    "`[page]`": (agent.PageSettings, None),
    "`[trust]`": (agent.TrustSettings, None),
    "`[[trust.keys]]`": (agent.TrustedKey, None),
    "`[store]`": (store.StoreFacts, None),
    "`[[zone]]`": (store.ZoneSettings, None),
    "`[[touchpoint]]`": (store.TouchpointSettings, None),
    "`[[device]]`": (DeviceSettings, None),
    "`[[device]]` that is a line": (LineSettings, DeviceSettings),
    "`[[device]]` that reads tags": (TagReaderSettings, DeviceSettings),
    '`[[device]]` with `kind = "nfc"`': (NfcSettings, TagReaderSettings),
    '`[[device]]` with `kind = "pcsc"`': (PcscSettings, TagReaderSettings),
    '`[[device]]` with `kind = "ble"`': (BleSettings, DeviceSettings),
    '`[[device]]` with `kind = "serial"`': (SerialSettings, LineSettings),
    '`[[device]]` with `kind = "tcp"`': (TcpSettings, LineSettings),
    '`[[device]]` with `kind = "tcp-listen"`': (TcpListenSettings, LineSettings),
    **{f'`[[device]]` with `decoder = "{name}"`': (settings_model(name), LineSettings) for name in names()},
    "`[presence]`": (store.PresenceTable, None),
    "`[till]`": (TillSettings, None),
    "`[privacy]`": (store.PrivacySettings, None),
    "`[[receipt_template]]`": (template.TemplateSettings, None),
    "`[receipt_template.lines]`": (template.LineSettings, None),
    "`[[receipt_template.samples]]`": (template.Sample, None),
    "`[receipt_template.samples.order]`": (template.SampleOrder, None),
}


def documented() -> dict[str, dict[str, str]]:
    """Return the defaults that the page states, by heading and key."""
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^### ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        found[heading] = dict(re.findall(r"^\| `([a-z_]+)` \|[^|]*\| ([^|]*?) ?\|", body, re.MULTILINE))
    return found


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_of_the_page_has_the_keys_of_the_model(heading: str) -> None:
    model, elsewhere = TABLES[heading]
    rows = documented()[heading]

    assert set(rows) == set(keys(model)) - set(keys(elsewhere) if elsewhere else ())
    for key, default in rows.items():
        field = field_named(model, key)
        assert field is not None
        assert stated(field) in {default, None}, key


def stated(field: FieldInfo) -> str | None:
    """Return the default as the page must state it; None where it is told in words."""
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default is None or isinstance(field.default, BaseModel):
        return None
    match field.default:
        case bool():
            return f"`{str(field.default).lower()}`"
        case timedelta():
            return f'`"{duration_text(field.default)}"`'
        case time():
            return f'`"{field.default:%H:%M}"`'
        case str():
            return f'`"{field.default}"`'
        case tuple():
            return "`[" + ", ".join(f'"{item}"' for item in field.default) + "]`"
        case _:
            return f"`{field.default}`"


def test_every_section_of_the_page_is_checked() -> None:
    assert set(documented()) == set(TABLES)


def test_what_a_later_version_brings_is_said() -> None:
    text = PAGE.read_text("utf-8")

    for word in DeviceSettings.LATER | store.StoreSettings.LATER:
        assert word in text
