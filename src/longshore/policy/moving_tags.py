"""Which moving tags a build takes: `latest`, and the rungs of a ladder (`v2`, `v2.1`). Pure.

`latest` means the newest stable version: once a version is tagged only the highest one moves it,
before that the default branch does. A tag never goes backwards: not by a maintenance release, not
by an old run that is run again, never by a pull request. What cannot be known is not moved.
"""

from __future__ import annotations

from collections.abc import Iterator

from longshore.policy.builds import LATEST, Build, Skipped, Tag, TagRules
from longshore.policy.slugs import is_release, release_key, release_of
from longshore.policy.versions import Version
from longshore.text import tr

_PARTS = 3


def newest_release(build: Build, rules: TagRules) -> str:
    """The highest stable version among the known ones; empty when there is none."""
    stable = [name for name in _releases(build, rules) if not release_key(name).prerelease]
    return max(stable, key=release_key, default="")


def latest_of_branch(build: Build, rules: TagRules, branch: str) -> Tag | Skipped:
    """Whether a push to a branch takes `latest`."""
    name = rules.prefix + LATEST
    if reason := _why_branch_is_not_latest(build, rules, branch):
        return Skipped(name, reason)
    if rules.latest == "main":
        return Tag(name, "moving", tr("the config lets the default branch move it"), moves=True)
    reason = tr("no version was tagged yet: until then the default branch moves it")
    return Tag(name, "moving", reason, moves=True)


def is_default(build: Build, rules: TagRules, branch: str) -> bool:
    """Whether it is the default branch, as far as that is known."""
    return branch == build.default_branch if build.default_branch else branch in rules.main


def of_release(build: Build, rules: TagRules, release: str) -> Iterator[Tag | Skipped]:
    """The moving tags of a version: `latest`, then the rungs of the ladder."""
    reason = _why_release_is_not_latest(build, rules, release)
    name = rules.prefix + LATEST
    if reason:
        yield Skipped(name, reason)
    else:
        yield Tag(name, "moving", tr("{tag} is the newest stable version", tag=release), moves=True)
    if rules.ladder:
        yield from _rungs(build, rules, release)


def is_rung(release: str, rules: TagRules) -> bool:
    """Whether a version is a name of the ladder itself: `v2`, `v2.1`."""
    return rules.ladder and release.partition("-")[0].count(".") < _PARTS - 1


def _releases(build: Build, rules: TagRules) -> list[str]:
    found = (release_of(name, rules.component) for name in build.releases or ())
    return [one for one in found if one is not None and not is_rung(one, rules)]


def _why_branch_is_not_latest(build: Build, rules: TagRules, branch: str) -> str:
    if rules.latest == "never":
        return tr("the config says that nothing is latest")
    if rules.latest == "newest-release":
        if newest := newest_release(build, rules):
            return tr("{tag} is the newest release", tag=newest)
        if not is_default(build, rules, branch):
            return tr("{branch} is not the default branch", branch=branch)
        if build.releases is None:
            return tr("whether a version was tagged is not known: {why}", why=_why(build))
    elif not is_default(build, rules, branch):
        return tr("{branch} is not the default branch", branch=branch)
    if build.attempt > 1 and build.latest_there is not False:
        return tr("an old run was run again; latest may have moved on since")
    return ""


def _why_release_is_not_latest(build: Build, rules: TagRules, release: str) -> str:
    if rules.latest != "newest-release":
        return tr("latest does not follow releases here")
    if reason := _why_unstable(build, release):
        return reason
    if build.releases is None:
        return tr(
            "whether {tag} is the newest release is not known: {why}", tag=release, why=_why(build)
        )
    newest = newest_release(build, rules)
    if newest and release_key(newest) > release_key(release):
        return tr("{tag} is the newest release", tag=newest)
    return ""


def _why_unstable(build: Build, release: str) -> str:
    is_stable = is_release(release) and not release_key(release).prerelease
    return "" if is_stable and not build.prerelease else tr("{tag} is a prerelease", tag=release)


def _rungs(build: Build, rules: TagRules, release: str) -> Iterator[Tag | Skipped]:
    version, v = release_key(release), release[: release[:1] in ("v", "V")]
    for rung in (f"{v}{version.major}.{version.minor}", f"{v}{version.major}"):
        name = rules.prefix + rung
        if reason := _why_not_on_rung(build, rules, release, rung):
            yield Skipped(name, reason)
        else:
            said = tr("{tag} is the highest version of {rung}", tag=release, rung=rung)
            yield Tag(name, "moving", said, moves=True)


def _why_not_on_rung(build: Build, rules: TagRules, release: str, rung: str) -> str:
    if reason := _why_unstable(build, release):
        return reason
    if "." not in rung and release_key(release).major == 0:
        return tr("versions before 1.0 promise nothing to each other")
    if build.releases is None:
        return tr(
            "whether {tag} is the highest version of {rung} is not known: {why}",
            tag=release, rung=rung, why=_why(build),
        )  # fmt: skip
    line = _line(release_key(release), rung)
    others = [one for one in _releases(build, rules) if _line(release_key(one), rung) == line]
    stable = [one for one in others if not release_key(one).prerelease]
    highest = max(stable, key=release_key, default="")
    if highest and release_key(highest) > release_key(release):
        return tr("{tag} is the highest version of {rung}", tag=highest, rung=rung)
    return ""


def _line(version: Version, rung: str) -> tuple[int, ...]:
    return (version.major, version.minor) if "." in rung else (version.major,)


def _why(build: Build) -> str:
    return build.why_unknown or tr("nobody looked")
