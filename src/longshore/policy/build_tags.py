"""Which tags a build of the pipeline gets, and whether it is pushed. Pure.

The table, by event (`sha`: the first 7 characters of the commit; for a pull request the commit at
its head, not the merge commit; times in UTC):

    push to a branch          SLUG-sha (main-abc1234, feature-abc1234), maybe latest       pushed
    push of a version tag     the version as written (v2.0.0), maybe latest                pushed
    push of another tag       SLUG, with a warning                                         pushed
    pull request, same owner  pr-N-sha and pr-N                                            if asked
    pull request, fork        none                                                         never
    schedule                  nightly-YYYYMMDD                                             pushed
    workflow_dispatch         as a push of that ref                                        pushed
    release published         as a push of that tag                                        pushed
    merge queue, all others   none                                                         never

`latest` follows the newest stable release (`newest-release`), the default branch (`main`), or
nothing (`never`). How names become tags is in `slugs`.

>>> compute(Build("push", "refs/heads/feature/login-form", "abc1234def")).tags
('feature-abc1234',)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from longshore.errors import UsageError
from longshore.policy.slugs import branch_tag, has_metadata, is_release, release_key, tag_slug
from longshore.policy.versions import parse_version
from longshore.text import tr

LatestRule = Literal["newest-release", "main", "never"]
LATEST = "latest"
SHORT = 7
HEADS, TAGS = "refs/heads/", "refs/tags/"
DEPENDABOT = "dependabot[bot]"
_QUEUE = "refs/heads/gh-readonly-queue/"
_SHA = re.compile(r"[0-9a-f]{7,64}\Z")


@dataclass(frozen=True)
class TagRules:
    """What the file says about tags: section `tags` of longshore.yaml."""

    main: tuple[str, ...] = ("main", "master")
    develop: tuple[str, ...] = ("develop",)
    latest: LatestRule = "newest-release"
    push_pull_requests: bool = False


@dataclass(frozen=True)
class Build:
    """One run of the pipeline: what happened, to which ref, at which commit.

    `releases` are the tree's tags that are known, None when nobody looked. `action` is what
    happened to a release or a pull request. `attempt` is above 1 when an old run is run again.
    """

    event: str
    ref: str
    sha: str
    at: datetime | None = None
    pull_request: int | None = None
    fork: bool = False
    actor: str = ""
    default_branch: str = ""
    action: str = ""
    prerelease: bool = False
    deleted: bool = False
    attempt: int = 1
    releases: tuple[str, ...] | None = ()

    @property
    def short(self) -> str:
        """The commit as tags have it."""
        return self.sha[:SHORT]


@dataclass(frozen=True)
class Skipped:
    """A tag that the build does not get, and why."""

    tag: str
    reason: str


@dataclass(frozen=True)
class Remark:
    """Something to know about the tags of this build; the build goes on."""

    code: str
    message: str


@dataclass(frozen=True)
class BuildTags:
    """The tags of a build: those that never move, then those that do."""

    push: bool
    immutable: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags; the first one names this very build."""
        return self.immutable + self.moving


def compute(build: Build, rules: TagRules | None = None) -> BuildTags:
    """The tags of a build. Raises UsageError when the event lacks what its tags are made of."""
    build, rules = _checked(build), rules or TagRules()
    if reason := _why_none(build):
        return BuildTags(False, skipped=(Skipped("*", reason),))
    match build.event:
        case "pull_request":
            return _of_pull_request(build, rules)
        case "schedule":
            return _of_schedule(build)
        case _ if build.ref.startswith(TAGS):
            return _of_tag(build, rules)
        case _:
            return _of_branch(build, rules)


def backup_tag(at: datetime) -> str:
    """The tag under which an image is kept before another takes its place."""
    return f"backup-{at:%Y%m%d-%H%M%S}"


def _checked(build: Build) -> Build:
    if not _SHA.match(build.sha) and not build.deleted:
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
    return build


_EVENTS = ("push", "pull_request", "schedule", "workflow_dispatch", "release")


