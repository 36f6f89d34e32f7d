"""Mistakes in the policies of users and roles: too wide, on the wrong ARN, half of the work. Pure.

Only Allow statements are judged; a Deny takes away, and is not asked why.
"""

from __future__ import annotations

from collections.abc import Iterator

from longshore.policy.access.check_subject import (
    Asked,
    Finding,
    Home,
    Severity,
    Subject,
    one_or_list,
    paste,
    written,
)
from longshore.policy.access.document import Statement
from longshore.policy.access.ecr_actions import (
    ANYWHERE,
    GUARDED,
    IMPORT,
    PULL,
    PUT,
    READS,
    SCOPED,
    TOKEN,
    UPLOAD,
    covered,
    is_ecr,
)
from longshore.policy.access.roles import actions_of
from longshore.policy.access.wildcards import matches_action
from longshore.text import tr

_EVERYTHING = ("*", "*:*")
_TAG_KEYS = ("aws:resourcetag/", "ecr:resourcetag/", "aws:requesttag/")
# Prefixes that AWS's console and documentation give pull-through rules.
_CACHE_NAMES = (
    *("docker-hub", "dockerhub", "docker.io", "ecr-public", "quay", "quay.io", "ghcr", "ghcr.io"),
    *("github", "gitlab", "kubernetes", "registry.k8s.io", "k8s", "azure", "chainguard"),
)


def check_identity(subject: Subject, asked: Asked) -> Iterator[Finding]:
    """All findings about one policy of a user or role."""
    allows = [one for one in subject.document.statements if one.effect == "Allow"]
    for statement in allows:
        if statement.not_actions or statement.not_resources:
            continue
        yield from _wide_actions(statement, asked)
        yield from _any_resource(statement, asked)
        yield from _odd_arns(statement, asked.home)
    yield from _needs_any_resource(allows)
    yield from _half_a_push(allows)
    yield from _half_a_pull(allows)
    yield from _cache_without_import(allows, asked)


def about_ecr(statement: Statement) -> frozenset[str]:
    """The actions of ECR that a statement covers."""
    return frozenset().union(*(covered(one) for one in statement.actions))


def on_everything(statement: Statement) -> bool:
    """Whether the resources include every repository of every account."""
    return any(_is_everything(one) for one in statement.resources)


def allowed_by(statements: list[Statement]) -> frozenset[str]:
    """The ECR actions that any of the statements allows somewhere."""
    found = (about_ecr(one) for one in statements if not one.not_actions)
    return frozenset().union(*found)


# --- too wide -------------------------------------------------------------------------------------


def _wide_actions(statement: Statement, asked: Asked) -> Iterator[Finding]:
    for pattern in statement.actions:
        if "*" not in pattern and "?" not in pattern:
            continue
        everything = pattern in _EVERYTHING or pattern.lower() == "ecr:*"
        guarded = sorted(covered(pattern) & GUARDED)
        if not everything and (not is_ecr(pattern) or not guarded):
            continue
        severity: Severity = "medium"
        if everything and (pattern in _EVERYTHING or on_everything(statement)):
            severity = "high"
        message = tr(
            "{pattern} allows {count} actions of ECR, {example} among them",
            pattern=pattern,
            count=len(covered(pattern)),
            example="ecr:BatchDeleteImage" if everything else guarded[0],
        )
        fix = _narrower(statement, pattern, asked, everything=everything)
        yield Finding("iam-wide-action", severity, f"{statement.path}.Action", message, fix)


def _narrower(statement: Statement, pattern: str, asked: Asked, *, everything: bool) -> str:
    """The statement with the actions of the role's work, or the harmless ones of the pattern."""
    wanted = actions_of(asked.role or "push") if everything else covered(pattern) - GUARDED
    wanted = frozenset(one for one in wanted if is_ecr(one))
    if asked.role and not everything:
        wanted &= actions_of(asked.role)
    kept = {one for one in statement.actions if one != pattern}
    actions = sorted((wanted & SCOPED) | kept)
    parts = []
    if everything and TOKEN in wanted:
        parts.append({"Effect": "Allow", "Action": TOKEN, "Resource": "*"})
    resources = asked.home.arns() if on_everything(statement) else None
    more = {"Resource": resources} if resources else {}
    if not actions:
        return tr("take {pattern} out", pattern=pattern)
    return paste(*parts, written(statement, Action=one_or_list(actions), **more))


