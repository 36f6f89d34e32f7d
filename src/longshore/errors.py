"""What can go wrong, as one tree. Pure.

Nothing of ours is raised outside this tree; anything else that reaches
`cli.main` is a bug (exit 70).

    LongshoreError                 exit 1    something failed
    ├── UsageError                 exit 2    the command line is wrong
    │   └── ConfigError            exit 2    every mistake of a file, each with its place
    ├── RefusedError               exit 3    a guard said no; the hint names its flag
    ├── FindingsError              exit 3    the command worked and found something
    ├── LoginError                 exit 4    log in first: none, wrong or expired credentials
    ├── PartialError               exit 5    partly done; the same command resumes
    ├── LimitError                 exit 6    a limit or quota, with the time to try again
    ├── RegistryError              exit 1    a registry said no (side, code, status)
    │   └── ContentError           exit 1    bytes that are not what their digest or size says
    ├── AwsError                   exit 1    an AWS API said no (operation, code, IAM action)
    ├── MissingExtraError          exit 1    an optional dependency is not installed
    ├── FileError                  exit 1    a local file or folder cannot be read or written
    └── InterruptedByUser          exit 130  Ctrl-C or SIGTERM; state kept

Each error has a `code`, a stable kebab-case word that `longshore explain CODE` describes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Side = Literal["source", "target"]


@dataclass(frozen=True)
class Where:
    """A place: file with line and column (both from 1), or a resource's name."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    resource: str | None = None

    def __str__(self) -> str:
        if self.file is None:
            return self.resource or ""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def as_json(self) -> dict[str, Any]:
        """`{"file", "line", "column"}` or `{"resource"}`, as INTERFACE asks."""
        if self.file is not None:
            return {"file": self.file, "line": self.line, "column": self.column}
        return {"resource": self.resource or ""}


@dataclass(frozen=True)
class Problem:
    """One mistake in a file, with its place and what to write instead."""

    where: Where
    message: str
    code: str = "config-invalid"
    hint: str = ""


class LongshoreError(Exception):
    """What happened, what to type next, and where."""

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "failed"

    def __init__(
        self, what: str, hint: str = "", *, code: str | None = None, where: Where | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.code = code or self.default_code
        self.where = where

    def details(self) -> dict[str, Any]:
        """More keys for the error's JSON object; subclasses add theirs."""
        return {}


class UsageError(LongshoreError):
    exit_code = 2
    default_code = "usage"


class ConfigError(UsageError):
    """All mistakes of one file at once."""

    default_code = "config-invalid"

    def __init__(self, problems: list[Problem], what: str = "") -> None:
        first = problems[0]
        super().__init__(what or first.message, first.hint, code=first.code, where=first.where)
        self.problems = problems

    def details(self) -> dict[str, Any]:
        return {
            "problems": [
                {"code": p.code, "message": p.message, "hint": p.hint, "where": p.where.as_json()}
                for p in self.problems
            ]
        }


class RefusedError(LongshoreError):
    exit_code = 3
    default_code = "refused"


class FindingsError(LongshoreError):
    exit_code = 3
    default_code = "findings"


class LoginError(LongshoreError):
    exit_code = 4
    default_code = "not-logged-in"


class PartialError(LongshoreError):
    exit_code = 5
    default_code = "partly-done"


class LimitError(LongshoreError):
    """A limit or quota. `retry_at` is UTC, ISO 8601, or empty when the server gave no time."""

    exit_code = 6
    default_code = "limit"

    def __init__(
        self,
        what: str,
        hint: str = "",
        *,
        retry_at: str = "",
        code: str | None = None,
        where: Where | None = None,
    ) -> None:
        super().__init__(what, hint, code=code, where=where)
        self.retry_at = retry_at

    def details(self) -> dict[str, Any]:
        return {"retry_at": self.retry_at}


class RegistryError(LongshoreError):
    """A registry refused or broke. `request` is redacted: method and path, no query, no header.

    `registry_code` is the distribution spec's error code (`MANIFEST_UNKNOWN`, ...) or "".
    `temporary` says whether the same request may work later; `retry_after_s` when the server said.
    """

    default_code = "registry-error"

    def __init__(
        self,
        what: str,
        hint: str = "",
        *,
        side: Side = "source",
        status: int = 0,
        registry_code: str = "",
        request: str = "",
        temporary: bool = False,
        retry_after_s: float | None = None,
        code: str | None = None,
        where: Where | None = None,
    ) -> None:
        super().__init__(what, hint, code=code, where=where)
        self.side: Side = side
        self.status = status
        self.registry_code = registry_code
        self.request = request
        self.temporary = temporary
        self.retry_after_s = retry_after_s

    def details(self) -> dict[str, Any]:
        return {
            "side": self.side,
            "status": self.status,
            "registry_code": self.registry_code,
            "request": self.request,
            "temporary": self.temporary,
        }


class ContentError(RegistryError):
    """Bytes that do not match their digest or size, or a document that is not what it says."""

    default_code = "digest-mismatch"


class AwsError(LongshoreError):
    """An AWS API said no. `iam_action` is what the caller must be allowed (ecr:PutImage)."""

    default_code = "aws-error"

    def __init__(
        self,
        what: str,
        hint: str = "",
        *,
        operation: str = "",
        aws_code: str = "",
        iam_action: str = "",
        temporary: bool = False,
        code: str | None = None,
        where: Where | None = None,
    ) -> None:
        super().__init__(what, hint, code=code, where=where)
        self.operation = operation
        self.aws_code = aws_code
        self.iam_action = iam_action
        self.temporary = temporary

    def details(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "aws_code": self.aws_code,
            "iam_action": self.iam_action,
        }


class MissingExtraError(LongshoreError):
    default_code = "missing-extra"


class FileError(LongshoreError):
    default_code = "file"


class InterruptedByUser(LongshoreError):
    exit_code = 130
    default_code = "interrupted"
