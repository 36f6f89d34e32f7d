"""Pages, help and the catalogue of errors keep up with the commands and the source."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

import click
import pytest

from longshore.cli.commands import entries
from longshore.cli.explanations import explanations
from longshore.cli.frame import Command, Group
from longshore.cli.main import load, root

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "longshore"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("changes/*.md")])
CODE = re.compile(r"[a-z]+(?:-[a-z]+)+\Z|[a-z]+\Z")


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from walk(one, f"{path} {name}")


COMMANDS = dict(found for entry in entries() for found in walk(load(entry), entry.name))


def help_of(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"longshore {path}", parent=click.Context(root()))
    return command.get_help(context)


# --- commands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help_and_an_example_of_itself(path: str) -> None:
    command = COMMANDS[path]
    assert isinstance(command, Command | Group)
    assert command.help
    wanted = f"longshore {path}"
    assert any(f"{wanted} " in f"{example} " for example in command.examples) or any(
        example.startswith("longshore --") and f" {path}" in example for example in command.examples
    ), f"no example of `{wanted}`"
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help or option.metavar, f"{wanted} {option.opts[0]}"


@pytest.mark.parametrize("path", COMMANDS)
def test_examples_can_be_parsed(path: str) -> None:
    for example in getattr(COMMANDS[path], "examples", ()):
        for words in longshore_lines(f"    {example}"):
            assert problem_with(words) is None, f"{example}: {problem_with(words)}"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_on_a_page(path: str) -> None:
    texts = "\n".join(page.read_text("utf-8") for page in PAGES)
    assert f"longshore {path}" in texts


@pytest.mark.parametrize("path", COMMANDS)
def test_help_prints(path: str) -> None:
    assert "Usage:" in help_of(path, COMMANDS[path])


# --- what pages say ------------------------------------------------------------------------------


def longshore_lines(text: str) -> Iterator[list[str]]:
    """Command lines of longshore in a page or example, as words; placeholders stay."""
    for found in re.finditer(r"(?:^ {4}|`|\$\(|&& )(longshore(?: [^`\n)|#>]*)?)", text, re.M):
        line = found[1].strip().replace("...", "")
        try:
            words = shlex.split(line)
        except ValueError:
            continue
        if len(words) > 1:
            yield words[1:]


def problem_with(words: list[str]) -> str | None:
    """Why a command line could not be typed: an unknown command or option."""
    current: click.Command = root()
    here: dict[str, click.Command] | None = None
    context = click.Context(current)
    options = {name for one in current.get_params(context) for name in one.opts}
    for word in words:
        if word.startswith("-"):
            name = word.partition("=")[0]
            if name not in options and name not in {"--help", "--version"}:
                return f"unknown option {name}"
        elif current.name == "longshore" and here is None:
            if not re.fullmatch(r"[a-z][a-z-]*", word):
                continue  # a placeholder, or the value of an option
            if word not in COMMANDS:
                if word in {"dev", "prod", "local"}:
                    continue
                return f"unknown command {word}"
            current = COMMANDS[word]
            here = dict(current.commands) if isinstance(current, click.Group) else {}
            options |= {name for one in current.get_params(context) for name in one.opts}
        elif here and isinstance(current, click.Group):
            if word not in here:
                return f"unknown command {current.name} {word}" if word.islower() else None
            current, here = here[word], {}
            options |= {name for one in current.get_params(context) for name in one.opts}
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_only_what_there_is(page: Path) -> None:
    wrong = {}
    for words in longshore_lines(page.read_text("utf-8")):
        if problem := problem_with(words):
            wrong[" ".join(words)] = problem
    assert wrong == {}


def test_messages_name_only_what_there_is() -> None:
    """Hints are commands to type; they must exist."""
    wrong = []
    for module in MODULES:
        for text in strings(ast.parse(module.read_text("utf-8"))):
            for found in re.finditer(r"(?:`|: |with )longshore ([a-z]+)(?: ([a-z]+))?", text):
                path = " ".join(word for word in found.groups() if word)
                is_group = isinstance(COMMANDS.get(found[1]), click.Group)
                if path not in COMMANDS and (is_group or found[1] not in COMMANDS):
                    wrong.append(f"{module.relative_to(PACKAGE)}: longshore {path}")
    assert wrong == []


def strings(tree: ast.AST) -> Iterator[str]:
    """The sentences of a module: first arguments of tr()."""
    for node in ast.walk(tree):
        if is_tr(node) and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def is_tr(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr" and bool(node.args)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_make_targets_that_there_are(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^ {4}|`)make ([a-z-]+)", page.read_text("utf-8"), re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target


# --- words ---------------------------------------------------------------------------------------


def test_every_sentence_can_be_extracted() -> None:
    """tr() takes a plain sentence; pieces put together could not be translated."""
    wrong = []
    for module in MODULES:
        if module.name == "text.py":
            continue
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if is_tr(node) and not isinstance(node.args[0], ast.Constant):
                wrong.append(f"{module.relative_to(PACKAGE)}:{node.lineno}")
    assert wrong == []


# --- error codes ---------------------------------------------------------------------------------


def codes_in(module: Path) -> set[str]:
    """Codes that a module gives its errors: `code=`, `default_code`, Problem and Flaw arguments."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            found |= set(_codes_of_call(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            named = {getattr(one, "id", "") for one in names}
            if "default_code" in named and isinstance(node.value, ast.Constant):
                found.add(str(node.value.value))
    return found


