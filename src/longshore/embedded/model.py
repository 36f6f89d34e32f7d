"""AWS's own description of a service: is this request well formed, does this answer fit. I/O.

The service models are botocore's JSON files, the same that the real SDK and CLI build their
requests from. `Model.read_request` checks a JSON 1.1 body against them and gives Python values
(bytes for blobs, datetimes for timestamps); `Model.write_answer` turns an answer's values into
what goes over the wire and refuses members that the model does not have. Words of refusals are
ECR's where they were seen in public.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any


class BadRequest(Exception):
    """A request that its model does not allow: `where` is a member's path."""

    def __init__(self, where: str, constraint: str) -> None:
        super().__init__(
            f"Invalid parameter at '{where}' failed to satisfy constraint: '{constraint}'"
        )
        self.where = where
        self.constraint = constraint


class Unreadable(Exception):
    """A request whose values have the wrong types (SerializationException)."""


class BadAnswer(ValueError):
    """An answer of ours that the service's model does not know: our mistake."""


@dataclass(frozen=True)
class Model:
    """One service's operations and shapes."""

    target_prefix: str
    operations: frozenset[str]
    errors: frozenset[str]
    _service: Any

    def read_request(self, operation: str, document: Any) -> dict[str, Any]:
        """The request's values, checked. Raises BadRequest, Unreadable."""
        shape = self._service.operation_model(operation).input_shape
        if shape is None:
            return {}
        values: dict[str, Any] = _read(shape, {} if document is None else document, "")
        for problem in _problems(shape, values, ""):
            raise problem
        return values

    def write_answer(self, operation: str, values: dict[str, Any]) -> dict[str, Any]:
        """The answer as JSON values; members that are None are left out. Raises BadAnswer."""
        shape = self._service.operation_model(operation).output_shape
        written: dict[str, Any] = _write(shape, values, operation) if shape is not None else {}
        return written

    def is_error_of(self, operation: str, error: str) -> bool:
        """Whether the model lists the error for the operation."""
        shapes = self._service.operation_model(operation).error_shapes
        return any(shape.name == error for shape in shapes)


@cache
def load_model(service: str) -> Model:
    """The model of a service by botocore's name for it (`ecr`)."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    description = Loader().load_service_model(service, "service-2")
    model = ServiceModel(description, service)
    return Model(
        target_prefix=str(model.metadata.get("targetPrefix", "")),
        operations=frozenset(model.operation_names),
        errors=frozenset(shape.name for shape in model.error_shapes),
        _service=model,
    )


# --- reading a request --------------------------------------------------------------------------

_WANTED: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "character": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}


def _read(shape: Any, value: Any, where: str) -> Any:
    kind = shape.type_name
    if not _is_a(value, _WANTED[kind]) or (isinstance(value, bool) and kind != "boolean"):
        raise Unreadable(f"{where or 'the body'} is not a {kind}")
    if kind == "structure":
        return {
            name: _read(member, value[name], _below(where, name))
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [
            _read(shape.member, entry, f"{where}.{place}.member")
            for place, entry in enumerate(value, 1)
        ]
    if kind == "map":
        return {key: _read(shape.value, entry, f"{where}.{key}") for key, entry in value.items()}
    if kind == "blob":
        return _read_blob(value, where)
    return _read_time(value, where) if kind == "timestamp" else value


def _is_a(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, types)


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _read_blob(value: str, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable(f"{where} is not base64") from None


def _read_time(value: float | str, where: str) -> datetime:
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value).astimezone(UTC)
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"{where} is not a time") from None


# --- checking values ----------------------------------------------------------------------------


def _problems(shape: Any, value: Any, where: str) -> Iterator[BadRequest]:
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                yield BadRequest(_below(where, name), "must not be null")
        for name, inner in value.items():
            yield from _problems(shape.members[name], inner, _below(where, name))
        return
    yield from _limit_problems(shape, value, where)
    if kind == "list":
        for place, entry in enumerate(value, 1):
            yield from _problems(shape.member, entry, f"{where}.{place}.member")
    elif kind == "map":
        for key, entry in value.items():
            yield from _problems(shape.value, entry, f"{where}.{key}")
    elif kind == "string":
        yield from _text_problems(shape, value, where)


def _limit_problems(shape: Any, value: Any, where: str) -> Iterator[BadRequest]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name in ("integer", "long", "float", "double"):
        size, words = value, "Member must have value"
    elif shape.type_name in ("string", "list", "map", "blob"):
        size, words = len(value), "must have length"
    else:
        return
    if low is not None and size < low:
        yield BadRequest(where, f"{words} greater than or equal to {low}")
    if high is not None and size > high:
        yield BadRequest(where, f"{words} less than or equal to {high}")


def _text_problems(shape: Any, value: str, where: str) -> Iterator[BadRequest]:
    pattern, allowed = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield BadRequest(where, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    if pattern and _compile(pattern).fullmatch(value) is None:
        yield BadRequest(where, f"must satisfy regular expression '{pattern}'")


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


# --- writing an answer --------------------------------------------------------------------------


def _write(shape: Any, value: Any, where: str) -> Any:
    kind = shape.type_name
    if not _is_a(value, _ANSWERED[kind]):
        raise BadAnswer(f"{where} is a {type(value).__name__}, its model wants a {kind}")
    if kind == "structure":
        if unknown := set(value) - set(shape.members):
            raise BadAnswer(f"{where} has no {', '.join(sorted(unknown))} in its model")
        return {
            name: _write(shape.members[name], inner, f"{where}.{name}")
            for name, inner in value.items()
            if inner is not None
        }
    if kind == "list":
        return [_write(shape.member, entry, f"{where}[]") for entry in value]
    if kind == "map":
        return {key: _write(shape.value, entry, f"{where}.{key}") for key, entry in value.items()}
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind == "timestamp":
        return round(value.timestamp(), 3)
    allowed = shape.metadata.get("enum") if kind == "string" else None
    if allowed and value not in allowed:
        raise BadAnswer(f"{where} is {value!r}, not one of {', '.join(allowed)}")
    return value


_ANSWERED: dict[str, tuple[type, ...]] = {
    **_WANTED,
    "list": (list, tuple),
    "blob": (bytes,),
    "timestamp": (datetime,),
}
