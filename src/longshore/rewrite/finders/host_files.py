"""What sets a host up: Quadlet and systemd units, cloud-init, Butane, Ignition, templates. Pure.

Units, scripts and compose files stand inside these files as text; each is read as what it is, and
its places are those of the outer file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from longshore.rewrite.finders.embedded_data import Spot, json_spots, line_spots
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.image_values import Finding
from longshore.rewrite.finders.readings import Value, mention
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.finders.unit_texts import is_unit, unit_mentions
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.json_nodes import json_documents
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, documents, walk

_UNITS = (".service", ".socket", ".timer", ".service.j2", ".service.tmpl", ".service.in")
_QUADLET = (".container", ".image", ".volume", ".build", ".kube", ".container.j2")
_ENGINE = re.compile(r"\b(?:docker|podman|nerdctl|ctr|crictl|skopeo|crane)\b")
_COMMAND = re.compile(
    r"^[ \t]*(?:-[ \t]+)?(?P<command>(?:sudo[ \t]+)?(?:docker|podman|nerdctl)[ \t][^\n]*)$",
    re.MULTILINE,
)
_COMMANDS = ("runcmd", "bootcmd")
_FILLED = re.compile(r"(?<!\$)\$\{[^{}\n]{1,300}\}")
_OPENS = re.compile(f"{OPEN}{{2,}}")
_DIRECTIVE = re.compile(r"%\{[^{}\n]{1,300}\}")
_TEMPLATES = (".tftpl", ".json.tpl", ".json.tmpl", ".sh.tpl", ".yaml.tpl", ".yml.tpl", ".sh.tmpl")


def unit(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a unit file."""
    if not is_unit(file.text) and "[Build]" not in file.text:
        return None
    return list(unit_mentions(file.text, Span, file.cut, "quadlet"))


def cloud_init(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a user-data file; None when it is something else."""
    if "#cloud-config" not in file.text[:300]:
        return None
    read = documents(file)
    found: list[Mention] = []
    finding = Finding(file, "cloud-init", "host")
    for document in read.documents:
        if isinstance(document, Mapping):
            found += _run(finding, document)
            for entry in document.sequence("write_files"):
                if isinstance(entry, Mapping):
                    found += _content(file, entry.get("content"), "cloud-init")
    if read.problem:
        found += _by_lines(file, file.text, 0, "cloud-init")
    return _unique(found)


def machine_config(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a Butane or Ignition file."""
    is_json = file.text.lstrip("\ufeff \t\r\n").startswith("{")
    read = json_documents(file) if is_json else documents(file)
    found: list[Mention] = []
    for document in read.documents:
        for node in walk(document):
            if isinstance(node, Mapping):
                for name in ("contents", "inline"):
                    found += _content(file, node.get(name), "ignition")
    return _unique(found)


def template(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """A template that Terraform fills: task definitions, manifests, scripts."""
    if "{{" in file.text and not file.name.endswith(".tftpl"):
        return None
    text = _FILLED.sub(lambda found: OPEN * len(found[0]), file.text)
    text = _DIRECTIVE.sub(lambda found: " " * len(found[0]), text)
    if text.lstrip().startswith("#cloud-config"):
        return cloud_init(file, tree)
    return _unique(_by_kind(file, text, "terraform"))


def _by_kind(file: SourceFile, text: str, kind: str) -> Iterator[Mention]:
    begin = text.lstrip()[:1]
    spots: Iterator[Spot] = json_spots(text) if begin in ("[", "{") else line_spots(text)
    for spot in spots:
        value = Value(text[spot.image.start : spot.image.end])
        if value.known and "}" not in value.text:
            yield mention(file, kind, spot.image, value)
    if begin not in ("[", "{") and _ENGINE.search(text):
        for one in mentions_in(Script(text, Span, kind, "host")):
            written = file.cut(one.span)
            if written == one.text:
                yield one
            elif len(written) == len(one.text):
                yield replace(one, text=written, value=_OPENS.sub(OPEN, one.expanded))


def _run(finding: Finding, document: Mapping) -> Iterator[Mention]:
    for name in _COMMANDS:
        for item in document.sequence(name):
            if isinstance(item, Scalar):
                yield from _on_host(finding.script([item]))
            elif isinstance(item, Sequence):
                words = [one for one in item.items if isinstance(one, Scalar)]
                if words:
                    program = words[0].value.replace("\n", " ")
                    yield from _on_host(finding.command(program, words[1:]))


def _on_host(found: Iterable[Mention]) -> Iterator[Mention]:
    return (replace(one, pulled="host") if one.role == "pull" else one for one in found)


def _content(file: SourceFile, node: Node | None, kind: str) -> Iterator[Mention]:
    """A text that is a value: a unit, a script, a compose file, a manifest."""
    if not isinstance(node, Scalar) or "\n" not in node.value:
        return
    text = node.value
    if is_unit(text):
        yield from unit_mentions(text, node.locate, file.cut, "quadlet")
        return
    for spot in line_spots(text):
        span = node.locate(spot.image.start, spot.image.end)
        value = Value(text[spot.image.start : spot.image.end])
        if span is not None and file.cut(span) == value.text and "$" not in value.text:
            yield mention(file, kind, span, value, pulled="host")
    if text.startswith("#!") or _ENGINE.search(text):
        yield from _on_host(Finding(file, kind, "host").script([node]))


def _by_lines(file: SourceFile, text: str, start: int, kind: str) -> Iterator[Mention]:
    """The commands of a file that cannot be read as YAML."""
    for found in _COMMAND.finditer(text):
        place = _moved(start + found.start("command"))
        for one in mentions_in(Script(found["command"], place, kind, "host")):
            if file.cut(one.span) == one.text:
                yield one


def _moved(by: int) -> Callable[[int, int], Span | None]:
    return lambda start, end: Span(start + by, end + by)


def _unique(found: Iterable[Mention]) -> list[Mention]:
    kept: dict[tuple[Span, str, str], Mention] = {}
    for one in found:
        kept.setdefault((one.span, one.expanded, one.role), one)
    return sorted(kept.values(), key=lambda one: one.span)


def _ends(ends: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda path: path.endswith(ends)


def _is_user_data(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    named = "cloud" in name or "user" in name or "init" in name
    return named or name.endswith((".yml", ".yaml", ".cfg", ".tpl", ".tftpl", ".txt"))


FINDERS: tuple[Finder, ...] = (
    Finder("quadlet", _ends(_QUADLET), unit, marks=(b"Image", b"podman", b"docker")),
    Finder("systemd", _ends(_UNITS), unit, marks=(b"docker", b"podman", b"nerdctl", b"ctr")),
    Finder("machine-config", _ends((".bu", ".fcc", ".ign", ".butane")), machine_config),
    Finder("user-data", _is_user_data, cloud_init, marks=(b"#cloud-config",)),
    Finder(
        "terraform-template", _ends(_TEMPLATES), template, marks=(b"image", b"docker", b"podman")
    ),
)
