"""The schema of a lifecycle policy: each value by itself, in the words of ECR's validator. Pure.

Each flaw has a remedy of ours. What the rules must be to each other is in `policy_rules`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from longshore.policy.lifecycle.flaws import Flaw
from longshore.text import tr

MAX_RULES = 50

_TAG_STATUSES = ("tagged", "untagged", "any")
STORAGE_CLASSES = ("standard", "archive")
_COUNT_TYPES = (
    "imageCountMoreThan",
    "sinceImagePushed",
    "sinceImagePulled",
    "sinceImageTransitioned",
)
_SURROGATES = ("\ud800", "\udfff")

_Check = Callable[[Any, str], Iterator[Flaw]]


def check_document(document: dict[str, Any]) -> Iterator[Flaw]:
    """All flaws of the values, those of the outer ones first."""

    def rules(value: Any, path: str) -> Iterator[Flaw]:
        if flaw := _wrong_type(value, "array", path):
            yield flaw
            return
        yield from _check_number_of_rules(len(value), path)
        for place, rule in enumerate(value):
            yield from _check_rule(rule, f"{path}[{place}]")

    flaws = _check_object(document, "", {"rules": rules}, required=("rules",))
    if "lifecyclePolicyText" in document and "rules" not in document:
        flaws = (replace(flaw, remedy=_of_get_lifecycle_policy()) for flaw in flaws)
    yield from flaws


def _of_get_lifecycle_policy() -> str:
    return tr(
        "this is the answer of get-lifecycle-policy; save only the text in it: "
        "--query lifecyclePolicyText --output text"
    )


def _check_number_of_rules(count: int, path: str) -> Iterator[Flaw]:
    if not count:
        yield Flaw(
            path,
            "array is too short: must have at least 1 elements but instance has 0 elements",
            remedy=tr("write a rule; a repository without rules needs no policy at all"),
        )
    elif count > MAX_RULES:
        yield Flaw(
            path,
            f"array is too long: must have at most {MAX_RULES} elements "
            f"but instance has {count} elements",
            remedy=tr("put rules together: one pattern may stand for several kinds of tags"),
        )


def _check_rule(value: Any, path: str) -> Iterator[Flaw]:
    members: dict[str, _Check] = {
        "rulePriority": _integer_from_one,
        "description": _string,
        "selection": _check_selection,
        "action": _check_action,
    }
    yield from _check_object(value, path, members, ("rulePriority", "selection", "action"))


def _check_selection(value: Any, path: str) -> Iterator[Flaw]:
    members: dict[str, _Check] = {
        "tagStatus": _one_of(_TAG_STATUSES),
        "tagPatternList": _strings,
        "tagPrefixList": _strings,
        "storageClass": _one_of(STORAGE_CLASSES),
        "countType": _one_of(_COUNT_TYPES),
        "countUnit": _one_of(("days",)),
        "countNumber": _integer_from_one,
    }
    flaws = tuple(_check_object(value, path, members, ("tagStatus", "countType", "countNumber")))
    yield from flaws
    if not flaws and (remedy := _combination(value)):
        detail = "instance failed to match exactly one schema (matched 0 out of 4)"
        yield Flaw(path, detail, remedy=remedy)


def _combination(value: dict[str, Any]) -> str:
    """What to do for count type, unit and storage class to go together; "" when they do."""
    count_type: str = value["countType"]
    if count_type == "imageCountMoreThan" and "countUnit" in value:
        return tr("take countUnit out; imageCountMoreThan counts images")
    if count_type != "imageCountMoreThan" and "countUnit" not in value:
        return tr('add "countUnit": "days"')
    archived: bool = value.get("storageClass", "standard") == "archive"
    if archived and count_type != "sinceImageTransitioned":
        return tr("images in archive can only be selected by sinceImageTransitioned")
    if not archived and count_type == "sinceImageTransitioned":
        return tr('add "storageClass": "archive"; only archived images were transitioned')
    return ""


def _check_action(value: Any, path: str) -> Iterator[Flaw]:
    if flaw := _wrong_type(value, "object", path):
        yield flaw
    elif missing := _missing(value, ("type",), path):
        yield missing
    elif flaws := tuple(_one_of(("expire", "transition"))(value["type"], f"{path}.type")):
        yield from flaws
    elif value not in ({"type": "expire"}, {"type": "transition", "targetStorageClass": "archive"}):
        remedy = tr('write {"type": "expire"}, nothing more')
        if value["type"] == "transition":
            remedy = tr('write {"type": "transition", "targetStorageClass": "archive"}')
        detail = "instance failed to match exactly one schema (matched 0 out of 2)"
        yield Flaw(path, detail, remedy=remedy)


def _check_object(
    value: Any, path: str, members: dict[str, _Check], required: tuple[str, ...]
) -> Iterator[Flaw]:
    if flaw := _wrong_type(value, "object", path):
        yield flaw
        return
    if missing := _missing(value, required, path):
        yield missing
    if unknown := sorted(set(value) - set(members)):
        yield Flaw(
            f"{path}.{unknown[0]}".lstrip("."),
            "object instance has properties which are not allowed by the schema: "
            f"{json.dumps(unknown)}",
            remedy=_instead(unknown[0], sorted(set(members) - set(value))),
        )
    for name, check in members.items():
        if name in value:
            yield from check(value[name], f"{path}.{name}".lstrip("."))


def _instead(name: str, free: Sequence[str]) -> str:
    """What to write for an unknown member; `free` are the members that are not there yet."""
    by_letters = {one.lower(): one for one in free}
    near = get_close_matches(name.lower(), by_letters, n=1)
    if near:
        return tr("write {right} for {wrong}", right=by_letters[near[0]], wrong=name)
    return tr("take {name} out; ECR takes no members of one's own", name=name)


def _missing(value: dict[str, Any], required: tuple[str, ...], path: str) -> Flaw | None:
    missing = sorted(set(required) - set(value))
    if not missing:
        return None
    names = ",".join(json.dumps(name) for name in missing)
    detail = f"object has missing required properties ([{names}])"
    return Flaw(path, detail, remedy=tr("add {names}", names=", ".join(missing)))


_TYPE_NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def _wrong_type(value: Any, wanted: str, path: str) -> Flaw | None:
    found = _TYPE_NAMES[type(value)]
    if found == wanted:
        return None
    detail = (
        f'instance type ({found}) does not match any allowed primitive type (allowed: ["{wanted}"])'
    )
    return Flaw(path, detail, remedy=_of_type(found, wanted))


def _of_type(found: str, wanted: str) -> str:
    if found == "null":
        return tr("write a value, or leave the member out; ECR takes no null")
    match wanted:
        case "integer":
            return tr("write a whole number: digits only, no quotes, no point")
        case "array":
            return tr("write a list: [...]")
        case "object":
            return tr("write an object: {...}")
        case _:
            return tr("write it in double quotes")


def _string(value: Any, path: str) -> Iterator[Flaw]:
    if flaw := _wrong_type(value, "string", path):
        yield flaw
    elif any(_SURROGATES[0] <= letter <= _SURROGATES[1] for letter in value):
        detail = "The string has half a character (a lone surrogate)."
        yield Flaw(path, detail, known=False, remedy=tr("write the character itself"))


def _strings(value: Any, path: str) -> Iterator[Flaw]:
    if flaw := _wrong_type(value, "array", path):
        yield flaw
        return
    for place, entry in enumerate(value):
        yield from _string(entry, f"{path}[{place}]")


def _integer_from_one(value: Any, path: str) -> Iterator[Flaw]:
    if flaw := _wrong_type(value, "integer", path):
        yield flaw
    elif value < 1:
        detail = f"numeric instance is lower than the required minimum (minimum: 1, found: {value})"
        yield Flaw(path, detail, remedy=tr("write 1 or more"))


def _one_of(values: tuple[str, ...]) -> _Check:
    def check(value: Any, path: str) -> Iterator[Flaw]:
        if flaw := _wrong_type(value, "string", path):
            yield flaw
        elif value not in values:
            detail = (
                f"instance value ({json.dumps(value)}) not found in enum "
                f"(possible values: {json.dumps(list(values), separators=(',', ':'))})"
            )
            yield Flaw(path, detail, remedy=tr("write one of: {values}", values=", ".join(values)))

    return check
