"""Which image a person means: repository:tag, a digest, the beginning of one, a reference. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.lifecycle_inputs import Asked, Inputs, Subject, gather
from longshore.cli.lifecycle_view import name_of
from longshore.cli.typeset import nearest, short_digest
from longshore.errors import RegistryError, UsageError, Where
from longshore.facts import ImageSeen
from longshore.oci.reference import DEFAULT_TAG
from longshore.policy.lifecycle.chain import find_images
from longshore.text import tr


@dataclass(frozen=True)
class _Wanted:
    """What was typed: `host` and `repository` may be missing, `image` is a tag or digest."""

    host: str
    repository: str
    image: str


def look_up(app: App, text: str, asked: Asked) -> tuple[Inputs, Subject, ImageSeen]:
    wanted = _split(text)
    if asked.images is not None:
        inputs = gather(app, asked)
        (subject,) = inputs.subjects
        there = find_images(subject.images, text.strip()) or find_images(
            subject.images, wanted.image
        )
        return inputs, subject, _only_one(there, text, subject, live=False)
    if not wanted.repository:
        raise UsageError(
            tr("'{text}' names no repository", text=text),
            tr("write repository:tag or repository@digest, or add --images FILE"),
            code="no-such-image",
        )
    if wanted.host:
        _check_host(app, wanted.host, text, asked)
    inputs = gather(app, asked, [wanted.repository])
    (subject,) = inputs.subjects
    there = find_images(subject.images, wanted.image)
    return inputs, subject, _only_one(there, wanted.image, subject, live=True)


def _check_host(app: App, host: str, text: str, asked: Asked) -> None:
    target = wiring.open_target(app.settings, app.environ, region=asked.region)
    registry = target.endpoint.registry
    if host != registry:
        raise UsageError(
            tr("{host} is not the target's registry, {registry}", host=host, registry=registry),
            tr("choose the target with --target NAME, or name the repository alone"),
            code="no-such-image",
            where=Where(resource=text),
        )


def _split(text: str) -> _Wanted:
    """Host, repository and tag or digest.

    >>> _split("127.0.0.1:5000/team/shop:v1")
    _Wanted(host='127.0.0.1:5000', repository='team/shop', image='v1')
    >>> _split("shop@sha256:0123456789")
    _Wanted(host='', repository='shop', image='sha256:0123456789')
    """
    rest, host = text.strip(), ""
    first, slash, behind = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, rest = first, behind
    name, at, digest = rest.partition("@")
    if at:
        return _Wanted(host, name.partition(":")[0], digest)
    name, colon, tag = rest.partition(":")
    if name == "sha256":
        return _Wanted(host, "", rest)
    return _Wanted(host, name, tag if colon else DEFAULT_TAG)


def _only_one(found: Sequence[ImageSeen], text: str, subject: Subject, *, live: bool) -> ImageSeen:
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{short_digest(one.digest)} {name_of(one, 24)}" for one in found[:5])
        raise UsageError(
            tr("'{text}' means {count} images: {names}", text=text, count=len(found), names=names),
            tr("write more of the digest"),
            code="no-such-image",
            where=Where(resource=subject.name),
        )
    tags = sorted(tag for image in subject.images for tag in image.tags)
    meant = nearest(text, tags)
    what = tr("{name} has no image {text}", name=subject.name, text=text)
    if live:
        hint = tr("list what is there: longshore tags ls {repository}", repository=subject.name)
        hint = tr("did you mean {name}?", name=f"{subject.name}:{meant}") if meant else hint
        where = Where(resource=subject.name)
        raise RegistryError(
            what, hint, side="target", status=404, code="manifest-not-found", where=where
        )
    hint = tr("name a tag, a digest, or at least its first 6 hex digits")
    hint = tr("did you mean {name}?", name=meant) if meant else hint
    raise UsageError(what, hint, code="no-such-image", where=Where(resource=subject.name))
