"""What an ECR lifecycle policy may say: read its text, or say what ECR would answer. Pure.

Grammar: ECR User Guide, "Lifecycle policy properties" (with archive storage). ECR checks the text
with a JSON schema first and the rules against each other afterwards; both happen here, in that
order, with ECR's own words where they are known (`Flaw.known`). What a policy does to images is
decided in `evaluate`, not here.

>>> find_flaws("{}")[0].detail
'object has missing required properties (["rules"])'
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from longshore.errors import UsageError, Where
from longshore.text import tr

TagStatus = Literal["tagged", "untagged", "any"]
StorageClass = Literal["standard", "archive"]
CountType = Literal[
    "imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"
]
ActionType = Literal["expire", "transition"]

MAX_RULES = 50
MAX_TEXT = 30_720
MAX_WILDCARDS = 4
MIN_ARCHIVED_DAYS = 90

_TAG_STATUSES = ("tagged", "untagged", "any")
_STORAGE_CLASSES = ("standard", "archive")
_COUNT_TYPES = (
    "imageCountMoreThan",
    "sinceImagePushed",
    "sinceImagePulled",
    "sinceImageTransitioned",
)
_PREFIX = (
    "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
    "'Lifecycle policy validation failure: "
)


@dataclass(frozen=True)
class Selection:
    """Which images a rule is about. Lists are AND: each pattern must match some tag."""

    tag_status: TagStatus
    count_type: CountType
    count_number: int
    patterns: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    storage_class: StorageClass = "standard"


@dataclass(frozen=True)
class Rule:
    """One rule; the lowest `priority` number goes first."""

    priority: int
    selection: Selection
    action: ActionType
    description: str = ""


@dataclass(frozen=True)
class Policy:
    """A policy that ECR would take; rules in the order of their priority."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Flaw:
    """One thing that ECR refuses: where in the document, and `detail` as ECR words it.

    `known` is False when ECR's wording was never seen in public; then the words are ours.
    """

    path: str
    detail: str
    known: bool = True


class PolicyRefused(UsageError):
    """ECR would refuse the policy; `what` is its whole message, `detail` the part that varies."""

    default_code = "lifecycle-policy-invalid"

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        self.flaws = flaws
        self.detail = flaws[0].detail
        super().__init__(
            refusal(flaws[0]),
            tr("correct {path} in the policy", path=flaws[0].path or tr("the text")),
            where=Where(resource=flaws[0].path or "lifecycle policy"),
        )


def refusal(flaw: Flaw) -> str:
    """The message of ECR's InvalidParameterException for the flaw."""
    return f"{_PREFIX}{flaw.detail}'"


def parse_policy(text: str) -> Policy:
    """Read a policy. Raises PolicyRefused with every flaw that was found."""
    flaws = find_flaws(text)
    if flaws:
        raise PolicyRefused(flaws)
    rules = [_rule(written) for written in json.loads(text)["rules"]]
    return Policy(tuple(sorted(rules, key=lambda rule: rule.priority)))


def find_flaws(text: str) -> tuple[Flaw, ...]:
    """All that ECR would refuse, the one it names first; empty when it would take the policy."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return (Flaw("", "Could not map policyString into LifecyclePolicy."),)
    if flaws := tuple(_check_document(document)):
        return flaws
    return tuple(_check_rules(document["rules"]))


# --- the schema: each value by itself -----------------------------------------------------------

_Check = Callable[[Any, str], Iterator[Flaw]]


def _check_document(document: dict[str, Any]) -> Iterator[Flaw]:
    def rules(value: Any, path: str) -> Iterator[Flaw]:
        if flaw := _wrong_type(value, "array", path):
            yield flaw
        elif not value:
            yield Flaw(
                path,
                "array is too short: must have at least 1 elements but instance has 0 elements",
            )
        elif len(value) > MAX_RULES:
            yield Flaw(
                path,
                f"array is too long: must have at most {MAX_RULES} elements "
                f"but instance has {len(value)} elements",
            )
        else:
            for place, rule in enumerate(value):
                yield from _check_rule(rule, f"{path}[{place}]")

    yield from _check_object(document, "", {"rules": rules}, required=("rules",))


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
        "storageClass": _one_of(_STORAGE_CLASSES),
        "countType": _one_of(_COUNT_TYPES),
        "countUnit": _one_of(("days",)),
        "countNumber": _integer_from_one,
    }
    flaws = tuple(_check_object(value, path, members, ("tagStatus", "countType", "countNumber")))
    yield from flaws
    if not flaws and not _is_known_selection(value):
        yield Flaw(path, "instance failed to match exactly one schema (matched 0 out of 4)")


def _is_known_selection(value: dict[str, Any]) -> bool:
    """Whether count type, unit and storage class go together (one of ECR's four schemas)."""
    count_type: str = value["countType"]
    if (count_type == "imageCountMoreThan") == ("countUnit" in value):
        return False
    archived: bool = value.get("storageClass", "standard") == "archive"
    return archived == (count_type == "sinceImageTransitioned")


def _check_action(value: Any, path: str) -> Iterator[Flaw]:
    if flaw := _wrong_type(value, "object", path):
        yield flaw
    elif missing := _missing(value, ("type",), path):
        yield missing
    elif flaws := tuple(_one_of(("expire", "transition"))(value["type"], f"{path}.type")):
        yield from flaws
    elif value not in ({"type": "expire"}, {"type": "transition", "targetStorageClass": "archive"}):
        yield Flaw(path, "instance failed to match exactly one schema (matched 0 out of 2)")


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
        )
    for name, check in members.items():
        if name in value:
            yield from check(value[name], f"{path}.{name}".lstrip("."))