def _any_resource(statement: Statement, asked: Asked) -> Iterator[Finding]:
    if not on_everything(statement) or _is_limited_by_tags(statement):
        return
    scoped = about_ecr(statement) & SCOPED
    if not scoped:
        return
    writes = sorted(scoped - READS)
    message = tr(
        "{action} is allowed on every repository of every account that lets it",
        action=writes[0] if writes else sorted(scoped)[0],
    )
    keep = [one for one in statement.actions if covered(one) & SCOPED or not covered(one)]
    parts = [written(statement, Action=one_or_list(keep), Resource=asked.home.arns())]
    apart = sorted(
        one for one in statement.actions if covered(one) & ANYWHERE and not covered(one) & SCOPED
    )
    if apart:
        sid = f"{statement.sid}Registry" if statement.sid else None
        parts.insert(0, written(statement, Sid=sid, Action=one_or_list(apart), Resource="*"))
    fix = paste(*parts)
    wild = [one for one in statement.actions if one in _EVERYTHING or one.lower() == "ecr:*"]
    if wild:
        fix = _narrower(statement, wild[0], asked, everything=True)
    severity: Severity = "medium" if writes else "low"
    yield Finding("iam-any-resource", severity, f"{statement.path}.Resource", message, fix)


def _is_limited_by_tags(statement: Statement) -> bool:
    return any(one.key.lower().startswith(_TAG_KEYS) for one in statement.conditions)


def _is_everything(resource: str) -> bool:
    if resource == "*":
        return True
    parts = resource.split(":", 5)
    if not resource.startswith("arn:") or len(parts) < 3 or parts[2] not in ("ecr", "*", "ecr*"):
        return False
    if len(parts) < 6:
        return parts[-1].endswith("*")
    return parts[4] == "*" and parts[5] in ("*", "repository/*", "repository*")


# --- on the wrong ARN -----------------------------------------------------------------------------


def _odd_arns(statement: Statement, home: Home) -> Iterator[Finding]:
    if not all(is_ecr(one) for one in statement.actions):
        return
    for resource in statement.resources:
        wanted = _repository_arn(resource, home)
        if wanted is None:
            continue
        message = tr(
            "{resource} is no ARN of a repository, so the statement allows nothing on it",
            resource=resource,
        )
        put = [wanted if one == resource else one for one in statement.resources]
        fix = paste(written(statement, Resource=one_or_list(put)))
        yield Finding("iam-not-a-repository", "high", f"{statement.path}.Resource", message, fix)


def _repository_arn(resource: str, home: Home) -> str | None:
    """What was meant by a resource that no repository has; None when one can have it."""
    if "${" in resource or resource == "*" or _is_everything(resource):
        return None
    if not resource.startswith("arn:"):
        return home.arn(resource.partition("/")[2] or resource.partition(":")[0])
    parts = resource.split(":", 5)
    if len(parts) < 6:
        found = parts + ["*"] * (5 - len(parts))
        return _joined(found[:5], "*" if len(home.repositories) != 1 else home.repositories[0])
    name = parts[5]
    is_place = bool(parts[3]) and bool(parts[4]) and parts[2] in ("ecr", "*")
    if is_place and (name.startswith(("repository/", "*"))):
        return None
    if is_place and name.startswith("repository") and name.endswith("*"):
        return None
    for wrong in ("repository/", "repository:", "registry/", "registry:", "repo/", "image/"):
        name = name.removeprefix(wrong)
    filled = [*parts[:2], "ecr", parts[3] or home.region or "*", parts[4] or home.account or "*"]
    return _joined(filled, name or "*")


