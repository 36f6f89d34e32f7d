"""The JSON of a lifecycle policy's text, or why it has none. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from longshore.policy.lifecycle.flaws import Flaw
from longshore.policy.lifecycle.places import line_and_column, repeated_members
from longshore.text import tr

_UNMAPPED = "Could not map policyString into LifecyclePolicy."


def read_document(text: str) -> tuple[dict[str, Any], bool] | Flaw:
    """The JSON object, and whether a name stands twice in an object somewhere; else the flaw."""
    repeats = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats
        found = dict(pairs)
        repeats = repeats or len(found) < len(pairs)
        return found

    try:
        document = json.loads(text, object_pairs_hook=members, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        line, column = line_and_column(text, error.pos)
        return Flaw("", _UNMAPPED, remedy=_remedy(text, error), line=line, column=column)
    except RecursionError:
        return Flaw("", _UNMAPPED, remedy=tr("it is nested too deeply"))
    except ValueError as error:
        return Flaw("", _UNMAPPED, remedy=tr("JSON has no such number: {why}", why=error))
    if isinstance(document, dict):
        return document, repeats
    remedy = tr('write an object: {"rules": [...]}')
    if isinstance(document, str):
        remedy = tr("this is a string with a policy in it; take the quotes around it off")
    return Flaw("", _UNMAPPED, remedy=remedy)


def repeated_names(text: str) -> Iterator[Flaw]:
    """Names that stand twice in one object. ECR may take them; we cannot know which value counts.

    The text must be JSON.
    """
    for path, offset in repeated_members(text):
        line, column = line_and_column(text, offset)
        detail = "This name stands twice in one object; only one of the two values counts."
        remedy = tr("take one of the two out")
        yield Flaw(path, detail, False, remedy, ours=True, line=line, column=column)


def _remedy(text: str, error: json.JSONDecodeError) -> str:
    """What to do about text that is no JSON, as far as the place tells."""
    rest, before = text[error.pos : error.pos + 80].lstrip(), text[: error.pos].rstrip()
    if text.startswith("\ufeff"):
        return tr("save it as UTF-8 without a byte order mark")
    if rest.startswith(("//", "/*", "#")):
        return tr("take the comment out; JSON has none")
    if rest.startswith(("}", "]", ",")) and (before + rest).strip(" \t\r\n}]").endswith(","):
        return tr("take the last comma out")
    if rest.startswith("'"):
        return tr('write strings in "double quotes"')
    if not rest or error.msg.startswith("Unterminated"):
        return tr("the text is empty or cut off: look at its end")
    return tr("correct the JSON here: {why}", why=error.msg)


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)
