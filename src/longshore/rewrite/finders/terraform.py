"""Terraform and OpenTofu: images of resources that run containers. Pure.

A folder is looked at as a whole: an image that is used through a variable is reported where it is
used, its default is the piece to edit. What is defined and never seen in use is reported where it
is defined, when name and value leave no doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.hcl_texts import Inner, inner_mentions
from longshore.rewrite.finders.hcl_values import Defined, branches, values
from longshore.rewrite.finders.nomad import job_mentions
from longshore.rewrite.finders.readings import Value, is_certain, mention
from longshore.rewrite.finders.terraform_module import Module, body_of, module_of
from longshore.rewrite.finders.terraform_names import Place, is_image_name, tag_names
from longshore.rewrite.finders.terraform_registries import hosted
from longshore.rewrite.finders.terraform_releases import release_mentions
from longshore.rewrite.mentions import Mention, Piece, Pulled, Role
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.hcl import (
    Block,
    Body,
    Call,
    Expression,
    Listing,
    Object,
    Reach,
    Template,
    walk,
)
from longshore.rewrite.syntax.hcl_reader import parse_hcl

KIND = "terraform"
_NAMES = re.compile(r"\.(?:tf|tofu|tfvars)(?:\.json)?\Z")
_SERVICE = ("linux_fx_version", "windows_fx_version")
_ON_MACHINE = re.compile(r"user_data|startup.?script|custom_data|\Ainline\Z|metadata_startup")
_DATA = ("container_definitions", "container_properties", "containers", "manifest", "yaml_body")
_PROSE = ("description", "error_message", "comment", "message", "summary", "title")
_TEXT = re.compile(r"\\\"|\b(?:docker|podman|nerdctl|crane|skopeo)[ \t]")
_SAYS_IMAGE = re.compile(r"(?:^|[_ -])(?:image|builder)(?:$|[_ -])", re.IGNORECASE)
_CODEBUILD = ("aws/codebuild/",)


@dataclass
class _Found:
    """What a folder names so far, and the definitions that were seen in use."""

    module: Module
    mentions: dict[str, list[Mention]] = field(default_factory=dict)
    used: set[tuple[str, Span]] = field(default_factory=set)

    def find(self, path: tuple[str, ...]) -> tuple[Defined, ...]:
        return self.module.find(path)

    def add(self, path: str, found: Iterable[Mention]) -> None:
        self.mentions.setdefault(path, []).extend(found)


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of one file of a module."""
    if file.name.endswith(".hcl"):
        module = Module({file.path: file}, {})
        return _unique(_search(module).get(file.path, ()))
    return _unique(_search(module_of(file, tree)).get(file.path, ()))


@lru_cache(maxsize=4)
def _search(module: Module) -> dict[str, list[Mention]]:
    found = _Found(module)
    for path, file in module.files.items():
        for block in body_of(file).blocks:
            if block.type in ("variable", "locals", "terraform", "output", "provider"):
                continue
            resource = block.labels[0] if block.labels and block.type != "module" else ""
            _Search(found, file, block).body(block.body, Place(resource, _labels(block)))
        found.mentions.setdefault(path, [])
    for file in module.files.values():
        _definitions(found, file)
    return found.mentions


def _labels(block: Block) -> tuple[str, ...]:
    return (block.type,) if block.type not in ("resource", "data") else ()


def _definitions(found: _Found, file: SourceFile) -> None:
    """Images that are given to names: those that were not seen in use, and values files."""
    body = body_of(file)
    search = _Search(found, file, Block("", (), Span(0, 0), body), defining=True)
    for block in body.blocks:
        if block.type == "variable" and block.labels:
            default = block.body.get("default")
            if default is not None:
                search.value(block.labels[0], default, Place(path=("variable",)))
        elif block.type == "locals":
            search.body(block.body, Place(path=("locals",)))
    if not file.name.endswith((".tf", ".tofu", ".tf.json")):
        search.body(Body(body.attributes), Place())


