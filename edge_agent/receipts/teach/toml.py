"""A template as the ``[[receipt_template]]`` table a person pastes into ``store.toml``."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from edge_agent.receipts.template import Sample, TemplateSettings

_TABLES = ("fields", "lines", "tenders", "money", "kind")


def written(settings: TemplateSettings, remarks: Sequence[str]) -> str:
    """Return the table; ``remarks``: what a person should look at, put above it as comments."""
    return "\n".join([*(f"# {remark}".rstrip() for remark in remarks), *_template(settings)]) + "\n"


def same(text: str, settings: TemplateSettings) -> bool:
    """Tell whether a written table says what the settings say, once it is loaded."""
    try:
        [table] = tomllib.loads(text)["receipt_template"]
        return TemplateSettings.model_validate(table) == settings
    except ValueError:  # a control character in a label, that no comment may hold
        return False


def _template(settings: TemplateSettings) -> Iterator[str]:
    given = settings.model_dump(exclude_defaults=True)
    yield "[[receipt_template]]"
    for key in ("name", "version", "words", "match", "priority", "columns", "received", "dates", "checks"):
        if key in given or key in ("name", "version"):
            yield f"{key} = {_value(getattr(settings, key))}"
    for table in _TABLES:
        if given.get(table):
            yield ""
            yield f"[receipt_template.{table}]"
            yield from (f"{_key(key)} = {_value(value)}" for key, value in given[table].items() if value is not None)
    for sample in settings.samples:
        yield from _sample(sample)


def _sample(sample: Sample) -> Iterator[str]:
    yield ""
    yield "[[receipt_template.samples]]"
    if sample.currency != "CNY":
        yield f"currency = {_value(sample.currency)}"
    yield f"text = {_text(sample.text)}"
    yield ""
    yield "[receipt_template.samples.order]"
    for key, value in sample.order.model_dump(exclude_unset=True).items():
        yield f"{key} = {_value(value)}"


def _text(text: str) -> str:
    """Return a slip as a literal string over its rows, so that a person sees it as printed."""
    plain = all(character.isprintable() or character == "\n" for character in text)
    return f"'''\n{text}'''" if plain and text.endswith("\n") and "'''" not in text else _string(text)


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case datetime():
            return value.isoformat()
        case str():
            return _string(value)
        case Mapping():
            return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
        case Sequence():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            raise TypeError(f"no TOML value: {value!r}")


def _string(text: str) -> str:
    """Return a literal string where it can be one, so that patterns stay readable; TOML's basic strings are JSON's."""
    plain = text.isprintable() and "'" not in text
    return f"'{text}'" if plain and "\\" in text else json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: object) -> str:
    text = str(key)
    return text if text.isascii() and text.replace("_", "").replace("-", "").isalnum() else _string(text)