def _codes_of_call(node: ast.Call) -> Iterator[str]:
    for keyword in node.keywords:
        if keyword.arg == "code":
            yield from _constants(keyword.value)
    name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
    place = {"Problem": 2, "fail": 3}.get(name)
    if place is not None and len(node.args) > place:
        yield from _constants(node.args[place])


def _constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.match(node.value):
        yield node.value


RAISED = {code: module for module in MODULES for code in codes_in(module)}


@pytest.mark.parametrize("code", sorted(RAISED))
def test_every_code_is_explained(code: str) -> None:
    assert code in explanations(), f"raised in {RAISED[code].relative_to(PACKAGE)}"


# OCI distribution specification, "Error codes"; the last ones are Docker's.
SPECIFIED = (
    *("BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID"),
    *("MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID", "MANIFEST_UNKNOWN", "NAME_INVALID"),
    *("NAME_UNKNOWN", "SIZE_INVALID", "UNAUTHORIZED", "DENIED", "UNSUPPORTED"),
    *("TOOMANYREQUESTS", "TAG_INVALID", "UNKNOWN"),
)


def test_codes_of_registries_are_explained() -> None:
    """The gate takes some codes from tables; each answer is tried."""
    from longshore.errors import LongshoreError
    from longshore.remote.refusals import Refused, refusal

    seen = set()
    for status in (400, 401, 403, 404, 405, 413, 415, 416, 429, 500, 503):
        for said in ("", *SPECIFIED):
            body = json.dumps({"errors": [{"code": said, "message": "x"}]}) if said else "x"
            for request in ("GET /v2/a/manifests/b", "PUT /v2/a/manifests/b", "GET /v2/a/blobs/c"):
                error = refusal(
                    Refused(status, {}, body.encode(), request, "h", "source", "a"), 0.0
                )
                assert isinstance(error, LongshoreError)
                seen.add(error.code)
    assert seen - set(explanations()) == set()


def ecr_exceptions() -> list[str]:
    import botocore.session

    model: Any = botocore.session.get_session().get_service_model("ecr")
    shapes = [model.shape_for(name) for name in model.shape_names]
    return sorted(shape.name for shape in shapes if shape.metadata.get("exception"))


@pytest.mark.parametrize("name", ecr_exceptions())
def test_every_error_of_ecr_is_explained(name: str) -> None:
    from longshore.remote.aws import turned

    class Refusal(Exception):
        response = {"Error": {"Code": name, "Message": "x"}}  # noqa: RUF012

    error = turned(Refusal(), "Operation", "ecr:Operation", "")
    assert error.code in explanations()
