"""Faults on purpose: rules that make an embedded server answer wrongly. I/O.

A rule says which requests it is for and how often, and what happens to them: another answer, a
delay, a body cut short, changed or without end, a connection reset. Every listener asks before it
answers; without rules that costs nothing.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from longshore.embedded.wire import CHUNK, Handler, Hangup, Request, Response
from longshore.errors import UsageError
from longshore.text import tr

_MAY_BE_NONE = ("times", "status", "flip_at", "cut_after")


@dataclass(frozen=True)
class Fault:
    """One rule. Empty `listener`, `method`, `path` or `operation` match everything.

    `path` is a regular expression looked for in the path, `method` may name several ("GET,HEAD"),
    `operation` is what an AWS client asks for in `X-Amz-Target` ("GetLifecyclePolicyPreview").
    The first `after` matching requests pass, the next `times` are met (None: all of them).

    What happens: after `delay_ms`, with `reset` the connection is reset; with `status` that is the
    answer (with `headers` and `body`), and the request has no effect unless `applies`; else the
    true answer goes out, `headers` added, its body with the byte at `flip_at` changed, cut after
    `cut_after` bytes, or going on without end (`endless`).
    """

    listener: str = ""
    method: str = ""
    path: str = ""
    operation: str = ""
    after: int = 0
    times: int | None = 1
    delay_ms: int = 0
    reset: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    applies: bool = False
    flip_at: int | None = None
    cut_after: int | None = None
    endless: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Fault:
        """A rule from JSON. Raises UsageError."""
        known = {one.name for one in fields(cls)}
        for name in document:
            if name not in known:
                raise _bad(tr("a fault has no '{name}'", name=name))
        fault = cls(**document)
        wrong = fault.mistake()
        if wrong:
            raise _bad(tr("the fault cannot be read: {why}", why=wrong))
        return fault

    def mistake(self) -> str:
        """What is wrong with the rule, or ""."""
        plain = Fault()
        for one in fields(self):
            value, default = getattr(self, one.name), getattr(plain, one.name)
            if not _is_like(value, default, may_be_none=one.name in _MAY_BE_NONE):
                return tr("'{name}' cannot be {value!r}", name=one.name, value=value)
        if self.status is not None and not 200 <= self.status <= 599:
            return tr("'status' goes from 200 to 599")
        try:
            re.compile(self.path)
        except re.error as error:
            return tr("'path' is not a regular expression: {why}", why=error)
        return ""

    def as_json(self) -> dict[str, Any]:
        """The rule with what it says beyond the defaults."""
        plain = Fault()
        return {
            one.name: dict(value) if isinstance(value, Mapping) else value
            for one in fields(self)
            if (value := getattr(self, one.name)) != getattr(plain, one.name)
        }

    def matches(self, listener: str, request: Request) -> bool:
        """Whether the rule is for the request."""
        return (
            self.listener in ("", listener)
            and (not self.method or request.method in self.method.upper().split(","))
            and self.operation in ("", request.header("x-amz-target").rpartition(".")[2])
            and re.search(self.path, request.path) is not None
        )


@dataclass
class _Rule:
    number: int
    fault: Fault
    seen: int = 0
    met: int = 0


class Faults:
    """The rules in force, in the order they were added. Thread-safe."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def add(self, fault: Fault) -> int:
        """Put a rule in force; its number."""
        with self._lock:
            rule = _Rule(next(self._numbers), fault)
            self._rules = [*self._rules, rule]
        return rule.number

    def clear(self) -> None:
        """No more faults."""
        with self._lock:
            self._rules = []

    def list(self) -> list[dict[str, Any]]:
        """All rules with how many requests each has met."""
        return [
            {"number": rule.number, "met": rule.met, **rule.fault.as_json()} for rule in self._rules
        ]

    def command(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """`add` a rule or `clear` all, as a control route asks; the rules then in force.

        Raises UsageError.
        """
        if question.get("clear"):
            self.clear()
        if question.get("add") is not None:
            self.add(Fault.from_json(question["add"]))
        return {"faults": self.list()}

    def take(self, listener: str, request: Request) -> Fault | None:
        """The rule that this request meets, counted, or None."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if not rule.fault.matches(listener, request):
                    continue
                rule.seen += 1
                times = rule.fault.times
                if rule.seen > rule.fault.after and (times is None or rule.met < times):
                    rule.met += 1
                    return rule.fault
        return None


def with_faults(handler: Handler, faults: Faults, listener: str) -> Handler:
    """The handler, asking for faults first."""

    def handle(request: Request) -> Response:
        fault = faults.take(listener, request)
        return handler(request) if fault is None else _meet(handler, request, fault)

    return handle


def _meet(handler: Handler, request: Request, fault: Fault) -> Response:
    if fault.delay_ms:
        time.sleep(fault.delay_ms / 1000)
    if fault.reset:
        if fault.applies:
            handler(request)
        raise Hangup(reset=True)
    if fault.status is not None:
        if fault.applies:
            handler(request)
        response = Response(fault.status, dict(fault.headers), fault.body.encode(), "fault")
        response.headers.setdefault("Content-Type", "application/json")
    else:
        response = handler(request)
        response.headers.update(fault.headers)
    return _spoil(response, fault)


def _spoil(response: Response, fault: Fault) -> Response:
    """The response with its body changed, cut, or without end."""
    if fault.endless:
        return replace(response, body=_endless())
    if fault.flip_at is None and fault.cut_after is None:
        return response
    size = response.size
    headers = dict(response.headers)
    if size is not None:
        headers.setdefault("Content-Length", str(size))
    pieces = response.chunks()
    if fault.flip_at is not None:
        pieces = _flip(pieces, fault.flip_at % size if size else fault.flip_at)
    if fault.cut_after is not None:
        pieces = _cut(pieces, fault.cut_after)
    return replace(response, headers=headers, body=pieces)


def _flip(pieces: Iterable[bytes], place: int) -> Iterator[bytes]:
    begin = 0
    for piece in pieces:
        if begin <= place < begin + len(piece):
            changed = bytearray(piece)
            changed[place - begin] ^= 1
            yield bytes(changed)
        else:
            yield piece
        begin += len(piece)


def _cut(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:limit]
        limit -= len(piece)
        if limit <= 0:
            break
    raise Hangup


def _endless() -> Iterator[bytes]:
    while True:
        yield bytes(CHUNK)


def _is_like(value: object, default: object, *, may_be_none: bool) -> bool:
    """Whether a value is of the kind that a member of a rule has."""
    if value is None:
        return may_be_none
    if isinstance(default, bool | str):
        return isinstance(value, type(default))
    if isinstance(default, Mapping):
        return isinstance(value, Mapping) and all(
            isinstance(text, str) and text.isprintable() for pair in value.items() for text in pair
        )
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _bad(what: str) -> UsageError:
    hint = tr("see `longshore local fault --help` for what a rule may say")
    return UsageError(what, hint, code="bad-fault")
