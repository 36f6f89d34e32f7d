"""What a registry's refusal means, and what to do about it. Pure.

One table from the distribution spec's error codes (and from statuses where a server sends no code,
as ECR's text/plain 401) to our errors. Texts of servers are shortened, freed of control characters
and of queries in addresses, for those may carry signatures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from longshore.errors import LimitError, LoginError, LongshoreError, RegistryError, Side, Where
from longshore.oci.distribution import ApiError, parse_errors
from longshore.remote.waiting import TEMPORARY, iso_time, server_wait
from longshore.text import tr

_MAX_TEXT = 400
_IAM = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")
_QUERY = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']+")
_WINDOW = re.compile(r"w=(\d+)")


@dataclass(frozen=True)
class Refused:
    """A refused request: the answer, and who asked whom for what."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request: str
    host: str
    side: Side
    repository: str = ""
    logged_in: bool = False

    @property
    def errors(self) -> list[ApiError]:
        """What the body says, if it is of the registry's form."""
        return parse_errors(self.body)

    @property
    def registry_code(self) -> str:
        """The first error's code, in capitals."""
        return self.errors[0].code.upper() if self.errors else ""

    @property
    def text(self) -> str:
        """What the server said, fit to be shown."""
        said = self.errors[0].message if self.errors else self.body.decode(errors="replace")
        return shown_text(said)


def shown_text(text: str) -> str:
    """A foreign text on one line, without control characters, long tails and signed addresses."""
    text = _QUERY.sub(r"\1?...", " ".join(text.split()))
    text = "".join(sign for sign in text if sign.isprintable())
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "..."


def is_expired(status: int, body: bytes) -> bool:
    """Whether a 403 is ECR's way to say that the token has run out."""
    return status == 403 and b"authorization token has expired" in body.lower()


def refusal(refused: Refused, now: float) -> LongshoreError:
    """The error that an answer stands for. `now` is unix time."""
    if refused.status == 429 or refused.registry_code == "TOOMANYREQUESTS":
        return _limit(refused, now)
    if refused.status == 401 or refused.registry_code == "UNAUTHORIZED":
        return _login(refused)
    if is_expired(refused.status, refused.body):
        return LoginError(
            tr("the login to {host} has expired", host=refused.host),
            tr("log in again: longshore login"),
            code="token-expired",
            where=_where(refused),
        )
    code, what, hint = _explain(refused)
    return RegistryError(
        f"{what}: {refused.text}" if refused.text else what,
        hint,
        side=refused.side,
        status=refused.status,
        registry_code=refused.registry_code,
        request=refused.request,
        temporary=refused.status in TEMPORARY or code in _LOST,
        retry_after_s=server_wait(refused.headers, now),
        code=code,
        where=_where(refused),
    )


_LOST = {"upload-lost", "upload-invalid"}


def _where(refused: Refused) -> Where:
    name = f"{refused.host}/{refused.repository}" if refused.repository else refused.host
    return Where(resource=name)


def _limit(refused: Refused, now: float) -> LimitError:
    wait = server_wait(refused.headers, now)
    text = refused.text.lower()
    if "pull rate limit" in text:
        if wait is None:
            window = _WINDOW.search(refused.headers.get("ratelimit-limit") or "")
            wait = float(window[1]) if window else None
        return LimitError(
            tr("the pull limit of {host} is used up", host=refused.host),
            tr("log in to that registry for a higher limit, or run the command again later"),
            retry_at="" if wait is None else iso_time(now + wait),
            code="hub-pull-limit",
            where=_where(refused),
        )
    return LimitError(
        tr("{host} says: too many requests ({text})", host=refused.host, text=refused.text),
        tr("run the same command again later; it resumes"),
        retry_at="" if wait is None else iso_time(now + wait),
        code="too-many-requests",
        where=_where(refused),
    )


def _login(refused: Refused) -> LoginError:
    name = str(_where(refused))
    if refused.logged_in:
        return LoginError(
            tr("{host} refuses the credentials given for it", host=refused.host),
            tr("log in again, or ask for access to {name}", name=name),
            code="login-refused",
            where=_where(refused),
        )
    return LoginError(
        tr("{name} needs a login, or does not exist", name=name),
        tr("check the name, then log in: docker login {host}", host=refused.host),
        code="not-logged-in",
        where=_where(refused),
    )


def _explain(refused: Refused) -> tuple[str, str, str]:
    """Code, sentence and hint, by the registry's code, else by the status."""
    if refused.registry_code in ("DENIED",) or refused.status == 403:
        return _denied(refused)
    name = str(_where(refused))
    by_code = _by_code(refused.registry_code, name, "immutable" in refused.text.lower())
    if by_code is not None:
        return by_code
    if refused.registry_code == "UNSUPPORTED" or refused.status in (405, 415):
        return _unsupported(refused, name)
    return _by_status(refused, name)


