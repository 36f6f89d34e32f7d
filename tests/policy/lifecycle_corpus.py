"""Policies as people write them: a typical mistake each, or none, with the findings expected.

Each was composed for this list after looking at what public repositories do. `expected` was written
before lint was run on it. Codes stand without `lifecycle-`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from longshore.facts import ImageSeen
from longshore.policy.lifecycle.lint_subject import Given
from longshore.policy.lifecycle.strategy import Strategy, TagRules, strategy_of

AT = datetime(2026, 11, 23, tzinfo=UTC)
INDEX = "application/vnd.oci.image.index.v1+json"
Written = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One policy text, what it is judged by, and the codes of its findings."""

    name: str
    text: str
    expected: frozenset[str] = frozenset()
    images: tuple[ImageSeen, ...] | None = None
    strategy: Strategy | None = None

    @property
    def given(self) -> Given:
        return Given(AT, self.images, self.strategy)


def rule(
    what: str,
    *,
    keep: int = 0,
    days: int = 0,
    pulled: int = 0,
    archived: int = 0,
    archive: bool = False,
    says: str = "why this rule is here",
    **more: Any,
) -> Written:
    """`untagged`, `any`, `prefix:a,b` or `a*,b*`; the number says which kind of rule it is."""
    selection: Written = {}
    if what in ("untagged", "any"):
        selection["tagStatus"] = what
    else:
        kind, _, names = what.rpartition(":")
        selection["tagStatus"] = "tagged"
        selection["tagPrefixList" if kind else "tagPatternList"] = names.split(",")
    if keep:
        selection |= {"countType": "imageCountMoreThan", "countNumber": keep}
    elif archived:
        selection |= {"storageClass": "archive", "countType": "sinceImageTransitioned"}
        selection |= {"countUnit": "days", "countNumber": archived}
    else:
        selection["countType"] = "sinceImagePulled" if pulled else "sinceImagePushed"
        selection |= {"countUnit": "days", "countNumber": pulled or days}
    action = (
        {"type": "transition", "targetStorageClass": "archive"} if archive else {"type": "expire"}
    )
    made: Written = {"description": says} if says else {}
    return made | {"selection": selection, "action": action} | more


def policy(*rules: Written) -> str:
    return json.dumps(
        {"rules": [{"rulePriority": at, **one} for at, one in enumerate(rules, 1)]}, indent=2
    )


def image(number: int, *tags: str, days: float | None = None, **more: Any) -> ImageSeen:
    """An image; the greater its number, the older it is, unless `days` says its age."""
    age = timedelta(days=number if days is None else days)
    return ImageSeen(digest(number), tags, 1000, AT - age, **more)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def case(name: str, text: str, expected: str = "", **more: Any) -> Case:
    return Case(name, text, frozenset(expected.split()), **more)


