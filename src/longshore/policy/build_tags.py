"""Which tags a build of the pipeline gets, and whether it is pushed. Pure.

The table, by event (`sha`: the first 7 characters of the commit; for a pull request the commit at
its head, not the merge commit; times in UTC):

    push to a branch          SLUG-sha (main-abc1234, feature-abc1234), maybe latest   pushed
    push of a version tag     the version as written (v2.0.0), maybe latest, v2, v2.0  pushed
    push of another tag       SLUG, with a warning                                     pushed
    pull request, same owner  pr-N, and pr-N-sha where asked                           by default
    pull request, fork        none                                                     never
    schedule                  nightly-YYYYMMDD                                         pushed
    workflow_dispatch         as a push of that ref                                    pushed
    release published         as a push of that tag                                    pushed
    merge queue, all others   none                                                     never

Behind them stand the markers (`prod-v2.0.0`, `branch-feature-abc1234`) that let a lifecycle policy
count a family as one. Which moving tags a build takes is decided in `moving_tags`, how names become
tags in `slugs`.

>>> compute(Build("push", "refs/heads/feature/login-form", "abc1234def")).tags
('feature-abc1234',)
>>> compute(Build("push", "refs/heads/day2-advanced", "abc1234def")).tags
('day2-advanced-abc1234', 'branch-day2-advanced-abc1234')
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from longshore.errors import UsageError
from longshore.policy.builds import (
    HEADS,
    LATEST,
    SHORT,
    TAGS,
    Build,
    BuildTags,
    LatestRule,
    Remark,
    Skipped,
    Tag,
    TagRules,
)
from longshore.policy.families import MARKERS, Family, marker_tag, plain_patterns
from longshore.policy.lifecycle.matching import matches_tag
from longshore.policy.moving_tags import is_default, is_rung, latest_of_branch, of_release
from longshore.policy.slugs import (
    LONGEST,
    branch_slug,
    branch_tag,
    has_metadata,
    is_component,
    release_of,
    tag_slug,
)
from longshore.text import tr

__all__ = ["LATEST", "Build", "BuildTags", "LatestRule", "Remark", "Skipped", "Tag", "TagRules",
           "backup_tag", "compute"]  # fmt: skip

DEPENDABOT = "dependabot[bot]"
MOST_SHA = 40
_QUEUE = "refs/heads/gh-readonly-queue/"
_SHA = re.compile(r"[0-9a-f]{7,64}\Z")
_EVENTS = ("push", "pull_request", "schedule", "workflow_dispatch", "release")


def compute(build: Build, rules: TagRules | None = None) -> BuildTags:
    """The tags of a build. Raises UsageError when the event lacks what its tags are made of."""
    rules = _checked_rules(rules or TagRules())
    if reason := _why_none(build, rules):
        return BuildTags(False, skipped=(Skipped("*", reason),))
    _check(build)
    match build.event:
        case "pull_request":
            return _of_pull_request(build, rules)
        case "schedule":
            return _of_schedule(build, rules)
        case _ if build.ref.startswith(TAGS):
            return _of_tag(build, rules)
        case _:
            return _of_branch(build, rules)


def backup_tag(at: datetime) -> str:
    """The tag under which an image is kept before another takes its place."""
    return f"backup-{at:%Y%m%d-%H%M%S}"


def _checked_rules(rules: TagRules) -> TagRules:
    if not SHORT <= rules.sha_length <= MOST_SHA:
        raise UsageError(
            tr("{length} is no length of a commit in tags", length=rules.sha_length),
            tr("choose sha_length from {least} to {most}", least=SHORT, most=MOST_SHA),
            code="bad-tag-rules",
        )
    if rules.component and not is_component(rules.component, rules.main):
        raise UsageError(
            tr("'{name}' cannot stand at the beginning of tags", name=rules.component),
            tr("choose a name of a-z, 0-9 and - that is no class of tags, like svc-a"),
            code="bad-tag-rules",
        )
    return rules


def _check(build: Build) -> None:
    if not _SHA.match(build.sha):
        raise UsageError(
            tr("'{sha}' is not a commit: 7 or more of 0-9 and a-f are wanted", sha=build.sha),
            tr("give the whole commit with --sha"),
            code="bad-build",
        )
    if build.event == "pull_request" and build.pull_request is None:
        raise UsageError(
            tr("a pull request's number is not known"),
            tr("give it with --pr, or the event file with GITHUB_EVENT_PATH"),
            code="bad-build",
        )


def _why_none(build: Build, rules: TagRules) -> str:
    """Why a build gets no tag at all; empty when it gets some."""
    if build.deleted:
        return tr("the ref was deleted: there is nothing to build")
    if build.event == "merge_group" or build.ref.startswith(_QUEUE):
        return tr("a merge queue tries a commit that may never land; the push that follows is it")
    if build.event not in _EVENTS:
        return tr("builds of the event {event} get no image", event=build.event)
    if build.event == "release" and build.action not in ("", "published", "released"):
        return tr("a release that is {action} publishes nothing", action=build.action)
    if DEPENDABOT in (build.actor, build.author):
        return tr("Dependabot's runs have no secrets and a token that only reads")
    if build.event == "pull_request":
        return _why_no_pull_request(build)
    if not build.ref.startswith((HEADS, TAGS)):
        return tr("{ref} is neither a branch nor a tag", ref=build.ref)
    return _why_no_tag(build.ref.removeprefix(TAGS), rules) if build.ref.startswith(TAGS) else ""


def _why_no_pull_request(build: Build) -> str:
    if build.fork:
        return tr("a fork's pull request has no secrets, and its code is not to be pushed")
    return tr("the pull request is closed") if build.action == "closed" else ""


def _why_no_tag(name: str, rules: TagRules) -> str:
    release = release_of(name, rules.component)
    if rules.component and release is None:
        return tr("{tag} is not a version of {component}", tag=name, component=rules.component)
    if release and is_rung(release, rules):
        return tr("{tag} is a rung of the ladder: versions of three parts move it", tag=name)
    return ""


def _of_pull_request(build: Build, rules: TagRules) -> BuildTags:
    number = build.pull_request
    name = f"pr-{number}-{rules.component}" if rules.prefix else f"pr-{number}"
    tags = [Tag(name, "own", tr("pull request {number}, as it is now", number=number), moves=True)]
    if rules.pull_request_commits:
        reason = tr("this commit of pull request {number}", number=number)
        tags.append(Tag(f"{name}-{build.short(rules.sha_length)}", "own", reason))
    remarks = () if rules.push_pull_requests else (_not_asked(),)
    skipped = Skipped(rules.prefix + LATEST, tr("a pull request is not a release"))
    return _made(build, rules, tags, [skipped], "pull-request", remarks)


def _not_asked() -> Remark:
    return Remark(
        "pull-requests-build-only",
        tr("pull requests are built, not pushed; `pull_requests: push` under tags changes that"),
    )


def _of_schedule(build: Build, rules: TagRules) -> BuildTags:
    if build.at is None:
        raise UsageError(
            tr("the time of the build is not known"), tr("give it with --at"), code="bad-build"
        )
    part = rules.prefix and f"{rules.component}-"
    name = f"nightly-{part}{build.at:%Y%m%d}"
    reason = tr("the scheduled build of this day")
    if name in build.taken:
        name = f"{name}-{build.short(rules.sha_length)}"
        reason = tr("a scheduled build of this day; an earlier one was of another commit")
    skipped = Skipped(
        rules.prefix + LATEST, tr("a scheduled build is of a commit that was built already")
    )
    return _made(build, rules, [Tag(name, "own", reason)], [skipped], None)


def _of_branch(build: Build, rules: TagRules) -> BuildTags:
    branch = build.ref.removeprefix(HEADS)
    short, slug = build.short(rules.sha_length), _branch_slug(build, rules, branch)
    own = Tag(_branch_tag(build, rules, branch, short), "own", _why_branch(build, rules, branch))
    latest = latest_of_branch(build, rules, branch)
    family: Family = "production" if branch in _mains(build, rules) else "branch"
    alike = sorted(
        one for one in build.branches if one != branch and _branch_slug(build, rules, one) == slug
    )
    remarks = (_alike(branch, alike, slug),) if alike and slug not in ("feature", "develop") else ()
    return _made(build, rules, [own], [latest], family, remarks)


def _mains(build: Build, rules: TagRules) -> tuple[str, ...]:
    """Branches whose images are production: those of the file, and the default branch."""
    default = build.default_branch
    return rules.main if default in ("", *rules.main, *rules.develop) else (*rules.main, default)


def _branch_slug(build: Build, rules: TagRules, branch: str) -> str:
    mains = _mains(build, rules)
    return branch_slug(branch, rules.develop, main=mains, feature=rules.feature)


def _branch_tag(build: Build, rules: TagRules, branch: str, short: str) -> str:
    return rules.prefix + branch_tag(
        branch,
        short,
        rules.develop,
        main=_mains(build, rules),
        feature=rules.feature,
        room=LONGEST - len(rules.prefix),
    )


def _why_branch(build: Build, rules: TagRules, branch: str) -> str:
    short = build.short(rules.sha_length)
    if len(short) > rules.sha_length:
        return tr("the branch {branch}; {short} tells its commit from another", branch=branch,
                  short=short)  # fmt: skip
    if is_default(build, rules, branch):
        return tr("the default branch {branch} at this commit", branch=branch)
    return tr("the branch {branch} at this commit", branch=branch)


def _alike(branch: str, others: list[str], slug: str) -> Remark:
    said = tr(
        "the branches {branch} and {others} are both tagged {slug}-: at one commit they share an "
        "image",
        branch=branch, others=", ".join(others[:3]), slug=slug,
    )  # fmt: skip
    return Remark("branches-alike", said)


def _of_tag(build: Build, rules: TagRules) -> BuildTags:
    name = build.ref.removeprefix(TAGS)
    release = release_of(name, rules.component)
    if release is None or len(rules.prefix + release) > LONGEST:
        return _of_other_tag(build, rules, name)
    own = Tag(rules.prefix + release, "own", tr("the version that was tagged"))
    return _made(build, rules, [own], of_release(build, rules, release), "production")


def _of_other_tag(build: Build, rules: TagRules, name: str) -> BuildTags:
    slug = tag_slug(name, main=_mains(build, rules), room=LONGEST - len(rules.prefix))
    if has_metadata(name):
        why = tr("a version with build metadata, in which + becomes _")
        reason = tr("{tag} has build metadata, which has no order", tag=name)
        said = tr("a tag cannot hold '+': {name} becomes {slug}", name=name, slug=slug)
        remark = Remark("tag-build-metadata", said)
    else:
        why = tr("a tag of the tree that is no version")
        reason = tr("{tag} is not a version", tag=name)
        said = tr("the tag {name} is not a version; its image is {slug}", name=name, slug=slug)
        remark = Remark("tag-not-a-version", said)
    family: Family = "production" if has_metadata(name) else "branch"
    skipped = Skipped(rules.prefix + LATEST, reason)
    return _made(build, rules, [Tag(slug, "own", why)], [skipped], family, (remark,))


def _made(
    build: Build,
    rules: TagRules,
    own: list[Tag],
    moving: Iterable[Tag | Skipped],
    family: Family | None,
    remarks: tuple[Remark, ...] = (),
) -> BuildTags:
    """The tags in their order, with the marker that the family needs."""
    found = list(moving)
    given = [*own, *(one for one in found if isinstance(one, Tag))]
    if family in MARKERS and _needs_marker(rules, family, own[0].name):
        given.append(Tag(marker_tag(family, own[0].name), "marker", _why_marked(family)))
    skipped = tuple(one for one in found if isinstance(one, Skipped))
    push = family != "pull-request" or rules.push_pull_requests
    return BuildTags(push, tuple(given), skipped, remarks, family, build.short(rules.sha_length))


def _needs_marker(rules: TagRules, family: Family, tag: str) -> bool:
    if rules.markers != "needed":
        return rules.markers == "all"
    mains = [branch_slug(name, main=rules.main) for name in rules.main]
    plain = plain_patterns(family, mains)
    return bool(rules.prefix) or not any(matches_tag(pattern, tag) for pattern in plain)


def _why_marked(family: Family) -> str:
    if family == "production":
        return tr("by it the lifecycle policy counts all production images as one")
    return tr("by it the lifecycle policy counts all images of branches as one")
