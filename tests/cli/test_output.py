"""Results, talk, progress and questions on their streams."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from longshore.cli.live import line_of
from longshore.cli.output import Output, Place, error_lines, to_json
from longshore.cli.settings import Settings
from longshore.errors import LimitError, RefusedError
from longshore.events import (
    BlobDone,
    ChangeApplied,
    Event,
    Notice,
    Progress,
    StepDone,
    StepStarted,
    TagDone,
    Waiting,
)
from longshore.facts import Endpoint

LOCAL = Place(
    "local",
    Endpoint("local", "123456789012", "ap-northeast-2", "127.0.0.1:5", "http://127.0.0.1:4"),
)
PROD = Place(
    "prod",
    Endpoint("ecr", "123456789012", "us-east-1", "123456789012.dkr.ecr.us-east-1.amazonaws.com"),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Streams:
    """An Output over strings; `terminal=True` makes a person sit at all three."""

    def __init__(self, *, terminal: bool = False, stdin: str = "", **settings: Any) -> None:
        kind = Terminal if terminal else io.StringIO
        self.out, self.err = kind(), kind()
        self.output = Output(
            Settings(**settings), stdout=self.out, stderr=self.err, stdin=kind(stdin)
        )

    @property
    def texts(self) -> tuple[str, str]:
        return self.out.getvalue(), self.err.getvalue()


def test_result_as_text() -> None:
    streams = Streams()
    streams.output.result({"schema": "longshore.x/1"}, ["one", "two"], next="longshore sync")
    assert streams.texts == ("one\ntwo\nnext: longshore sync\n", "")


def test_result_as_json_is_one_object_with_the_schema_first() -> None:
    streams = Streams(json=True)
    streams.output.result({"schema": "longshore.x/1", "items": []}, ["one"], next="go", place=PROD)
    document = json.loads(streams.texts[0])
    assert next(iter(document)) == "schema"
    assert document["items"] == []
    assert document["next"] == "go"
    assert document["place"]["account"] == "123456789012"
    assert "EMBEDDED" not in streams.texts[0]


@pytest.mark.parametrize("settings", [{}, {"json": True}, {"jsonl": True}])
def test_embedded_results_say_so(settings: dict[str, bool]) -> None:
    streams = Streams(**settings)
    streams.output.result({"schema": "longshore.x/1"}, ["x"], place=LOCAL)
    assert "EMBEDDED" in streams.texts[0]


def test_place_names_target_account_region_endpoint() -> None:
    assert PROD.as_line() == ("target prod  account 123456789012  region us-east-1  endpoint aws")


def test_no_raw_control_character_in_json() -> None:
    text = to_json({"tag": "a\x1b\x9b\x7f\u2028\x00"})
    assert all(ord(char) >= 32 and char not in "\x9b\x7f\u2028" for char in text)
    assert json.loads(text) == {"tag": "a\x1b\x9b\x7f\u2028\x00"}


EVENTS: list[tuple[Event, str | None]] = [
    (StepDone("verified", "shop", "63 equal"), "verified  shop  63 equal"),
    (ChangeApplied("shop", "create"), "create  shop"),
    (ChangeApplied("shop", "create", already=True), "create  shop  already done"),
    (TagDone("a:1", "b:1", "copied", "sha256:" + "0" * 64), "copied  a:1 -> b:1  000000000000"),
    (TagDone("a:1", "b:1", "failed", reason="no\nway"), "failed  a:1 -> b:1  no way"),
    (TagDone("a:1", "b:1", "unchanged"), None),
    (Waiting("limit", "2026-11-23T00:00:00Z"), "waiting until 2026-11-23T00:00:00Z: limit"),
    (Notice("look"), "look"),
    (Notice("look", "warning"), "warning: look"),
    (StepStarted("copy"), None),
    (BlobDone("b", "sha256:" + "1" * 64, 1024, "copied"), None),
    (Progress(1, 2, 3, 4), None),
]


@pytest.mark.parametrize(("event", "line"), EVENTS, ids=lambda value: type(value).__name__)
def test_one_line_per_finished_step(event: Event, line: str | None) -> None:
    assert line_of(event) == line
    streams = Streams()
    streams.output.show(event)
    assert streams.texts == ("", "" if line is None else line + "\n")


def test_verbose_shows_blobs_steps_and_what_was_unchanged() -> None:
    streams = Streams(verbose=True)
    for event, _ in EVENTS:
        streams.output.show(event)
    assert len(streams.texts[1].splitlines()) == len(EVENTS) - 1


def test_quiet_leaves_only_warnings() -> None:
    streams = Streams(quiet=True)
    for event, _ in EVENTS:
        streams.output.show(event)
    streams.output.say("talk")
    assert streams.texts == ("", "warning: look\n")


def test_jsonl_is_one_event_a_line_and_the_result_last() -> None:
    streams = Streams(jsonl=True)
    streams.output.show(StepStarted("copy", "a"))
    streams.output.show(TagDone("a:1", "b:1", "copied"))
    streams.output.result({"schema": "longshore.copy/1", "bytes": 3}, ["3 bytes"])
    lines = [json.loads(line) for line in streams.texts[0].splitlines()]
    assert [line.get("event") or line["schema"] for line in lines] == [
        "step-started",
        "tag-done",
        "longshore.copy/1",
    ]


def test_live_line_on_a_terminal_goes_before_anything_else() -> None:
    streams = Streams(terminal=True)
    streams.output.show(Progress(1, 40, 1024, 2048, pulls=3, pulls_left=97))
    assert "1/40 tags  1.0 KiB / 2.0 KiB  3 pulls  97 pulls left" in streams.texts[1]
    streams.output.show(Progress(2, 40, 1024, 2048))
    assert "2/40" not in streams.texts[1], "drawn at most ten times a second"
    streams.output.say("done")
    assert streams.texts[1].endswith("\r\x1b[2Kdone\n")


def test_colours_only_on_a_terminal_and_never_needed() -> None:
    plain, lively, without = (
        Streams(),
        Streams(terminal=True),
        Streams(terminal=True, no_color=True),
    )
    for streams in (plain, lively, without):
        streams.output.warn("careful")
    assert plain.texts[1] == without.texts[1] == "warning: careful\n"
    assert "\x1b[33m" in lively.texts[1]


def test_confirm_without_a_person_refuses_at_once_and_names_yes() -> None:
    with pytest.raises(RefusedError) as caught:
        Streams().output.confirm("Apply?")
    assert caught.value.code == "confirmation-needed"
    assert "--yes" in caught.value.hint


def test_confirm_with_json_never_asks() -> None:
    with pytest.raises(RefusedError):
        Streams(terminal=True, stdin="y\n", json=True).output.confirm("Apply?")


def test_confirm_with_yes_asks_nothing() -> None:
    streams = Streams(yes=True)
    streams.output.confirm("Apply?")
    assert streams.texts == ("", "")


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "예\n"])
def test_confirm_asks_a_person(answer: str) -> None:
    streams = Streams(terminal=True, stdin=answer)
    streams.output.confirm("Apply?", ["+ shop"])
    assert streams.texts == ("", "+ shop\nApply? [y/N] ")


@pytest.mark.parametrize("answer", ["\n", "n\n", "", "yesterday\n"])
def test_confirm_declined(answer: str) -> None:
    with pytest.raises(RefusedError) as caught:
        Streams(terminal=True, stdin=answer).output.confirm("Apply?")
    assert caught.value.code == "declined"


@pytest.mark.parametrize("retry_at", ["2026-11-23T00:00:00Z", ""])
def test_a_limit_says_when_to_come_again(retry_at: str) -> None:
    lines = error_lines(LimitError("the limit is used up", "wait", retry_at=retry_at))
    assert (f"  again by: {retry_at}" in lines) == bool(retry_at)
