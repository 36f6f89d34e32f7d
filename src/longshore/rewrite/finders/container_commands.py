"""What the docker, podman, nerdctl and finch command lines name. Pure.

Tables of options say which take a value, so that the first bare word after `docker run` is
the image and nothing else.

Sources: docs.docker.com/reference/cli, docs.podman.io, github.com/containerd/nerdctl
`docs/command-reference.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from longshore.rewrite.finders import container_options as options
from longshore.rewrite.finders.command_options import (
    Line,
    looks_like_image,
    may_be_image,
    read_line,
)
from longshore.rewrite.finders.container_options import names
from longshore.rewrite.finders.official import is_official
from longshore.rewrite.mentions import OPEN, Role
from longshore.rewrite.syntax.shell_values import Field


@dataclass(frozen=True)
class Named:
    """One image that a command names. `server` is a registry, not an image.

    `value` is the image's whole name where the field holds only a part of it.
    """

    field: Field
    role: Role
    built: bool = False
    server: bool = False
    value: str | None = None


Reader = Callable[[Sequence[Field]], Iterator[Named]]


def container_command(fields: Sequence[Field]) -> Iterator[Named]:
    """What `docker …` names; `fields[0]` is the program."""
    line = read_line(
        fields[1:], options.GLOBAL_VALUED, ("D", "debug", "tls", "r", "remote"), first_only=True
    )
    words = line.words
    if not words:
        return
    name, rest = words[0].text, words[1:]
    if name in _GROUPS and rest:
        rest = read_line(rest, ("builder",), ("D", "debug"), first_only=True).words
        name, rest = (f"{name} {rest[0].text}", rest[1:]) if rest else (name, rest)
    if name == "login":
        yield from login(fields, words[0], rest)
        return
    reader = _READERS.get(name)
    if reader is not None:
        yield from reader(rest)


def image(one: Field, role: Role, line: Line | None = None) -> Iterator[Named]:
    """A field as an image, if it can be one; after an unknown option only if it looks like one."""
    wanted = looks_like_image if line is not None and line.doubtful else may_be_image
    kept = one.only(wanted)
    if kept.values:
        yield Named(kept, role)


def _run(fields: Sequence[Field]) -> Iterator[Named]:
    line = read_line(fields, options.RUN_VALUED, options.RUN_FLAGS, first_only=True)
    if any(name == "rootfs" for name, _ in line.options):
        return
    if line.words:
        yield from image(line.words[0], "pull", line)


def _service(fields: Sequence[Field]) -> Iterator[Named]:
    line = read_line(fields, options.SERVICE_VALUED, options.SERVICE_FLAGS, first_only=True)
    given = line.of("image")
    for one in given or line.words[:1]:
        yield from image(one, "pull", line)


def _service_update(fields: Sequence[Field]) -> Iterator[Named]:
    for one in read_line(fields, options.SERVICE_VALUED, options.SERVICE_FLAGS).of("image"):
        yield from image(one, "pull")


def _pull(fields: Sequence[Field]) -> Iterator[Named]:
    for one in read_line(fields, options.PULL_VALUED, options.PULL_FLAGS).words:
        yield from image(transportless(one), "pull")


def _push(fields: Sequence[Field]) -> Iterator[Named]:
    words = read_line(fields, options.PUSH_VALUED, options.PULL_FLAGS).words
    for one in words[-1:] if len(words) > 1 else words:
        yield from image(transportless(one), "push")
        return


def transportless(one: Field) -> Field:
    """The field without `docker://` or `docker-daemon:` in front."""
    for prefix in ("docker://", "docker-daemon:", "containers-storage:"):
        if one.text.startswith(prefix):
            return one.after(len(prefix))
    return one


def build(fields: Sequence[Field]) -> Iterator[Named]:
    """`docker build`, `buildx build`, `podman build`, `buildah bud`."""
    line = read_line(fields, options.BUILD_VALUED, options.BUILD_FLAGS)
    given = {name for name, _ in line.options}
    outputs = [one.text for one in line.of("output", "o")]
    pushed = "push" in given or any("push=true" in one or "type=registry" in one for one in outputs)
    for one in line.of("tag", "t"):
        kept = one.only(may_be_image)
        if kept.values:
            yield Named(kept, "push" if pushed else "build-output", built=not pushed)
    for name in ("cache-from", "cache-to"):
        for one in line.of(name):
            yield from cache(one)
    for one in line.of("build-context"):
        yield from _build_context(one)
    for one in line.of("build-arg"):
        yield from build_argument(one)
    for one in line.of("from", "sbom-scanner-image"):
        yield from image(one, "pull")


def cache(one: Field) -> Iterator[Named]:
    """`type=registry,ref=NAME` or just NAME."""
    text = one.text
    if "type=" not in text and "=" not in text:
        if looks_like_image(text) or may_be_image(text):
            yield Named(one, "cache")
        return
    at = text.find("ref=")
    if at >= 0 and (at == 0 or text[at - 1] == ","):
        stop = text.find(",", at)
        found = one.until(stop) if stop >= 0 else one
        yield from image(found.after(at + 4), "cache")


def _build_context(one: Field) -> Iterator[Named]:
    name, equals, value = one.text.partition("=")
    prefix = "docker-image://"
    if equals and value.startswith(prefix):
        yield from image(one.after(len(name) + 1 + len(prefix)), "pull")


def build_argument(one: Field) -> Iterator[Named]:
    """`NAME=value` where the value is an image by its looks and the name."""
    name, equals, value = one.text.partition("=")
    named = any(mark in name.upper() for mark in ("IMAGE", "BASE", "FROM", "BUILDER", "RUNTIME"))
    head = value.partition(":")[0]
    if not equals or not value.strip(OPEN) or not (named or (is_official(head) and head != value)):
        return
    if looks_like_image(value) or ("IMAGE" in name.upper() and is_official(value)):
        yield from image(one.after(len(name) + 1), "pull")


def _tag(fields: Sequence[Field]) -> Iterator[Named]:
    words = read_line(fields, ()).words
    for one in words[:2]:
        kept = one.only(lambda text: may_be_image(text) and not _is_id(text))
        if kept.values:
            yield Named(kept, "tag")


def _is_id(text: str) -> bool:
    return len(text) >= 6 and all(sign in "0123456789abcdef" for sign in text)


def _local(fields: Sequence[Field]) -> Iterator[Named]:
    """Commands on images that are here already: they name them, and fetch nothing."""
    for one in read_line(
        fields, options.OTHER_VALUED, ("q", "quiet", "f", "force", "no-prune")
    ).words:
        if looks_like_image(one.text):
            yield Named(one, "tag")


def _made(fields: Sequence[Field]) -> Iterator[Named]:
    """`docker commit CONTAINER NAME`, `docker import FILE NAME`."""
    line = read_line(fields, names("a author c change m message p pause platform f format"))
    for one in line.words[1:2]:
        if may_be_image(one.text):
            yield Named(one, "build-output", built=True)


def login(fields: Sequence[Field], word: Field, rest: Sequence[Field]) -> Iterator[Named]:
    line = read_line(rest, options.LOGIN_VALUED, options.LOGIN_FLAGS)
    if line.words:
        yield Named(line.words[0], "login", server=True)
    elif "help" not in {name for name, _ in line.options}:
        yield Named(Field((), fields[0].start, word.end), "login", server=True)


def _manifest_create(fields: Sequence[Field]) -> Iterator[Named]:
    line = read_line(fields, options.OTHER_VALUED, ("a", "amend", "insecure", "all"))
    for one in line.words:
        yield from image(transportless(one), "tag")


def _manifest_push(fields: Sequence[Field]) -> Iterator[Named]:
    line = read_line(fields, options.PUSH_VALUED, ("p", "purge", "insecure", "all", "rm"))
    for one in line.words[-1:]:
        yield from image(transportless(one), "push")


def _manifest_inspect(fields: Sequence[Field]) -> Iterator[Named]:
    line = read_line(fields, options.OTHER_VALUED, ("v", "verbose", "insecure"))
    for one in line.words[:1]:
        yield from image(transportless(one), "pull")


def _imagetools_create(fields: Sequence[Field]) -> Iterator[Named]:
    valued = {"t", "tag", "f", "file", "builder", "progress", "annotation", "metadata-file", "p"}
    line = read_line(fields, valued | {"platform"}, ("append", "dry-run", "prefer-index"))
    for one in line.of("t", "tag"):
        yield from image(one, "push")
    for one in line.words:
        yield from image(one, "pull")


def _buildx_create(fields: Sequence[Field]) -> Iterator[Named]:
    valued = {"name", "driver", "driver-opt", "buildkitd-flags", "buildkitd-config", "config"}
    line = read_line(fields, valued | {"platform", "node"}, ("use", "bootstrap", "append", "leave"))
    for one in line.of("driver-opt"):
        at = one.text.find("image=")
        if at == 0 or (at > 0 and one.text[at - 1] == ","):
            stop = one.text.find(",", at)
            found = one.until(stop) if stop >= 0 else one
            yield from image(found.after(at + len("image=")), "pull")


def _bake(fields: Sequence[Field]) -> Iterator[Named]:
    valued = {"f", "file", "set", "builder", "progress", "metadata-file", "allow", "call", "var"}
    for one in read_line(fields, valued, ("push", "load", "print", "no-cache", "pull")).of("set"):
        key, equals, value = one.text.partition("=")
        found = one.after(len(key) + 1)
        kind = key.split(".", 1)[-1]
        if not equals:
            continue
        if kind.startswith("args."):
            yield from build_argument(one.after(len(key) - len(key.rpartition(".")[2])))
        elif kind.startswith("contexts.") and value.startswith("docker-image://"):
            yield from image(found.after(len("docker-image://")), "pull")
        elif kind.rstrip("+") in {"cache-from", "cache-to"}:
            yield from cache(found)
        elif kind.rstrip("+") == "tags":
            yield from image(found, "build-output")


def _scan(fields: Sequence[Field]) -> Iterator[Named]:
    """`docker scout cves [OPTIONS] IMAGE`, `docker scan IMAGE`."""
    line = read_line(fields, options.SCOUT_VALUED, options.SCOUT_FLAGS)
    for one in line.words[-1:]:
        bare = one
        for prefix in ("registry://", "image://", "local://"):
            bare = one.after(len(prefix)) if one.text.startswith(prefix) else bare
        if looks_like_image(bare.text) or (OPEN in bare.text and may_be_image(bare.text)):
            yield Named(bare, "pull")


_GROUPS = names("container image buildx builder service manifest plugin extension trust")


def _imagetools(fields: Sequence[Field]) -> Iterator[Named]:
    if fields and fields[0].text == "create":
        yield from _imagetools_create(fields[1:])
    elif fields and fields[0].text == "inspect":
        yield from _manifest_inspect(fields[1:])


def _scout(fields: Sequence[Field]) -> Iterator[Named]:
    actions = {"cves", "quickview", "recommendations", "compare", "sbom", "policy", "qv", "diff"}
    if fields and fields[0].text in actions:
        yield from _scan(fields[1:])


_READERS: dict[str, Reader] = {
    **dict.fromkeys(("run", "create", "container run", "container create"), _run),
    **dict.fromkeys(("pull", "image pull", "plugin install"), _pull),
    **dict.fromkeys(("push", "image push"), _push),
    **dict.fromkeys(("build", "buildx build", "buildx b", "image build", "builder build"), build),
    **dict.fromkeys(("tag", "image tag"), _tag),
    **dict.fromkeys(("rmi", "image rm", "image remove", "save", "image save"), _local),
    **dict.fromkeys(("history", "image history", "image inspect"), _local),
    **dict.fromkeys(("commit", "container commit", "import", "image import"), _made),
    **dict.fromkeys(("trust sign", "trust inspect"), _local),
    "extension install": _pull,
    "manifest create": _manifest_create,
    "manifest annotate": _manifest_create,
    "manifest add": _manifest_create,
    "manifest push": _manifest_push,
    "manifest inspect": _manifest_inspect,
    "buildx imagetools": _imagetools,
    "buildx create": _buildx_create,
    "buildx bake": _bake,
    "service create": _service,
    "service update": _service_update,
    "scan": _scan,
    "scout": _scout,
}
