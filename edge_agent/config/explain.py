"""Check a raw table against a settings model, and say in plain words what is wrong with it.

Tables are validated as strict JSON, as a pushed config will be: ``"9600"`` is no number, ``1`` is not true.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from edge_agent.config.document import Document
from edge_agent.config.files import ELSEWHERE
from edge_agent.config.lines import MAX_DEPTH
from edge_agent.config.problems import MAX_PROBLEMS, Loc, Problem, RefusedError, closest, quoted
from edge_agent.fields import FORMS

Model = TypeVar("Model", bound=BaseModel)

_INT64 = range(-(2**63), 2**63)  # what TOML promises to carry
_DURATION = 'must be a duration: a whole number and a unit, as "500ms", "2s", "5m", "4h", "30d"'
_MESSAGES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text in quotes",
    "dict_type": "must be a table",
    "bytes_type": "must be text in quotes",
    "time_type": 'must be text in quotes: "04:00"',
    "datetime_type": "must be a date and time",
    "time_delta_type": _DURATION,
    "time_delta_parsing": _DURATION,
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "extra_forbidden": "unknown key",
    "string_pattern_mismatch": "does not have the right form",
    "greater_than_equal": "is out of range",
    "less_than_equal": "is out of range",
}
_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def check(
    model: type[Model], table: Mapping[str, Any], document: Document, at: Loc = ()
) -> tuple[Model | None, list[Problem]]:
    """Return the settings in a table, or None and everything that is wrong with it.

    ``at``: where in the document the table stands. Relative paths are taken from the document's folder.
    """
    unusable: dict[Loc, str] = {}
    usable = _usable(table, (), unusable)
    problems = [document.problem((*at, *loc), message) for loc, message in unusable.items()]
    try:
        settings = model.model_validate_json(json.dumps(usable), strict=True, context=document.folder or ELSEWHERE)
    except ValidationError as error:
        details = error.errors(include_url=False)
    else:
        return (None if problems else settings), problems
    problems += [
        _explain(model, detail, document, at)
        for detail in details[:MAX_PROBLEMS]
        if detail["loc"] not in unusable and not _is_consequence(detail, details)
    ]
    return None, problems


def duration_text(value: timedelta) -> str:
    """Return a duration as it is written in a configuration."""
    for unit, length in _UNITS:
        if value and value % length == timedelta(0):
            return f"{value // length}{unit}"
    return f"{value // timedelta(milliseconds=1)}ms"


def field_named(model: type[BaseModel], key: str) -> FieldInfo | None:
    """Return the field that a key of the file stands for."""
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            return field
    return None


def keys(model: type[BaseModel]) -> list[str]:
    """Return the keys a table of that model may have."""
    return sorted(field.alias or name for name, field in model.model_fields.items())


def tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the settings models in a field's type: ``tuple[ZoneSettings, ...]`` → ZoneSettings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from tables_in(argument)


def _usable(value: Any, loc: Loc, unusable: dict[Loc, str]) -> Any:
    """Return the value as JSON can carry it; what no key can be is left out and noted."""
    if len(loc) > MAX_DEPTH:
        unusable[loc] = "is nested too deeply"
    elif isinstance(value, dict):
        return {key: _usable(item, (*loc, key), unusable) for key, item in value.items()}
    elif isinstance(value, list):
        return [_usable(item, (*loc, index), unusable) for index, item in enumerate(value)]
    elif value is None:  # TOML has none, so no key has another meaning for it than to be left out
        unusable[loc] = "has no value: leave the key out"
    elif isinstance(value, datetime):
        return value.isoformat()
    elif isinstance(value, date | time):
        unusable[loc] = "must be text in quotes"
    elif isinstance(value, int) and value not in _INT64:
        unusable[loc] = "is too large a number"
    elif isinstance(value, float) and not math.isfinite(value):
        unusable[loc] = "must be a finite number"
    else:
        return value
    return None


def _is_consequence(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Tell whether pydantic reports this only because of another error: a list's bad items do not count, for it."""
    if detail["type"] == "too_short":
        loc = detail["loc"]
        return any(other["loc"][: len(loc)] == loc and other is not detail for other in details)
    return detail["type"] == "default_factory_not_called"


