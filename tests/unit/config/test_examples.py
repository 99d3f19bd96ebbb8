"""The shipped examples load as they are, and with every optional key put to use."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge_agent import config
from edge_agent.config import load
from edge_agent.config.agent import AgentSettings
from edge_agent.config.devices import KINDS
from edge_agent.config.explain import keys, tables_in
from edge_agent.config.store import StoreSettings
from edge_agent.decoders import names, settings_model

EXAMPLES = Path(__file__).parents[3] / "config"
AGENT_FILES = sorted(EXAMPLES.rglob("agent.toml"))
# A commented-out key or table; prose after "#" begins with a blank.
COMMENTED_OUT = re.compile(r"^#(?=\S)", re.MULTILINE)

SDM_KEYS = f'meta = "{"2" * 32}"\nfile = "{"1" * 32}"\n'
CARRIERS = f'service_uuid = "fcd2"\n[[carrier]]\nid = "badge-1"\nkind = "badge"\ntoken_key = "{"ab" * 32}"\n'


def test_they_are_all_here() -> None:
    assert len(AGENT_FILES) >= 3


@pytest.mark.parametrize("agent_file", AGENT_FILES, ids=lambda file: file.parent.name)
def test_an_example_loads(agent_file: Path) -> None:
    assert load(agent_file).store.devices


def test_the_annotated_files_load_with_every_optional_key(tmp_path: Path) -> None:
    for name in ("ca.pem", "agent.pem", "agent.key", "page.pem", "page.key", "password", "tenant-hash.key"):
        (tmp_path / name).write_text("a secret nobody guesses")
        (tmp_path / name).chmod(0o600)
    for name, secret in (("sdm-keys.toml", SDM_KEYS), ("tokens.toml", CARRIERS)):
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)
    for name in ("agent.toml", "store.toml"):
        (tmp_path / name).write_text(COMMENTED_OUT.sub("", (EXAMPLES / name).read_text("utf-8")), "utf-8")

    loaded = load(tmp_path / "agent.toml")

    assert loaded.agent.mqtt.password() == b"a secret nobody guesses"
    assert len(loaded.agent.trust.keys) == 1
    assert loaded.store.receipt_templates[0].samples
    assert loaded.warnings == ()


@pytest.mark.parametrize("name", ["agent.toml", "store.toml"])
def test_every_key_of_the_annotated_files_has_its_comment(name: str) -> None:
    """The first time a key appears it says what it is for; templates' rows and the register's own names aside."""
    seen: set[tuple[str, str]] = set()
    bare: list[str] = []
    table = ""
    for line in (EXAMPLES / name).read_text("utf-8").splitlines():
        header = re.match(r"#?\[+([a-z_.]+)\]", line)
        table = header[1] if header else table
        key = re.match(r"#?([a-z_]+) = ", line)
        if key and not table.startswith(("receipt_template", "device.fields")) and (table, key[1]) not in seen:
            seen.add((table, key[1]))
            comment = re.search(r"\s# \S", line[1:])
            if not comment and key[1] not in {"id", "name", "kind", "touchpoint", "zone", "host", "port", "keys"}:
                bare.append(line)
    assert bare == []


def all_keys() -> set[str]:
    """Return every key that a table of either file can have."""
    found: set[str] = set()
    models: list[Any] = [AgentSettings, StoreSettings, *KINDS.values(), *(settings_model(name) for name in names())]
    while models:
        model = models.pop()
        found.update(keys(model))
        for field in model.model_fields.values():
            models += [nested for nested in tables_in(field.annotation) if nested is not model]
    return found


def test_every_key_appears_in_the_annotated_files() -> None:
    text = "".join((EXAMPLES / name).read_text("utf-8") for name in ("agent.toml", "store.toml"))
    # A sample's expected order has a key for each thing an order can say: the example compares four.
    expected = all_keys() - set(keys(next(tables_in(next(tables_in(sample_field())).model_fields["order"].annotation))))

    assert {key for key in expected if not re.search(rf"\b{key}\b", text)} == set()


def sample_field() -> Any:
    template = next(tables_in(StoreSettings.model_fields["receipt_templates"].annotation))
    return template.model_fields["samples"].annotation


def test_the_schema_agrees_with_the_examples() -> None:
    schema = config.schema()
    json.dumps(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    for file in sorted(EXAMPLES.rglob("*.toml")):
        for text in (file.read_text("utf-8"), COMMENTED_OUT.sub("", file.read_text("utf-8"))):
            assert [error.message for error in validator.iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("agent.toml", 'acknowledge = "central"', 'acknowledge = "nobody"'),
        ("agent.toml", "keepalive = 30", "keepaliv = 30"),
        ("agent.toml", "[agent]", "[agnet]"),
        ("store.toml", 'kind = "serial"', 'kind = "tcp"'),
        ("store.toml", 'decoder = "lines"', 'decoder = "escpos"'),
        ("store.toml", "baudrate = 9600", "baudrate = 9"),
        ("store.toml", 'business_day_start = "04:00"', 'business_day_start = "4"'),
        ("store.toml", "[presence]", "[[presence]]"),
    ],
)
def test_the_schema_finds_what_is_wrong(name: str, old: str, new: str) -> None:
    text = (EXAMPLES / name).read_text("utf-8")
    assert old in text

    errors = list(
        jsonschema.Draft202012Validator(config.schema()).iter_errors(tomllib.loads(text.replace(old, new, 1)))
    )

    assert errors


def test_the_schema_writes_defaults_as_a_person_would() -> None:
    text = json.dumps(config.schema())

    assert '"default": "2s"' in text
    assert '"default": "00:00"' in text
    assert "PT" not in text
