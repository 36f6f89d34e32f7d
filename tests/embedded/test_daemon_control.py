"""What the background process does when asked, and the socket it is asked over, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from longshore.embedded.background import Control
from longshore.embedded.control import Answer, ControlServer, NobodyThere, ask
from longshore.embedded.stack import Stack
from longshore.embedded.state import LocalState, UpOptions
from longshore.errors import LongshoreError, RefusedError, UsageError


@pytest.fixture
def control(stack: Stack) -> Control:
    return Control(stack, threading.Event())


def only(answers: Iterator[Answer]) -> Answer:
    [answer] = answers
    return answer


def test_its_state_comes_back_whole(stack: Stack, control: Control) -> None:
    answer = only(control.handle({"do": "state"}))
    assert LocalState.from_wire(answer["state"]) == stack.state
    held = only(control.handle({"do": "contents"}))["contents"]
    assert {"registry": "hub", "repository": "library/python", "tags": 6} in held


def test_stop_only_sets_the_event(stack: Stack) -> None:
    stopping = threading.Event()
    assert list(Control(stack, stopping).handle({"do": "stop"})) == []
    assert stopping.is_set()


def test_it_logs_in_and_bends(fresh_stack: Stack) -> None:
    control = Control(fresh_stack, threading.Event())
    state = fresh_stack.state
    answer = only(control.handle({"do": "login"}))
    assert answer["registries"] == [state.hub_registry, state.ecr_registry]
    moved = only(control.handle({"do": "clock", "advance": 60}))
    assert moved["ahead_seconds"] == 60
    assert only(control.handle({"do": "clock", "reset": True}))["ahead_seconds"] == 0
    rule = {"status": 500}
    faults = only(control.handle({"do": "fault", "add": rule}))["faults"]
    assert [one["status"] for one in faults] == [500]


def test_an_unknown_question_is_another_version_s(control: Control) -> None:
    with pytest.raises(UsageError) as caught:
        list(control.handle({"do": "dance"}))
    assert caught.value.code == "local-other-version"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Path]:
    def handle(question: Mapping[str, object]) -> Iterator[Answer]:
        if question["do"] == "count":
            yield {"number": 1}
            yield {"number": 2}
        elif question["do"] == "refuse":
            raise RefusedError("no", "try harder", code="some-code")
        else:
            raise ZeroDivisionError

    server = ControlServer(tmp_path, handle)
    server.start()
    yield tmp_path
    server.close()


def test_many_answers_and_errors_cross_the_socket(served: Path) -> None:
    answers = list(ask(served, {"do": "count"}))
    assert [one.get("number") for one in answers] == [1, 2, None]
    with pytest.raises(RefusedError) as caught:
        list(ask(served, {"do": "refuse"}))
    assert (caught.value.what, caught.value.hint, caught.value.code) == (
        "no",
        "try harder",
        "some-code",
    )
    with pytest.raises(LongshoreError, match="ZeroDivisionError"):
        list(ask(served, {"do": "fail"}))


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(NobodyThere):
        list(ask(tmp_path, {"do": "count"}))


def test_a_name_that_a_dead_process_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "control.sock").write_text("left")
    server = ControlServer(tmp_path, lambda question: iter(()))
    server.start()
    assert [one["done"] for one in ask(tmp_path, {})] == [True]
    server.close()
    assert not (tmp_path / "control.sock").exists()


def test_a_stack_that_is_not_started_says_so(tmp_path: Path) -> None:
    made = Stack(UpOptions(tmp_path / "local"))
    for name in ("state", "hub", "aws", "ecr"):
        with pytest.raises(RuntimeError):
            getattr(made, name)
    made.stop()
