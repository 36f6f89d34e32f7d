"""What `iam check` looks at: policies in files and folders, or those that AWS holds. I/O.

A file holds a policy, or an answer of the AWS CLI with one in it (get-repository-policy,
get-role-policy, get-role, get-policy-version). In a folder, JSON files that hold no policy are
passed over and named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from longshore.cli import wiring
from longshore.errors import AwsError, FileError, UsageError, Where
from longshore.policy.access.check_subject import Finding, Kind, Subject, kind_of
from longshore.policy.access.document import DocumentRefused, read_document
from longshore.policy.lifecycle.places import line_and_column, nearest_place, places_of
from longshore.text import tr

_MAX_BYTES = 1024 * 1024
# Where answers of the AWS CLI, and of `longshore iam policy --json`, have the document.
_WRAPPERS: tuple[tuple[tuple[str, ...], Kind | None], ...] = (
    (("PolicyDocument",), None),
    (("PolicyVersion", "Document"), None),
    (("Role", "AssumeRolePolicyDocument"), "trust"),
    (("AssumeRolePolicyDocument",), "trust"),
    (("policy",), None),
)


@dataclass(frozen=True)
class Source:
    """Where a policy was read: a file with its text, or what AWS calls it."""

    name: str
    text: str = ""
    prefix: str = ""
    is_file: bool = False

    def where(self, path: str) -> Where:
        """The place of a member of the policy."""
        if not self.is_file:
            return Where(resource=f"{self.name}: {path}" if path else self.name)
        whole = ".".join(part for part in (self.prefix, path) if part)
        try:
            places = places_of(self.text)
        except (ValueError, IndexError):
            places = {}
        return Where(self.name, *line_and_column(self.text, nearest_place(places, whole)))


@dataclass(frozen=True)
class Missed:
    """Something that could not be looked at, and why."""

    name: str
    why: str


@dataclass
class Gathered:
    """Policies with their sources, findings about texts that are none, what was not looked at."""

    subjects: list[Subject] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    refused: list[tuple[Source, Finding]] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    def add(self, source: Source, value: Any, kind: Kind | None, repository: str = "") -> None:
        """A decoded document; a text that is no policy becomes findings."""
        try:
            document = read_document(value, source.name)
        except DocumentRefused as error:
            for flaw in error.flaws:
                fix = tr("correct this member; IAM refuses the whole policy")
                finding = Finding("iam-policy-invalid", "high", flaw.path, flaw.message, fix)
                self.refused.append((source, finding))
            return
        least = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
        size = least if source.prefix or not source.is_file else len(source.text.strip())
        subject = Subject(source.name, kind or kind_of(document), document, size, least, repository)
        self.subjects.append(subject)
        self.sources[source.name] = source


def read_files(paths: Sequence[str], kind: Kind | None, found: Gathered) -> None:
    """Policies of files and folders. Raises FileError for a path that is not there."""
    for path in dict.fromkeys(paths):
        place = Path(path)
        if place.is_dir():
            for file in _json_files(place):
                _read_file(str(file), kind, found, chosen=False)
        else:
            _read_file(path, kind, found, chosen=True)


def _json_files(folder: Path) -> Iterator[Path]:
    for one in sorted(folder.rglob("*.json")):
        inner = one.relative_to(folder).parts
        if one.is_file() and not any(part.startswith(".") or part == "node_modules"
                                     for part in inner):  # fmt: skip
            yield one


def _read_file(name: str, kind: Kind | None, found: Gathered, *, chosen: bool) -> None:
    try:
        text = _text_of(name)
        value = json.loads(text)
    except FileError as error:
        if chosen:
            raise
        found.missed.append(Missed(name, error.what))
        return
    except (ValueError, RecursionError) as error:
        why = tr("it is not JSON: {why}", why=error)
        if not chosen:
            found.missed.append(Missed(name, why))
            return
        fix = tr("name a file with a policy as JSON; what templates make must be rendered first")
        source = Source(name, text, is_file=True)
        found.refused.append((source, Finding("iam-policy-invalid", "high", "", why, fix)))
        return
    prefix, document, known, repository = unwrapped(value)
    if not chosen and not (isinstance(document, dict) and "Statement" in document):
        found.passed_over.append(name)
        return
    found.add(Source(name, text, prefix, is_file=True), document, kind or known, repository)


def unwrapped(value: Any) -> tuple[str, Any, Kind | None, str]:
    """The document inside an answer of the AWS CLI: where, what, its kind, whose repository's."""
    if not isinstance(value, dict) or "Statement" in value:
        return "", value, None, ""
    if isinstance(text := value.get("policyText"), str):
        name = value.get("repositoryName")
        kind: Kind = "repository" if name else "registry"
        try:
            return "policyText", json.loads(text), kind, str(name or "")
        except (ValueError, RecursionError):
            return "policyText", None, kind, str(name or "")
    for path, known in _WRAPPERS:
        inner: Any = value
        for part in path:
            inner = inner.get(part) if isinstance(inner, Mapping) else None
        if isinstance(inner, dict):
            return ".".join(path), inner, known, ""
    return "", value, None, ""


def _text_of(name: str) -> str:
    try:
        with Path(name).open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise FileError(
            tr("{file} cannot be read: {why}", file=name, why=error.strerror or error),
            tr("name a file or folder with policies as JSON"),
            where=Where(file=name),
        ) from None
    if len(content) > _MAX_BYTES:
        raise FileError(tr("{file} is too large for a policy", file=name), where=Where(file=name))
    return content.decode("utf-8", "replace")


# --- from AWS -------------------------------------------------------------------------------------


def read_repositories(target: wiring.OpenTarget, names: Sequence[str], found: Gathered) -> None:
    """Repository policies of the target; of those named, or of all. Raises AwsError."""
    chosen = list(dict.fromkeys(names))
    if not chosen:
        chosen = sorted(seen.name for seen in target.ecr.describe_repositories())
    for name in chosen:
        try:
            text = target.ecr.get_repository_policy(name)
        except AwsError as error:
            found.missed.append(Missed(name, error.what))
            continue
        if text is not None:
            source = Source(tr("policy of {name}", name=name), text)
            found.add(source, _decoded(text), "repository", name)


def read_roles(target: wiring.OpenTarget, names: Sequence[str], found: Gathered) -> list[str]:
    """Policies of roles; what may not be read is missed. Returns the roles' ARNs."""
    from longshore.remote.iam import read_role

    arns: list[str] = []
    for name in dict.fromkeys(names):
        try:
            held, unread = read_role(target.session, name)
        except AwsError as error:
            found.missed.append(Missed(name, error.what))
            continue
        found.missed += [Missed(one.name, one.why) for one in unread]
        for one in held:
            found.add(Source(one.name, one.text), _decoded(one.text), one.kind)
            arns.append(one.arn)
    return list(dict.fromkeys(arns))


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def with_repository(found: Gathered, names: Sequence[str]) -> None:
    """Repository policies of files belong to the one repository that is named."""
    if len(names) != 1:
        return
    found.subjects[:] = [
        replace(one, repository=names[0])
        if one.kind == "repository" and not one.repository
        else one
        for one in found.subjects
    ]


def need_something(paths: Sequence[str], live: bool) -> None:
    """Raise UsageError when nothing is named."""
    if not paths and not live:
        raise UsageError(
            tr("it is not said which policies to check"),
            tr("name files or a folder; or --live for the repositories' at the target"),
            code="no-policy",
        )
