"""Whether the conditions of a statement are met by the context of a request. Pure.

Operators: IAM User Guide, "IAM JSON policy elements: Condition operators". All conditions of a
statement must be met (AND); of the values of one condition any (OR), for a negated operator none.
A key that is absent meets only negated operators, `...IfExists` and `Null: true`. Keys are compared
without case. An operator that is not known here raises UnknownOperator: nothing is guessed.

>>> context = Context({"aws:username": ("kim",)})
>>> failed((Condition("StringEquals", "aws:username", ("lee",)),), context).key
'aws:username'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

from longshore.errors import UsageError
from longshore.policy.access.document import Condition
from longshore.policy.access.wildcards import matches_arn, matches_text
from longshore.text import tr

Test = Callable[[str, str], bool]
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


class UnknownOperator(UsageError):
    """A condition uses an operator that is not known here, so nothing can be said."""

    default_code = "iam-unknown-operator"


class Context:
    """What is known of a request: keys to their values, keys without regard to case."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = {key.lower(): tuple(found) for key, found in values.items()}

    def get(self, key: str) -> tuple[str, ...] | None:
        """The values; None when the request has no such key."""
        return self._values.get(key.lower())

    def with_values(self, values: Mapping[str, Sequence[str]]) -> Context:
        """The context with more keys; those that are there win."""
        return Context({**{key.lower(): tuple(one) for key, one in values.items()}, **self._values})


def failed(conditions: Sequence[Condition], context: Context) -> Condition | None:
    """The first condition that is not met; None when all are. Raises UnknownOperator."""
    return next((one for one in conditions if not is_met(one, context)), None)


def is_met(condition: Condition, context: Context) -> bool:
    """Whether one condition is met. Raises UnknownOperator."""
    quantifier, name, if_exists = _split(condition.operator)
    found = context.get(condition.key)
    if name == "null":
        wanted_absent = condition.values[:1] == ("true",)
        return (not found) is wanted_absent
    test, negated = _OPERATORS[name]
    wanted = [value for text in condition.values if (value := _filled(text, context)) is not None]
    if not found:
        return if_exists or quantifier == "forallvalues" or (negated and not quantifier)
    matching = [any(test(one, value) for one in wanted) is not negated for value in found]
    return any(matching) if quantifier == "foranyvalue" else all(matching)


def is_known(operator: str) -> bool:
    """Whether `is_met` knows the operator."""
    try:
        _split(operator)
    except UnknownOperator:
        return False
    return True


def _split(operator: str) -> tuple[str, str, bool]:
    """Quantifier, plain operator and whether it ends in IfExists, all in lower case."""
    quantifier, colon, name = operator.lower().rpartition(":")
    if_exists = name.endswith("ifexists") and name != "null"
    name = name.removesuffix("ifexists") if if_exists else name
    known = name in _OPERATORS or (name == "null" and not if_exists)
    if not known or (colon and quantifier not in ("forallvalues", "foranyvalue")):
        raise UnknownOperator(
            tr("the condition operator '{operator}' is not known", operator=operator),
            tr("IAM's own are StringEquals, StringLike, ArnLike, Bool, IpAddress, ..."),
        )
    return quantifier, name, if_exists


def _filled(text: str, context: Context) -> str | None:
    """The value with its policy variables; None when one is not in the request."""
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name, comma, default = found[1].partition(",")
        if name in _LITERALS:
            return _LITERALS[name]
        values = context.get(name.strip())
        if values and len(values) == 1:
            return values[0]
        missing = missing or not comma
        return default.strip().strip("'")

    filled = _VARIABLE.sub(value, text)
    return None if missing else filled


def _number(compare: Callable[[float, float], bool]) -> Test:
    def test(wanted: str, found: str) -> bool:
        try:
            return compare(float(found), float(wanted))
        except ValueError:
            return False

    return test


def _date(compare: Callable[[float, float], bool]) -> Test:
    def test(wanted: str, found: str) -> bool:
        times = _seconds(found), _seconds(wanted)
        return None not in times and compare(times[0] or 0.0, times[1] or 0.0)

    return test


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _address(wanted: str, found: str) -> bool:
    try:
        return ip_address(found) in ip_network(wanted, strict=False)
    except ValueError:
        return False


def _same(wanted: str, found: str) -> bool:
    return wanted == found


def _same_folded(wanted: str, found: str) -> bool:
    return wanted.lower() == found.lower()


def _pair(name: str, test: Test) -> dict[str, tuple[Test, bool]]:
    """An operator and its negation: StringEquals and StringNotEquals."""
    kind, word = name.split(" ")
    return {f"{kind}{word}": (test, False), f"{kind}not{word}": (test, True)}


_OPERATORS: dict[str, tuple[Test, bool]] = {
    **_pair("string equals", _same),
    **_pair("string equalsignorecase", _same_folded),
    **_pair("string like", matches_text),
    **_pair("arn equals", matches_arn),
    **_pair("arn like", matches_arn),
    **_pair("numeric equals", _number(lambda found, wanted: found == wanted)),
    **_pair("date equals", _date(lambda found, wanted: found == wanted)),
    "numericlessthan": (_number(lambda found, wanted: found < wanted), False),
    "numericlessthanequals": (_number(lambda found, wanted: found <= wanted), False),
    "numericgreaterthan": (_number(lambda found, wanted: found > wanted), False),
    "numericgreaterthanequals": (_number(lambda found, wanted: found >= wanted), False),
    "datelessthan": (_date(lambda found, wanted: found < wanted), False),
    "datelessthanequals": (_date(lambda found, wanted: found <= wanted), False),
    "dategreaterthan": (_date(lambda found, wanted: found > wanted), False),
    "dategreaterthanequals": (_date(lambda found, wanted: found >= wanted), False),
    "bool": (_same_folded, False),
    "binaryequals": (_same, False),
    "ipaddress": (_address, False),
    "notipaddress": (_address, True),
}