def _why_none(build: Build) -> str:
    """Why a build gets no tag at all; empty when it gets some."""
    if build.deleted:
        return tr("the ref was deleted: there is nothing to build")
    if build.event == "merge_group" or build.ref.startswith(_QUEUE):
        return tr("a merge queue tries a commit that may never land; the push that follows is it")
    if build.event not in _EVENTS:
        return tr("builds of the event {event} get no image", event=build.event)
    if build.event == "release" and build.action not in ("", "published", "released"):
        return tr("a release that is {action} publishes nothing", action=build.action)
    if build.actor == DEPENDABOT:
        return tr("Dependabot's runs have no secrets and a token that only reads")
    if build.event == "pull_request" and build.fork:
        return tr("a fork's pull request has no secrets, and its code is not to be pushed")
    return ""


def _of_pull_request(build: Build, rules: TagRules) -> BuildTags:
    moving = f"pr-{build.pull_request}"
    remarks = () if rules.push_pull_requests else (_not_asked(),)
    return BuildTags(
        rules.push_pull_requests,
        (f"{moving}-{build.short}",),
        (moving,),
        (Skipped(LATEST, tr("a pull request is not a release")),),
        remarks,
    )


def _not_asked() -> Remark:
    return Remark(
        "pull-requests-build-only",
        tr("pull requests are built, not pushed; `pull_requests: push` under tags changes that"),
    )


def _of_schedule(build: Build) -> BuildTags:
    if build.at is None:
        raise UsageError(
            tr("the time of the build is not known"), tr("give it with --at"), code="bad-build"
        )
    reason = tr("a scheduled build is of a commit that was built already")
    return BuildTags(True, (f"nightly-{build.at:%Y%m%d}",), skipped=(Skipped(LATEST, reason),))


def _of_branch(build: Build, rules: TagRules) -> BuildTags:
    branch = build.ref.removeprefix(HEADS)
    reason = _why_branch_is_not_latest(build, rules, branch)
    return BuildTags(
        True,
        (branch_tag(branch, build.short, rules.develop),),
        () if reason else (LATEST,),
        (Skipped(LATEST, reason),) if reason else (),
    )


def _why_branch_is_not_latest(build: Build, rules: TagRules, branch: str) -> str:
    if rules.latest == "never":
        return tr("the config says that nothing is latest")
    if rules.latest == "newest-release":
        newest = _newest(build.releases or ())
        if newest:
            return tr("{tag} is the newest release", tag=newest)
        return tr("latest follows releases, and there is none yet")
    is_main = branch == build.default_branch if build.default_branch else branch in rules.main
    if not is_main:
        return tr("{branch} is not the default branch", branch=branch)
    if build.attempt > 1:
        return tr("an old run was run again; latest may have moved on since")
    return ""


def _of_tag(build: Build, rules: TagRules) -> BuildTags:
    name = build.ref.removeprefix(TAGS)
    if not is_release(name):
        return _of_other_tag(name)
    reason = _why_release_is_not_latest(build, rules, name)
    return BuildTags(
        True,
        (name,),
        () if reason else (LATEST,),
        (Skipped(LATEST, reason),) if reason else (),
    )


def _of_other_tag(name: str) -> BuildTags:
    slug = tag_slug(name)
    if has_metadata(name):
        reason = tr("{tag} has build metadata, which has no order", tag=name)
        said = tr("a tag cannot hold '+': {name} becomes {slug}", name=name, slug=slug)
        remark = Remark("tag-build-metadata", said)
    else:
        reason = tr("{tag} is not a version", tag=name)
        said = tr("the tag {name} is not a version; its image is {slug}", name=name, slug=slug)
        remark = Remark("tag-not-a-version", said)
    return BuildTags(True, (slug,), skipped=(Skipped(LATEST, reason),), remarks=(remark,))


def _why_release_is_not_latest(build: Build, rules: TagRules, name: str) -> str:
    version = parse_version(name)
    if rules.latest != "newest-release":
        return tr("latest does not follow releases here")
    if build.prerelease or version is None or version.prerelease:
        return tr("{tag} is a prerelease", tag=name)
    if build.releases is None:
        return tr("whether {tag} is the newest release is not known", tag=name)
    newest = _newest((*build.releases, name))
    if release_key(newest) > release_key(name):
        return tr("{tag} is the newest release", tag=newest)
    return ""


def _newest(names: tuple[str, ...]) -> str:
    """The highest stable release of the names; empty when there is none."""
    stable = [name for name in names if is_release(name) and not release_key(name).prerelease]
    return max(stable, key=release_key, default="")