@dataclass
class _Search:
    """Looks through one block of one file."""

    found: _Found
    file: SourceFile
    block: Block
    defining: bool = False

    def body(self, body: Body, place: Place) -> None:
        """The attributes and blocks of a body."""
        if place.resource == "helm_release":
            self._add(release_mentions(self.file, self.block, self.found.find))
            return
        here = {one.name: one.value for one in body.attributes}
        for one in body.attributes:
            self.value(one.name, one.value, place, here)
        self._named_value(here, place)
        for block in body.blocks:
            names = block.labels if block.type == "dynamic" else (block.type,)
            if block.type == "image" and place.resource == "digitalocean_app":
                self._registry_image(block.body)
            else:
                self.body(block.body, place.below(*names))

    def value(
        self,
        name: str,
        value: Expression,
        place: Place,
        here: dict[str, Expression] | None = None,
    ) -> None:
        """One value, and what stands below it."""
        if name in _SERVICE:
            self._fx_version(value)
        elif place.names_image(name) and not isinstance(value, (Object, Listing)):
            self._image(name, value, place, here or {})
        elif isinstance(value, Object):
            self._object(name, value, place)
        elif isinstance(value, Listing):
            for item in value.items:
                self.value(name, item, place)
        elif isinstance(value, Template):
            self._text(name, value, place)
        else:
            for inner in walk(value):
                if inner is not value and isinstance(inner, (Object, Template)):
                    self._inside(name, inner, place, value)

    def _inside(self, name: str, inner: Expression, place: Place, whole: Expression) -> None:
        """What stands in a call (`jsonencode([{image = …}])`), once: walking goes on below."""
        if isinstance(inner, Object):
            below = place.below(name)
            here = {one.key: one.value for one in inner.entries}
            for entry in inner.entries:
                if not isinstance(entry.value, (Object, Listing)) and below.names_image(entry.key):
                    self._image(entry.key, entry.value, below, here)
                elif entry.key == "image" and isinstance(entry.value, Object):
                    self._split(entry.value, below)
        elif isinstance(inner, Template) and inner.heredoc and isinstance(whole, Call):
            self._text(name, inner, place)

    def _object(self, name: str, value: Object, place: Place) -> None:
        below = place.below(name)
        if is_image_name(name) and self._split(value, place):
            return
        here = {one.key: one.value for one in value.entries}
        for entry in value.entries:
            self.value(entry.key, entry.value, below, here)
        self._named_value(here, below)

    def _named_value(self, here: dict[str, Expression], place: Place) -> None:
        """`name = "INNER_IMAGE"` beside `value = "x:1"`, and parameters called so."""
        name, value = here.get("name"), here.get("value")
        said = name.literal if isinstance(name, Template) else None
        if place.resource == "coder_parameter":
            value, said = here.get("default", value), " ".join(self.block.labels[1:]) or said
        says = said is not None and not place.is_machine and _SAYS_IMAGE.search(said)
        if says and isinstance(value, Template) and is_certain(value.literal or ""):
            self._certain(value)

    def _text(self, name: str, value: Template, place: Place) -> None:
        if place.in_images and is_certain(value.literal or ""):
            self._certain(value)
            return
        if name in _PROSE:
            return
        if value.heredoc or _TEXT.search(self.file.cut(value.span)):
            data = name in _DATA or name == "values" or place.runs_containers
            inner = Inner(self.file, value, self.found.find)
            if name == "jobspec":
                padded = " " * value.span.start + inner.text
                self._add(job_mentions(self.file, parse_hcl(padded)))
                return
            pulled: Pulled = "host" if _ON_MACHINE.search(name) else place.pulled
            self._add(inner_mentions(inner, KIND, pulled, data))

    def _image(
        self, name: str, value: Expression, place: Place, here: dict[str, Expression]
    ) -> None:
        role, built = _role(place.resource, self.block)
        for branch in branches(value):
            if isinstance(branch, Object):
                self._object(name, branch, place)
                continue
            if isinstance(branch, Reach) and branch.path[0] not in ("var", "local"):
                continue
            for one in values(branch, self.file.path, self.found.find):
                if self._wanted(branch, one, place):
                    one = hosted(self._tagged(name, one, here, branch), here, self._values)
                    if not (place.takes_bare(name) or is_certain(one.text)):
                        continue
                    made = mention(self.file, KIND, branch.span, one, role, place.pulled, built)
                    self._add([replace(made, condition=_condition(here))])

    def _values(self, expression: Expression) -> list[Value]:
        return values(expression, self.file.path, self.found.find)

    def _wanted(self, branch: Expression, value: Value, place: Place) -> bool:
        if self.defining and (self.file.path, branch.span) in self.found.used:
            return False
        if place.is_machine:
            self.found.used.update(value.used)
            return False
        if value.text.startswith(_CODEBUILD):
            return False
        if not value.known and not isinstance(branch, Reach):
            return False
        if not value.known and self.defining:
            return False
        self.found.used.update(value.used)
        return True

    def _tagged(
        self, name: str, value: Value, here: dict[str, Expression], branch: Expression
    ) -> Value:
        """The value with the tag that stands in an attribute beside it (`image_tag`)."""
        if ":" in value.text.rpartition("/")[2] or "@" in value.text or not value.known:
            return value
        for other in tag_names(name):
            if other not in here:
                continue
            tags = values(here[other], self.file.path, self.found.find)
            if len(tags) == 1:
                whole = Piece(self.file.path, branch.span, self.file.cut(branch.span))
                pieces = value.pieces or (whole,)
                self.found.used.update(tags[0].used)
                return replace(
                    value,
                    text=f"{value.text}:{tags[0].text}",
                    pieces=tuple(replace(one, part="repository") for one in pieces),
                    missing=value.missing + tags[0].missing,
                )
        return value

    def _certain(self, value: Template) -> None:
        if self.defining and (self.file.path, value.span) in self.found.used:
            return
        self._add([mention(self.file, KIND, value.span, Value(value.literal or ""))])

    def _split(self, value: Object, place: Place) -> bool:
        """`image = { repository = "x", tag = "y" }`."""
        repository = value.get("repository") or value.get("name")
        if not isinstance(repository, Template):
            return False
        if place.is_machine:
            return True
        made = _joined(self, repository, value.get("registry"), value.get("tag"))
        certain = "/" in made.text or place.runs_containers
        if made.known and certain and "://" not in made.text:
            self._add([mention(self.file, KIND, repository.span, made, pulled=place.pulled)])
        return True

    def _registry_image(self, body: Body) -> None:
        """`image { registry_type = "DOCKER_HUB" registry = "library" repository = "nginx" }`."""
        repository, kind = body.get("repository"), body.text("registry_type")
        if not isinstance(repository, Template) or kind not in ("DOCKER_HUB", "GHCR"):
            return
        host = body.text("registry")
        made = _joined(self, repository, None, body.get("tag"))
        text = f"{host}/{made.text}" if host else made.text
        text = f"ghcr.io/{text}" if kind == "GHCR" else text
        self._add([mention(self.file, KIND, repository.span, replace(made, text=text))])

    def _fx_version(self, value: Expression) -> None:
        """`DOCKER|nginx:1` of Azure's app services."""
        for branch in branches(value):
            for one in values(branch, self.file.path, self.found.find):
                if not one.text.upper().startswith("DOCKER|"):
                    continue
                span, made = branch.span, replace(one, text=one.text[7:], pieces=())
                if self.file.cut(span).upper().startswith("DOCKER|"):
                    span = Span(span.start + 7, span.end)
                self._add([mention(self.file, KIND, span, made)])

    def _add(self, found: Iterable[Mention]) -> None:
        self.found.add(self.file.path, found)


