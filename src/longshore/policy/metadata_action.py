"""The same tags by docker/metadata-action, as far as it can make them. Pure.

Each line has a guard, and needs it: unguarded, `{{branch}}-{{sha}}` gives `-abc1234` on tags, the
version type drops the `v` of prereleases, `latest` follows any stable tag, and the default branch
counts as such in scheduled runs too. What the action cannot express is named beside the lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.policy.build_tags import DEPENDABOT, TagRules
from longshore.text import tr

_SAME = "github.event.pull_request.head.repo.full_name == github.repository"
_BUILT = "(github.event_name == 'push' || github.event_name == 'workflow_dispatch')"
_BRANCH = (
    f"startsWith(github.ref, 'refs/heads/') && {_BUILT}"
    " && !startsWith(github.ref, 'refs/heads/gh-readonly-queue/')"
)
_FEATURE = "startsWith(github.ref, 'refs/heads/feature/')"
_PULL = f"github.event_name == 'pull_request' && {_SAME}"
_NUMBER = "${{ github.event.pull_request.number }}"
_DEFAULT = "github.ref_name == github.event.repository.default_branch"
# Not a ref that was deleted, nor a pull request that was closed.
_NOT_GONE = "github.event.deleted != true && github.event.action != 'closed'"
_NIGHT = "{{date 'YYYYMMDD' tz='UTC'}}"
_LOW = 100


@dataclass(frozen=True)
class MetadataAction:
    """The action's environment and inputs, and in words what they leave out."""

    env: tuple[tuple[str, str], ...]
    flavor: str
    tags: tuple[str, ...]
    cannot: tuple[str, ...]


def metadata_action(rules: TagRules) -> MetadataAction:
    """What to give the action for these rules."""
    env = (
        ("DOCKER_METADATA_SHORT_SHA_LENGTH", str(rules.sha_length)),
        ("DOCKER_METADATA_PR_HEAD_SHA", "true"),
    )
    return MetadataAction(env, "latest=false", tuple(_lines(rules)), tuple(_cannot(rules)))


def pushes(rules: TagRules) -> str:
    """The condition under which a build is pushed: never from a fork, nor for Dependabot."""
    event = f"(github.event_name != 'pull_request' || {_SAME})"
    if not rules.push_pull_requests:
        event = "github.event_name != 'pull_request'"
    return (
        f"{event} && github.actor != '{DEPENDABOT}'"
        f" && github.event.pull_request.user.login != '{DEPENDABOT}'"
        f" && {_NOT_GONE}"
    )


def default_branch_push() -> str:
    """The condition of a push to the default branch."""
    return f"{_BRANCH} && {_DEFAULT}"


def release_push(rules: TagRules) -> str:
    """The condition of a push of a version; a release that is published names its tag."""
    name = rules.component
    begins = [f"refs/tags/{name}/v", f"refs/tags/{name}-v"] if name else ["refs/tags/v"]
    version = " || ".join(f"startsWith(github.ref, '{one}')" for one in begins)
    event = f"({_BUILT[1:-1]} || github.event.action == 'published')"
    return f"({version}) && {event}" if name else f"{version} && {event}"


def _lines(rules: TagRules) -> Iterator[str]:
    for value, guard, family in _branches(rules):
        yield _raw(f"{rules.prefix}{value}", guard)
        for prefix, more in _markers(rules, family):
            yield _raw(f"{prefix}{rules.prefix}{value}", f"{guard} && {more}", low=True)
    part = f"{rules.component}-" if rules.prefix else ""
    yield _raw(f"nightly-{part}{_NIGHT}", "github.event_name == 'schedule'")
    yield _release(rules, rules.prefix)
    if rules.markers == "all" or (rules.markers == "needed" and rules.prefix):
        yield _release(rules, f"prod-{rules.prefix}", low=True)
    if rules.push_pull_requests:
        name = f"pr-{_NUMBER}" + (f"-{rules.component}" if rules.prefix else "")
        yield _raw(name, _PULL)
        if rules.pull_request_commits:
            yield _raw(f"{name}-{{{{sha}}}}", _PULL, low=True)
    if rules.latest == "main":
        yield _raw(f"{rules.prefix}latest", default_branch_push(), low=True)


def _branches(rules: TagRules) -> Iterator[tuple[str, str, str]]:
    """Value, guard and kind of each line for branches: main, other, feature, develop."""
    develop = [name for name in rules.develop if name != "develop"]
    named = _any_of(develop)
    others = f"{_BRANCH} && !({named})" if named else _BRANCH
    if rules.feature == "class":
        yield "feature-{{sha}}", f"{_BRANCH} && {_FEATURE}", "class"
        others += f" && !{_FEATURE}"
    if named:
        yield "develop-{{sha}}", f"{_BRANCH} && ({named})", "class"
    yield "{{branch}}-{{sha}}", others, "branch"


def _markers(rules: TagRules, kind: str) -> Iterator[tuple[str, str]]:
    """Prefix and further guard of the markers beside a line for branches."""
    if rules.markers == "none" or (kind == "class" and rules.markers == "needed"
                                   and not rules.prefix):  # fmt: skip
        return
    mains = f"({_any_of(rules.main)} || {_DEFAULT})" if rules.main else _DEFAULT
    if kind == "class":
        yield "branch-", "true"
        return
    if rules.markers == "all" or rules.prefix:
        yield "prod-", mains
        yield "branch-", f"!{mains}" if mains.startswith("(") else f"!({mains})"
        return
    plain = _any_of(("develop", *rules.main))
    yield "branch-", f"!({plain} || {_DEFAULT})"
    yield "prod-", f"{_DEFAULT} && !({plain})"


def _any_of(branches: tuple[str, ...] | list[str]) -> str:
    return " || ".join(f"github.ref == 'refs/heads/{_quoted(name)}'" for name in branches)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _release(rules: TagRules, prefix: str, *, low: bool = False) -> str:
    kind = "type=ref,event=tag"
    if rules.component:
        kind = f"type=match,pattern=^{re.escape(rules.component)}[/-](v[0-9].*)$,group=1"
    parts = [
        kind,
        *([f"prefix={prefix}"] if prefix else []),
        *([f"priority={_LOW}"] if low else []),
    ]
    return ",".join([*parts, f"enable=${{{{ {release_push(rules)} }}}}"])


def _raw(value: str, enable: str, *, low: bool = False) -> str:
    guard = enable.removesuffix(" && true")
    rank = f",priority={_LOW}" if low else ""
    return f"type=raw,value={value}{rank},enable=${{{{ {guard} }}}}"


def _cannot(rules: TagRules) -> Iterator[str]:
    if rules.latest == "newest-release":
        yield tr(
            "latest: the action knows no other version, so it cannot tell whether this one is the "
            "newest; move latest in a step of its own"
        )
    if rules.latest == "main":
        yield tr("latest: an old run that is run again moves it back")
    if rules.ladder:
        yield tr(
            "the ladder: semver lines move v2 and v2.1 with any version of the line, also backwards"
        )
    yield tr(
        "names: letters that no tag can hold become -, capitals stay; a branch in Korean gives "
        "--abc1234, and branches such as prod/x or main-x enter the production images"
    )
    yield tr("tags of the tree that are no version get no tag here")
    yield tr("what is at the registry: a second run of one commit fails at the immutable tag")
    yield tr("the commit's digits are not lengthened where two commits begin alike")
    yield tr("whether to push at all: give build-push-action the condition that is shown")