def _joined(begin: list[str], name: str) -> str:
    return ":".join([*begin, f"repository/{name}"])


def _needs_any_resource(allows: list[Statement]) -> Iterator[Finding]:
    """Rights that know no resource, on a repository's ARN: they are never given."""
    given = frozenset().union(*(about_ecr(one) for one in allows if "*" in one.resources))
    for statement in allows:
        if not statement.resources or "*" in statement.resources or statement.not_actions:
            continue
        named = [one for one in statement.actions if covered(one) and covered(one) <= ANYWHERE]
        lost = sorted(frozenset().union(*(covered(one) for one in named)) - given)
        if not lost:
            continue
        rest = [one for one in statement.actions if one not in named]
        alone = {"Effect": "Allow", "Action": one_or_list(lost), "Resource": "*"}
        parts = [alone]
        if rest:
            parts.append(written(statement, Action=one_or_list(rest)))
        token = TOKEN in lost
        message = (
            tr("GetAuthorizationToken knows no repository: limited to one, every login is refused")
            if token
            else tr("{action} knows no repository: limited to one, it is refused", action=lost[0])
        )
        code = "iam-token-on-repository" if token else "iam-needs-any-resource"
        severity: Severity = "high" if token else "medium"
        yield Finding(code, severity, f"{statement.path}.Resource", message, paste(*parts))


# --- half of the work -----------------------------------------------------------------------------


def _half_a_push(allows: list[Statement]) -> Iterator[Finding]:
    allowed = allowed_by(allows)
    pushes = next((one for one in allows if about_ecr(one) & UPLOAD), None)
    if pushes is None or pushes.not_actions:
        return
    missing = sorted((UPLOAD | PULL - {"ecr:GetDownloadUrlForLayer"} | {PUT}) - allowed)
    if not missing:
        return
    forgotten = "ecr:BatchGetImage" in missing
    message = (
        tr("a push first asks whether the image is there, and without BatchGetImage is refused")
        if forgotten
        else tr("a push needs {actions} too", actions=", ".join(missing))
    )
    code = "iam-push-without-get" if forgotten else "iam-half-a-push"
    yield Finding(code, "medium", f"{pushes.path}.Action", message, _with(pushes, missing))


def _half_a_pull(allows: list[Statement]) -> Iterator[Finding]:
    allowed = allowed_by(allows)
    layer = "ecr:GetDownloadUrlForLayer"
    pulls = next((one for one in allows if layer in one.actions), None)
    if pulls is None or pulls.not_actions or allowed & UPLOAD or "ecr:BatchGetImage" in allowed:
        return
    missing = ["ecr:BatchGetImage"]
    message = tr("layers may be fetched, but not the manifest that names them")
    fix = _with(pulls, missing)
    yield Finding("iam-half-a-pull", "medium", f"{pulls.path}.Action", message, fix)


def _with(statement: Statement, missing: list[str]) -> str:
    actions = sorted({*statement.actions, *missing})
    return paste(written(statement, Action=one_or_list(actions)))


def _cache_without_import(allows: list[Statement], asked: Asked) -> Iterator[Finding]:
    if any(matches_action(one, IMPORT) for each in allows for one in each.actions):
        return
    known = tuple(one.rstrip("/") for one in asked.caches) or _CACHE_NAMES
    for statement in allows:
        if statement.not_actions or "ecr:BatchGetImage" not in about_ecr(statement):
            continue
        for resource in statement.resources:
            name = resource.partition(":repository/")[2]
            prefix = next((one for one in known if name.startswith(f"{one}/")), "")
            if not prefix:
                continue
            message = tr(
                "{prefix}/ is a pull-through cache: without BatchImportUpstreamImage the first "
                "pull of each image is refused",
                prefix=prefix,
            )
            yield Finding(
                "iam-cache-without-import",
                "medium",
                f"{statement.path}.Action",
                message,
                _with(statement, [IMPORT]),
            )
            return