def _joined(
    search: _Search, repository: Template, registry: Expression | None, tag: Expression | None
) -> Value:
    path, find = search.file.path, search.found.find
    made = values(repository, path, find)[0]
    pieces = [Piece(path, repository.span, search.file.cut(repository.span), "repository")]
    text = made.text
    if isinstance(registry, Template) and registry.literal:
        text = f"{registry.literal}/{text}"
        pieces.append(Piece(path, registry.span, registry.literal, "registry"))
    if tag is not None and (known := values(tag, path, find)[0]).text:
        text += f":{known.text}"
        if isinstance(tag, Template):
            pieces.append(Piece(path, tag.span, search.file.cut(tag.span), "tag"))
    return replace(made, text=text, pieces=tuple(pieces))


def _condition(here: dict[str, Expression]) -> str:
    policy = here.get("image_pull_policy") or here.get("imagePullPolicy")
    never = isinstance(policy, Template) and policy.literal == "Never"
    return "imagePullPolicy: Never" if never else ""


def _role(resource: str, block: Block) -> tuple[Role, bool]:
    if resource == "docker_registry_image" and block.type == "resource":
        return "push", False
    if resource == "docker_image":
        built = any(True for _ in block.body.all("build")) or block.body.get("build") is not None
        if built:
            return "build-output", True
    return "pull", False


def _unique(found: Iterable[Mention]) -> list[Mention]:
    kept = {(one.span, one.expanded, one.role): one for one in reversed(list(found))}
    return sorted(kept.values(), key=lambda one: one.span)


def _takes(path: str) -> bool:
    return _NAMES.search(path) is not None


FINDER = Finder(
    "terraform", _takes, find, marks=(b"image", b"Image", b"IMAGE", b"docker", b"DOCKER")
)
TERRAGRUNT = Finder("terragrunt", lambda path: path.endswith(".hcl"), find, marks=(b"image",))