def _missing(value: dict[str, Any], required: tuple[str, ...], path: str) -> Flaw | None:
    missing = sorted(set(required) - set(value))
    if not missing:
        return None
    names = ",".join(json.dumps(name) for name in missing)
    return Flaw(path, f"object has missing required properties ([{names}])")


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
    return Flaw(
        path,
        f"instance type ({found}) does not match any allowed primitive type "
        f'(allowed: ["{wanted}"])',
    )


def _string(value: Any, path: str) -> Iterator[Flaw]:
    if flaw := _wrong_type(value, "string", path):
        yield flaw


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
        yield Flaw(
            path,
            f"numeric instance is lower than the required minimum (minimum: 1, found: {value})",
        )


def _one_of(values: tuple[str, ...]) -> _Check:
    def check(value: Any, path: str) -> Iterator[Flaw]:
        if flaw := _wrong_type(value, "string", path):
            yield flaw
        elif value not in values:
            yield Flaw(
                path,
                f"instance value ({json.dumps(value)}) not found in enum "
                f"(possible values: {json.dumps(list(values), separators=(',', ':'))})",
            )

    return check


# --- the rules: against each other, and combinations of values ----------------------------------


def _check_rules(rules: list[dict[str, Any]]) -> Iterator[Flaw]:
    for place, rule in enumerate(rules):
        yield from _check_lists(rule["selection"], f"rules[{place}].selection")
        yield from _check_action_fits(rule, f"rules[{place}]")
    yield from _check_priorities(rules)
    for storage_class in _STORAGE_CLASSES:
        group = [
            (place, rule)
            for place, rule in enumerate(rules)
            if rule["selection"].get("storageClass", "standard") == storage_class
        ]
        yield from _check_group(group)


def _check_lists(selection: dict[str, Any], path: str) -> Iterator[Flaw]:
    patterns, prefixes = selection.get("tagPatternList"), selection.get("tagPrefixList")
    if selection["tagStatus"] == "tagged":
        if not patterns and not prefixes:
            yield Flaw(path, "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.")
        elif patterns and prefixes:
            yield Flaw(
                path, "Only one of tagPrefixList or tagPatternList can be specified.", known=False
            )
    elif patterns or prefixes:
        yield Flaw(
            path,
            "tagPrefixList and tagPatternList can only be specified when tagStatus=TAGGED.",
            known=False,
        )
    for place, pattern in enumerate(patterns or ()):
        if pattern.count("*") > MAX_WILDCARDS:
            yield Flaw(
                f"{path}.tagPatternList[{place}]",
                f"A tag pattern can have at most {MAX_WILDCARDS} wildcards.",
                known=False,
            )


def _check_action_fits(rule: dict[str, Any], path: str) -> Iterator[Flaw]:
    count_type, action = rule["selection"]["countType"], rule["action"]["type"]
    if count_type == "sinceImagePulled" and action != "transition":
        yield Flaw(path, "countType=sinceImagePulled requires action type transition.", known=False)
    if count_type != "sinceImageTransitioned":
        return
    if action != "expire":
        yield Flaw(
            path, "countType=sinceImageTransitioned requires action type expire.", known=False
        )
    if rule["selection"]["countNumber"] < MIN_ARCHIVED_DAYS:
        yield Flaw(
            f"{path}.selection.countNumber",
            f"countNumber must be at least {MIN_ARCHIVED_DAYS} "
            "when countType=sinceImageTransitioned.",
            known=False,
        )


def _check_priorities(rules: list[dict[str, Any]]) -> Iterator[Flaw]:
    seen: set[int] = set()
    for place, rule in enumerate(rules):
        if rule["rulePriority"] in seen:
            yield Flaw(
                f"rules[{place}].rulePriority",
                f"Rule priorities must be unique, {rule['rulePriority']} is used twice.",
                known=False,
            )
        seen.add(rule["rulePriority"])


def _check_group(group: list[tuple[int, dict[str, Any]]]) -> Iterator[Flaw]:
    """Rules of one storage class: `any` last, one `untagged`, each prefix once."""
    last = max((rule["rulePriority"] for _, rule in group), default=0)
    untagged = 0
    prefixes: set[str] = set()
    for place, rule in group:
        selection, path = rule["selection"], f"rules[{place}]"
        if selection["tagStatus"] == "any" and rule["rulePriority"] < last:
            yield Flaw(
                path, "Rule for tagStatus=ANY must have the lowest priority per storage class"
            )
        untagged += selection["tagStatus"] == "untagged"
        if selection["tagStatus"] == "untagged" and untagged == 2:
            yield Flaw(path, "Only one rule can select Untagged images per storage class.")
        for prefix in selection.get("tagPrefixList", ()):
            if prefix in prefixes:
                yield Flaw(
                    f"{path}.selection.tagPrefixList",
                    f"Tag prefixes must be unique per storage class, '{prefix}' is used twice.",
                    known=False,
                )
            prefixes.add(prefix)


def _rule(written: dict[str, Any]) -> Rule:
    selection = written["selection"]
    return Rule(
        priority=written["rulePriority"],
        selection=Selection(
            tag_status=selection["tagStatus"],
            count_type=selection["countType"],
            count_number=selection["countNumber"],
            patterns=tuple(selection.get("tagPatternList", ())),
            prefixes=tuple(selection.get("tagPrefixList", ())),
            storage_class=selection.get("storageClass", "standard"),
        ),
        action=written["action"]["type"],
        description=written.get("description", ""),
    )
