"""Names of repositories in ECR: which are taken, and what an image should be called there. Pure.

Rules: ECR API `RepositoryName` (2 to 256 characters; since 2026-02 the OCI pattern, so `__` and
runs of `-` may separate). A refused name comes with its reason and a legal one to use instead.

>>> check_name("acme/Shop")
NameVerdict(name='acme/Shop', legal=False, reason='upper-case letters: S', suggestion='acme/shop')
>>> from longshore.oci.reference import parse_reference
>>> suggest_name(parse_reference("docker.io/library/node:18"))
'node'
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from longshore.oci.reference import Reference
from longshore.text import tr

MIN_LENGTH = 2
MAX_LENGTH = 256
FALLBACK = "image"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")
_FOREIGN = re.compile(r"[^a-z0-9._/-]")


@dataclass(frozen=True)
class NameVerdict:
    """Whether ECR takes the name; if not, why not and which legal name is nearest."""

    name: str
    legal: bool
    reason: str = ""
    suggestion: str = ""


def check_name(name: str) -> NameVerdict:
    """Judge a repository name by ECR's rules."""
    reason = _why_refused(name)
    if not reason:
        return NameVerdict(name, legal=True)
    return NameVerdict(name, legal=False, reason=reason, suggestion=make_legal(name))


def suggest_name(image: Reference) -> str:
    """The ECR name for an image: its path, without Docker Hub's `library/`."""
    path = image.repository
    if image.is_hub:
        path = path.removeprefix("library/")
    return make_legal(path)


def suggest_names(images: Iterable[Reference]) -> dict[str, str]:
    """An ECR name for each `registry/repository`; the registry goes in front where two collide."""
    names = {image.name: image for image in sorted(images)}
    taken = Counter(suggest_name(image) for image in names.values())
    chosen: dict[str, str] = {}
    for name, image in names.items():
        short = suggest_name(image)
        wanted = short if taken[short] == 1 or image.is_hub else make_legal(name)
        chosen[name] = _first_free(wanted, set(chosen.values()))
    return chosen


def make_legal(name: str) -> str:
    """The nearest name that ECR takes; a legal name stays as it is."""
    if not _why_refused(name):
        return name
    parts = [_make_component(part) for part in name.lower().split("/")]
    legal = "/".join(part for part in parts if part)[:MAX_LENGTH].rstrip("._-/")
    return legal if len(legal) >= MIN_LENGTH else f"{FALLBACK}-{legal}".rstrip("-")


def _make_component(text: str) -> str:
    text = _FOREIGN.sub("-", text)
    text = re.sub(r"[._-]*\.[._-]*", ".", text)
    text = re.sub(r"_{3,}", "__", text)
    text = re.sub(r"[_-]*-_[_-]*|[_-]*_-[_-]*", "-", text)
    return text.strip("._-")


def _first_free(name: str, taken: set[str]) -> str:
    candidate, count = name, 2
    while candidate in taken:
        candidate = make_legal(f"{name[: MAX_LENGTH - 8]}-{count}")
        count += 1
    return candidate


def _why_refused(name: str) -> str:
    if not name:
        return tr("it is empty")
    if upper := "".join(dict.fromkeys(re.findall("[A-Z]", name))):
        return tr("upper-case letters: {letters}", letters=upper)
    if foreign := "".join(dict.fromkeys(_FOREIGN.findall(name))):
        return tr("characters that are not a-z, 0-9, '.', '_', '-' or '/': {found}", found=foreign)
    if name.startswith("/") or name.endswith("/") or "//" in name:
        return tr("an empty part between slashes")
    if not MIN_LENGTH <= len(name) <= MAX_LENGTH:
        return tr(
            "{length} characters; {least} to {most} are allowed",
            length=len(name),
            least=MIN_LENGTH,
            most=MAX_LENGTH,
        )
    if not _NAME.match(name):
        return tr("each part begins and ends with a letter or digit, with one separator between")
    return ""