def _explain(model: type[BaseModel], detail: ErrorDetails, document: Document, at: Loc) -> Problem:
    kind = detail["type"]
    loc = detail["loc"]
    if loc[-1:] == ("[key]",) and kind != "extra_forbidden":  # pydantic's mark: the key itself is wrong, not its value
        loc = loc[:-1]
    parent = _table_at(model, loc[:-1])
    key = loc[-1] if loc and isinstance(loc[-1], str) else None
    field = field_named(parent, key) if parent and key else None
    message = _MESSAGES.get(kind, detail["msg"][:1].lower() + detail["msg"][1:])
    allowed: tuple[str, ...] = ()
    suggestion: str | None = None
    if kind == "missing":
        message = _missing(key, field)
    elif kind == "extra_forbidden" and parent and key:
        message, allowed, suggestion = _unknown(parent, key)
    elif kind == "literal_error":
        message, allowed, suggestion = _not_among(detail)
    elif kind in {"greater_than_equal", "less_than_equal"} and field:
        allowed = _bounds(field)
    elif kind == "string_pattern_mismatch":
        pattern = detail["ctx"]["pattern"]
        allowed = (FORMS.get(pattern, pattern),)
    elif kind in {"tuple_type", "model_type"}:
        message = _wrong_shape(kind, key, field, detail["input"])
    elif kind == "value_error":
        message, allowed, suggestion = _refused(detail["ctx"]["error"])
    return document.problem((*at, *loc), message, allowed, suggestion)


def _table_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """Return the model of the table at a path below a model; None where the keys are free."""
    for step in loc:
        if isinstance(step, str):
            field = field_named(model, step)
            nested = next(tables_in(field.annotation), None) if field else None
            if nested is None:
                return None
            model = nested
    return model


def _missing(key: str | None, field: FieldInfo | None) -> str:
    is_table = field is not None and any(tables_in(field.annotation))
    return f"is required: add the table [{key}]" if is_table else "is required"


def _unknown(parent: type[BaseModel], key: str) -> tuple[str, tuple[str, ...], str | None]:
    allowed = keys(parent)
    if key in getattr(parent, "LATER", ()):
        return "is not supported by this version", tuple(allowed), None
    return "unknown key", tuple(allowed), closest(key, allowed)


def _not_among(detail: ErrorDetails) -> tuple[str, tuple[str, ...], str | None]:
    allowed = tuple(text or number for text, number in re.findall(r"'([^']*)'|(-?\d+)", detail["ctx"]["expected"]))
    value = detail["input"]
    if isinstance(value, str):
        return f"{quoted(value)} is not possible here", allowed, closest(value, allowed)
    return "is not possible here", allowed, None


def _bounds(field: FieldInfo) -> tuple[str, ...]:
    low = next((item.ge for item in field.metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in field.metadata if hasattr(item, "le")), None)
    low, high = (duration_text(bound) if isinstance(bound, timedelta) else bound for bound in (low, high))
    if high is None:
        return (f"{low} or more",)
    return (f"{low} to {high}",) if low is not None else (f"{high} or less",)


def _wrong_shape(kind: str, key: str | None, field: FieldInfo | None, value: object) -> str:
    if kind == "model_type":
        return f"must be one table: write [{key}]" if isinstance(value, list) and key else "must be a table"
    if field and any(tables_in(field.annotation)):
        return f"must be a list of tables: write [[{key}]] before each of them"
    return "must be a list"


def _refused(error: Exception) -> tuple[str, tuple[str, ...], str | None]:
    if isinstance(error, RefusedError):
        return str(error), error.allowed, error.suggestion
    return " ".join(str(error).split()), (), None