def _by_code(registry_code: str, name: str, immutable: bool) -> tuple[str, str, str] | None:
    if registry_code == "NAME_UNKNOWN":
        return _no_repository(name)
    if registry_code == "TAG_INVALID" and immutable:
        return (
            "tag-immutable",
            tr("a tag of {name} exists already and may not be moved", name=name),
            tr("use a new tag, or except this one from immutability in longshore.yaml"),
        )
    again = tr("run the same command again")
    table = {
        "MANIFEST_UNKNOWN": (
            "manifest-not-found",
            tr("{name} has no such tag or manifest", name=name),
            tr("list what is there: longshore tags ls {name}", name=name),
        ),
        "BLOB_UNKNOWN": ("blob-not-found", tr("{name} has no such blob", name=name), again),
        "BLOB_UPLOAD_UNKNOWN": ("upload-lost", tr("{name} lost an upload", name=name), again),
        "BLOB_UPLOAD_INVALID": (
            "upload-invalid",
            tr("{name} refused a part of an upload", name=name),
            again,
        ),
        "DIGEST_INVALID": (
            "digest-invalid",
            tr("the bytes that {name} received have another digest", name=name),
            tr("a proxy may change what is sent; run the same command again"),
        ),
        "MANIFEST_BLOB_UNKNOWN": (
            "manifest-blob-unknown",
            tr("{name} lacks what the manifest refers to", name=name),
            again,
        ),
        "MANIFEST_INVALID": (
            "manifest-invalid",
            tr("{name} does not take this manifest", name=name),
            tr("leave the tag out, or rebuild the image with a current docker"),
        ),
        "NAME_INVALID": (
            "name-invalid",
            tr("{name} is not a name that this registry takes", name=name),
            tr("choose another target name"),
        ),
        "TAG_INVALID": (
            "tag-invalid",
            tr("{name} does not take this tag", name=name),
            tr("choose another tag"),
        ),
        "SIZE_INVALID": _too_large(name),
    }
    return table.get(registry_code)


def _no_repository(name: str) -> tuple[str, str, str]:
    return (
        "repository-not-found",
        tr("there is no repository {name}", name=name),
        tr("check the name; for ECR, create it: longshore repo create"),
    )


def _too_large(name: str) -> tuple[str, str, str]:
    return (
        "too-large",
        tr("this is larger than {name} takes", name=name),
        tr("split the layer or leave the tag out; a proxy before the registry may limit sizes"),
    )


def _denied(refused: Refused) -> tuple[str, str, str]:
    action = _IAM.search(refused.text)
    if action is not None:
        hint = tr("allow the caller {action}, in an IAM policy", action=action[1])
    elif refused.logged_in:
        hint = tr("this account may not do that; ask the owner of the repository")
    else:
        hint = tr("log in first: docker login {host}", host=refused.host)
    return "denied", tr("{name} denies access", name=_where(refused)), hint


def _unsupported(refused: Refused, name: str) -> tuple[str, str, str]:
    if refused.request.startswith("PUT") and "/manifests/" in refused.request:
        return (
            "unsupported-media-type",
            tr("{name} does not take a manifest of this kind", name=name),
            tr("leave referrers out (referrers: false), or rebuild with standard media types"),
        )
    return (
        "unsupported",
        tr("{host} cannot do this", host=refused.host),
        tr("the registry lacks this part of the protocol"),
    )


def _by_status(refused: Refused, name: str) -> tuple[str, str, str]:
    again = tr("run the same command again")
    if refused.status == 404:
        if "/blobs/uploads/" in refused.request:
            return "upload-lost", tr("{name} lost an upload", name=name), again
        if "/blobs/" in refused.request:
            return "blob-not-found", tr("{name} has no such blob", name=name), again
        if "/manifests/" in refused.request:
            hint = tr("list what is there: longshore tags ls {name}", name=name)
            return "manifest-not-found", tr("{name} has no such tag or manifest", name=name), hint
        return _no_repository(name)
    if refused.status == 413:
        return _too_large(name)
    if refused.status == 416:
        return "upload-invalid", tr("{name} refused a part of a blob", name=name), again
    if refused.status >= 500:
        return (
            "registry-broken",
            tr("{host} failed with status {status}", host=refused.host, status=refused.status),
            tr("run the same command again later; it resumes"),
        )
    return (
        "registry-error",
        tr("{host} answered with status {status}", host=refused.host, status=refused.status),
        tr("look at the registry's own log, or run with --verbose"),
    )