UNTAGGED = rule("untagged", days=7)
KEPT = (rule("live-*", keep=9999), rule("rollback-*", keep=9999), rule("latest", keep=9999))
SIGNED = (
    *(image(n, f"v1.{n}.0") for n in range(1, 5)),
    *(image(n + 10, f"sha256-{n:064x}.sig", days=n) for n in range(1, 5)),
)
MISTAKES = [
    case(
        "keep three of anything",
        policy(rule("any", keep=3)),
        "deletes-latest count-against-live children-take-places",
    ),
    case(
        "keep thirty of anything",
        policy(rule("any", keep=30)),
        "deletes-latest count-against-live children-take-places",
    ),
    case("only untagged", policy(rule("untagged", days=14)), "tags-without-rule"),
    case(
        "releases only",
        policy(rule("prefix:v", keep=10)),
        "untagged-without-rule count-against-live",
    ),
    case(
        "releases and untagged", policy(rule("prefix:v", keep=10), UNTAGGED), "count-against-live"
    ),
    case(
        "environments in one list",
        policy(rule("prefix:dev,staging,production", keep=10), UNTAGGED),
        "several-prefixes",
    ),
    case(
        "everything in one list",
        policy(UNTAGGED, rule("prefix:v,sha-,prod-,dev-,release-,main-", keep=30)),
        "several-prefixes",
    ),
    case(
        "hexadecimal digits as prefixes",
        policy(rule("untagged", keep=20), rule("prefix:" + ",".join("0123456789abcdef"), keep=20)),
        "several-prefixes children-take-places",
    ),
    case(
        "latest and main in one list",
        policy(rule("prefix:latest,main", keep=10), UNTAGGED),
        "several-prefixes",
    ),
    case("a regular expression for all", policy(UNTAGGED, rule(".*", keep=3)), "impossible-tag"),
    case("a wildcard in a prefix", policy(rule("prefix:v*", keep=10), UNTAGGED), "impossible-tag"),
    case(
        "a branch with a slash", policy(rule("prefix:feature/", keep=5), UNTAGGED), "impossible-tag"
    ),
    case("a caret", policy(rule("^v,latest", keep=5), UNTAGGED), "impossible-tag"),
    case(
        "production by age", policy(rule("prod*", days=14)), "release-by-age untagged-without-rule"
    ),
    case("all tags by age", policy(UNTAGGED, rule("*", days=90)), "release-by-age deletes-latest"),
    case(
        "all tags by count",
        policy(rule("*", keep=5), UNTAGGED),
        "deletes-latest count-against-live",
    ),
    case("anything by age", policy(rule("any", days=30)), "release-by-age deletes-latest"),
    case(
        "latest first, two of the rest",
        policy(rule("prefix:latest", keep=1), rule("any", keep=2)),
        "count-against-live children-take-places",
    ),
    case(
        "one of production",
        policy(rule("prefix:prod", keep=1), rule("*", keep=30), rule("untagged", keep=1)),
        "deletes-latest count-against-live children-take-places",
    ),
    case(
        "an action that is none", policy(rule("any", keep=1, action={"type": "retain"})), "invalid"
    ),
    case(
        "any first",
        policy(rule("any", keep=10), rule("prefix:prod", keep=3)),
        "any-not-last deletes-latest count-against-live children-take-places",
    ),
    case(
        "one priority twice",
        policy(
            rule("prefix:dev-", keep=5, rulePriority=1),
            rule("prefix:prod-", keep=10, rulePriority=1),
            UNTAGGED,
        ),
        "invalid count-against-live",
    ),
    case(
        "fifty releases behind ten of all",
        policy(rule("*", keep=10), rule("v*", keep=50), UNTAGGED),
        "shadowed deletes-latest count-against-live",
    ),
    case(
        "count and age of one family",
        policy(rule("main-*", keep=10), rule("main-*", days=30), UNTAGGED),
        "shadowed count-against-live",
    ),
    case(
        "dev hides develop",
        policy(rule("prefix:dev", keep=5), rule("prefix:develop", keep=10), UNTAGGED),
        "shadowed",
    ),
    case(
        "dev and develop in one list",
        policy(rule("prefix:dev,develop", keep=5), UNTAGGED),
        "entry-without-effect",
    ),
    case(
        "keeps all, with nothing behind",
        policy(UNTAGGED, rule("v*", keep=9999)),
        "keeps-without-need",
    ),
    case("a million releases", policy(UNTAGGED, rule("prefix:v", keep=1_000_000)), "never-acts"),
    case("a hundred years", policy(rule("any", days=36_500)), "never-acts"),
    case(
        "backups by age",
        policy(rule("v*", keep=10), rule("prefix:backup-", days=7), UNTAGGED),
        "backup-by-age count-against-live",
    ),
    case(
        "five wishes, the obvious way",
        policy(
            rule("prefix:latest,v,main-", keep=10),
            rule("prefix:develop-,feature-", keep=5),
            rule("prefix:pr-", keep=3),
            rule("untagged", days=1),
            rule("prefix:backup-", days=7),
        ),
        "several-prefixes backup-by-age",
    ),
    case(
        "archived when not pulled",
        policy(rule("any", pulled=90, archive=True), rule("any", archived=365)),
        "archives-live",
    ),
    case(
        "archived but the two newest",
        policy(rule("*", keep=2, archive=True), rule("untagged", keep=1), rule("any", archived=90)),
        "archives-live children-take-places",
    ),
    case(
        "an archive without a way in",
        policy(rule("untagged", days=1), rule("any", archived=365)),
        "archive-without-transition tags-without-rule",
    ),
    case(
        "releases by two names",
        policy(rule("prefix:release-", days=30), rule("prefix:v", keep=20), UNTAGGED),
        "release-by-age count-against-live",
    ),
    case(
        "ten releases use up ten of all",
        policy(rule("v*", keep=10), rule("any", keep=10)),
        "count-used-up deletes-latest count-against-live children-take-places",
    ),
    case(
        "all releases use up forty of all",
        policy(rule("v*", keep=9999), rule("any", keep=40)),
        "count-used-up deletes-latest children-take-places",
    ),
    case(
        "branches, then a hundred of all",
        policy(rule("pr-*", keep=3), rule("feature-*", keep=5), rule("any", keep=100)),
        "deletes-latest",
    ),
    case(
        "two live images",
        policy(rule("live-*", keep=2), rule("v*", keep=10), UNTAGGED),
        "deletes-live",
    ),
    case(
        "live behind the releases",
        policy(rule("v*", keep=10), rule("live-*", keep=9999), UNTAGGED),
        "deletes-live",
    ),
    case(
        "a description with another number",
        policy(rule("untagged", days=7, says="Expire images older than 14 days")),
        "description-differs tags-without-rule",
    ),
    case(
        "no description",
        policy(rule("untagged", days=7, says="")),
        "without-description tags-without-rule",
    ),
    case("a dot and a star", policy(rule("main.*", keep=10), UNTAGGED), "looks-like-regex"),
    case(
        "suffix before prefix",
        policy(rule("*-dev", keep=5), rule("v*", keep=10), UNTAGGED),
        "partly-shadowed count-against-live",
    ),
    case(
        "untagged by count",
        policy(rule("prod-*", keep=5), rule("untagged", keep=5)),
        "children-take-places count-against-live",
    ),
    case("untagged twice", policy(rule("untagged", days=1), rule("untagged", keep=5)), "invalid"),
    case("five wildcards", policy(rule("*a*b*c*d*", keep=5)), "invalid"),
    case("not JSON", "{'rules': []}", "invalid"),
    case(
        "no unit",
        policy(
            rule(
                "any",
                days=3,
                selection={"tagStatus": "any", "countType": "sinceImagePushed", "countNumber": 3},
            )
        ),
        "invalid",
    ),
    case("a tag of tests only", policy(rule("acceptance-*", days=1)), "untagged-without-rule"),
    case(
        "commits by age, releases by count",
        policy(rule("sha-*", days=30), rule("release-*", keep=30), UNTAGGED),
        "count-against-live",
    ),
    case(
        "environments, then anything by age",
        policy(
            rule("prefix:dev-", keep=10, says="Keep last 3 dev images"),
            rule("prefix:stg-", keep=3),
            rule("prefix:prod-", keep=3),
            rule("untagged", days=3),
            rule("any", days=3),
        ),
        "description-differs count-against-live deletes-latest",
    ),
    case(
        "releases for ever, then thirty of all",
        policy(rule("prefix:release", keep=9999), UNTAGGED, rule("any", keep=30)),
        "deletes-latest count-used-up children-take-places",
    ),
    case(
        "latest and a family, then ten of all",
        policy(rule("prefix:latest", keep=1), rule("prefix:prd.", keep=5), rule("any", keep=10)),
        "count-against-live children-take-places",
    ),
    case(
        "releases that fall to the rule for the rest",
        policy(
            UNTAGGED,
            rule("prefix:dev-", keep=5),
            rule("prefix:v,release-", keep=100),
            rule("any", days=90),
        ),
        "several-prefixes deletes-latest release-by-age",
    ),
    case(
        "versions and latest in one list",
        policy(rule("v*,latest", keep=20), UNTAGGED),
        "several-prefixes",
    ),
    case(
        "sets of characters",
        policy(rule("*-frozen", keep=100), rule("[0-9].[0-9].[0-9]", keep=100)),
        "impossible-tag untagged-without-rule",
    ),
    case(
        "one of all tags",
        policy(rule("*", keep=1)),
        "deletes-latest count-against-live untagged-without-rule",
    ),
    case("fifty of all tags", policy(rule("*", keep=50), UNTAGGED), "deletes-latest"),
    case(
        "images: branches lose their places to releases",
        policy(rule("v*", keep=3), rule("any", keep=3)),
        "count-used-up count-against-live",
        images=(
            *(image(n, f"v1.{n}") for n in range(1, 4)),
            image(4, "topic-1"),
            image(5, "topic-2"),
        ),
    ),
    case(
        "images: signatures among the tagged",
        policy(rule("*", keep=5), UNTAGGED),
        "signatures count-against-live",
        images=SIGNED,
    ),
    case(
        "images: v takes vpn",
        policy(rule("prefix:v", keep=60), UNTAGGED),
        "prefix-too-wide",
        images=(image(1, "v1.0"), image(2, "vpn-7"), image(3)),
    ),
    case(
        "images: tags without a rule",
        policy(rule("v*", keep=60), UNTAGGED),
        "tags-without-rule",
        images=(image(1, "v1.0"), image(2, "hotfix-3"), image(3, "hotfix-4"), image(4)),
    ),
    case(
        "images: a rule for none of them",
        policy(rule("v*", keep=60), rule("qa-*", days=3), UNTAGGED),
        "matches-nothing",
        images=(image(1, "v1.0"), image(2)),
    ),
    case(
        "images: indexes among five of all",
        policy(*KEPT, rule("any", keep=5)),
        "children-take-places",
        images=(
            image(1, "topic-1", children=(digest(2), digest(3)), media_type=INDEX),
            image(2),
            image(3),
        ),
    ),
    case(
        "images: what runs has a tag, and no rule keeps it",
        policy(rule("v*", keep=10), UNTAGGED),
        "deletes-live",
        images=(image(1, "v1.1"), image(2, "v1.0", "live-prod"), image(3)),
    ),
    case(
        "images: latest is not the newest",
        policy(rule("any", keep=60)),
        "deletes-latest children-take-places",
        images=(
            image(1, "topic-1", children=(digest(3),), media_type=INDEX),
            image(2, "latest"),
            image(3),
        ),
    ),
    case(
        "strategy: main and develop only",
        policy(*KEPT, rule("main-*", keep=10), rule("develop-*", keep=5), UNTAGGED),
        "tags-without-rule",
        strategy=strategy_of(TagRules(markers="none")),
    ),
    case(
        "strategy: a tag that is never made",
        policy(*KEPT, rule("staging", keep=5), rule("*-*", keep=60), rule("v*", keep=60), UNTAGGED),
        "matches-nothing deletes-backup partly-shadowed",
        strategy=strategy_of(TagRules(markers="none")),
    ),
    case(
        "strategy: releases for ever",
        policy(
            *KEPT, rule("backup-*", keep=50), rule("v*", keep=9999), rule("*-*", keep=60), UNTAGGED
        ),
        "unbounded",
        strategy=strategy_of(TagRules(markers="none")),
    ),
    case(
        "strategy: nothing keeps what runs",
        policy(
            rule("backup-*", keep=50),
            rule("latest", keep=9999),
            rule("v*", keep=60),
            rule("*-*", keep=200),
            UNTAGGED,
        ),
        "deletes-live",
        strategy=strategy_of(TagRules(markers="none")),
    ),
]
GOOD = [
    case(
        "five hundred releases, commits by age",
        policy(rule("prefix:v", keep=500), rule("prefix:git-", days=30), UNTAGGED),
    ),
    case(
        "kept first",
        policy(*KEPT, rule("v*", keep=20), rule("main-*", keep=10), rule("untagged", days=1)),
    ),
    case(
        "moving tags kept, commits counted",
        policy(
            rule("production", keep=1), rule("staging", keep=1), rule("sha-*", keep=100), UNTAGGED
        ),
    ),
    case(
        "previews go after a week",
        policy(rule("pr-*", days=7), rule("preview-*", days=7), rule("untagged", days=1)),
    ),
    case(
        "nightlies and many releases",
        policy(rule("nightly-*", keep=14), rule("v*", keep=100), rule("untagged", days=3)),
    ),
    case(
        "latest, sixty releases, development by age",
        policy(rule("latest", keep=1), rule("v*", keep=60), rule("dev-*", days=14), UNTAGGED),
    ),
    case("kept first, then many of all", policy(*KEPT, rule("any", keep=200))),
    case(
        "environments, each its rule",
        policy(
            rule("prod-*", keep=100), rule("staging-*", keep=20), rule("dev-*", days=14), UNTAGGED
        ),
    ),
    case(
        "archived when not pulled, kept first",
        policy(*KEPT, rule("*", pulled=180, archive=True), UNTAGGED, rule("any", archived=365)),
    ),
    case("AND that is meant, by one tag", policy(rule("v*,*-alpine", keep=60), UNTAGGED)),
    case(
        "AND that is meant, by a word inside",
        policy(rule("prefix:topic-", days=30), rule("build-*,*web*", keep=50), UNTAGGED),
    ),
    case(
        "branches by age",
        policy(
            rule("feature-*", days=30),
            rule("bugfix-*", days=30),
            rule("hotfix-*", days=30),
            rule("untagged", days=1),
        ),
    ),
    case(
        "caches and releases",
        policy(rule("untagged", days=1), rule("cache-*", keep=10), rule("v*", keep=50)),
    ),
    case("commits only", policy(rule("sha-*", keep=200), rule("untagged", days=3))),
    case(
        "candidates before releases", policy(rule("v*-rc*", keep=5), rule("v*", keep=50), UNTAGGED)
    ),
    case(
        "a backstop for backups", policy(rule("backup-*", keep=50), rule("v*", keep=60), UNTAGGED)
    ),
    case(
        "minor versions",
        policy(rule("latest", keep=1), rule("1.*", keep=50), rule("2.*", keep=50), UNTAGGED),
    ),
    case(
        "images of two tags, as the rule wants",
        policy(rule("v*,prod-*", keep=60), UNTAGGED),
        images=(image(1, "v1.0", "prod-v1.0"), image(2, "v0.9", "prod-v0.9"), image(3)),
    ),
    case(
        "images that all have a rule",
        policy(*KEPT, rule("v*", keep=10), rule("main-*", keep=10), UNTAGGED),
        images=(
            image(1, "v1.0", "live-prod"),
            image(2, "main-3f9c2ab"),
            image(3),
            image(4, "latest", "v0.9"),
        ),
    ),
]
