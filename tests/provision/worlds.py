"""Random wanted and actual states, and what AWS does with a plan, as a pure model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from longshore.facts import RepositorySeen
from longshore.policy.lifecycle.compile import compile_intent
from longshore.policy.lifecycle.intent import Intent
from longshore.policy.lifecycle.preset import canonical_text, standard_policy
from longshore.provision.access import policy_text, statements_for
from longshore.provision.changes import Change, Plan
from longshore.provision.resources import (
    MANAGED,
    AccountSetting,
    Actual,
    Desired,
    LifecyclePolicy,
    Place,
    Repository,
    RepositoryPolicy,
    Resource,
)
from longshore.provision.settings import Access

PLACE = Place("prod", "ecr", "123456789012", "ap-northeast-2")
NAMES = ("acme/api", "acme/shop", "base", "old", "web")
POLICIES = (
    canonical_text(standard_policy()),
    compile_intent(Intent(untagged_days=3)).text or "",
    compile_intent(Intent(keep=(("v*", 2),), backup_days=9)).text or "",
)
STRANGE = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
KEY = "arn:aws:kms:ap-northeast-2:123456789012:key/1111"

mutabilities = st.sampled_from(
    [
        ("MUTABLE", ()),
        ("IMMUTABLE", ()),
        ("IMMUTABLE_WITH_EXCLUSION", ("latest", "pr-*")),
        ("IMMUTABLE_WITH_EXCLUSION", ("latest",)),
        ("MUTABLE_WITH_EXCLUSION", ("v*",)),
    ]
)
accesses = st.builds(
    Access,
    st.lists(st.sampled_from(["123456789012", "github-actions"]), max_size=2).map(tuple),
    st.lists(st.just("arn:aws:iam::210987654321:role/app"), max_size=1).map(tuple),
)


def _repository(
    name: str,
    mutability: tuple[str, tuple[str, ...]] | None,
    scan: bool | None,
    encryption: tuple[str, str | None] | None,
    tags: dict[str, str],
) -> Repository:
    word, exclusions = mutability or (None, ())
    kind, key = encryption or (None, None)
    everything = tuple(sorted({**dict([MANAGED]), **tags}.items()))
    return Repository(name, word, exclusions, scan, kind, key, everything)


def _wanted(draw: st.DrawFn, name: str) -> list[Resource]:
    made: list[Resource] = [
        _repository(
            name,
            draw(st.none() | mutabilities),
            draw(st.none() | st.booleans()),
            draw(st.sampled_from([None, ("AES256", None), ("KMS", None), ("KMS", KEY)])),
            draw(st.dictionaries(st.sampled_from(["team", "cost"]), st.sampled_from("ab"))),
        )
    ]
    if draw(st.booleans()):
        made.append(LifecyclePolicy(name, draw(st.sampled_from([None, *POLICIES]))))
    if draw(st.booleans()):
        made.append(RepositoryPolicy(name, statements_for(draw(accesses), PLACE.region)))
    return made


@st.composite
def desires(draw: st.DrawFn) -> Desired:
    """A wanted state over some of NAMES."""
    resources: list[Resource] = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        resources += _wanted(draw, name)
    if draw(st.booleans()):
        resources.append(AccountSetting("BLOB_MOUNTING", draw(st.sampled_from(["ENABLED"]))))
    return Desired(PLACE, tuple(resources))


@st.composite
def seen_repositories(draw: st.DrawFn, name: str) -> RepositorySeen:
    """A repository as ECR might show it; some made by longshore, some by others."""
    word, exclusions = draw(mutabilities)
    kind, key = draw(st.sampled_from([("AES256", None), ("KMS", KEY)]))
    tags = draw(st.dictionaries(st.sampled_from(["team", "theirs"]), st.sampled_from("ab")))
    if draw(st.booleans()):
        tags |= dict([MANAGED])
    statements = draw(st.sampled_from([None, [], [STRANGE]]))
    ours = statements_for(draw(accesses), PLACE.region)
    return RepositorySeen(
        name,
        f"arn:aws:ecr:{PLACE.region}:{PLACE.account}:repository/{name}",
        name,
        word,
        exclusions,
        draw(st.booleans()),
        kind,
        key,
        tuple(sorted(tags.items())),
        draw(st.sampled_from([None, *POLICIES])),
        None if statements is None else policy_text(statements, ours),
    )


@st.composite
def actuals(draw: st.DrawFn) -> Actual:
    """An actual state over some of NAMES."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return Actual(
        {name: draw(seen_repositories(name)) for name in names},
        {name: draw(st.sampled_from([None, 0, 3])) for name in names},
        {"BLOB_MOUNTING": draw(st.sampled_from(["ENABLED", "DISABLED"]))},
    )


def carry_out(plan: Plan, actual: Actual) -> Actual:
    """What the world is after the plan's changes."""
    for change in plan.changes:
        actual = carry_out_one(change, actual)
    return actual


def carry_out_one(change: Change, actual: Actual) -> Actual:
    """What the world is after one change."""
    repositories = dict(actual.repositories)
    settings = dict(actual.settings)
    name = change.name
    match change.wanted:
        case AccountSetting(value=value):
            settings[name] = value
        case LifecyclePolicy(text=text):
            repositories[name] = replace(repositories[name], lifecycle_policy=text)
        case RepositoryPolicy(text=text):
            repositories[name] = replace(repositories[name], repository_policy=text)
        case Repository() as wanted:
            if change.action in {"delete", "replace"}:
                del repositories[name]
            if change.action in {"create", "replace"}:
                repositories[name] = _made(wanted)
            if change.action == "update":
                repositories[name] = _updated(repositories[name], wanted)
    return replace(actual, repositories=repositories, settings=settings)


def _made(wanted: Repository) -> RepositorySeen:
    fields: dict[str, Any] = {"mutability": wanted.mutability, "scan_on_push": wanted.scan_on_push}
    made = RepositorySeen(
        wanted.name,
        f"arn:{wanted.name}",
        wanted.name,
        exclusions=wanted.exclusions,
        encryption=wanted.encryption or "AES256",
        kms_key=wanted.kms_key or (KEY if wanted.encryption == "KMS" else None),
        tags=wanted.tags,
    )
    return replace(made, **{key: value for key, value in fields.items() if value is not None})


def _updated(seen: RepositorySeen, wanted: Repository) -> RepositorySeen:
    if wanted.mutability is not None:
        seen = replace(seen, mutability=wanted.mutability, exclusions=wanted.exclusions)
    if wanted.scan_on_push is not None:
        seen = replace(seen, scan_on_push=wanted.scan_on_push)
    return replace(seen, tags=tuple(sorted({**dict(seen.tags), **dict(wanted.tags)}.items())))
