"""Images that Maven and Gradle builds name without a Dockerfile. Pure.

Jib's `from` and `to`, the builders of Spring Boot's images, `from` and `name` of other plugins.
Sources: GoogleContainerTools/jib (both plugins' README), docs.spring.io (Packaging OCI Images),
dmp.fabric8.io. What `to` and `name` say is pushed, or only built; both move with the team.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.expansion import Dialect, Known, Lookup, expand
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.image_values import Finding, unique
from longshore.rewrite.finders.shape import is_possible
from longshore.rewrite.mentions import OPEN, Mention, Piece, Role
from longshore.rewrite.source import SourceFile, Span

_MAVEN = Dialect(re.compile(r"\$\{(?P<braced>[\w.-]{1,200})\}"))
_GRADLE = Dialect(
    re.compile(r"\$\{(?P<braced>[^}\n]{1,200})\}|\$(?P<name>[A-Za-z_]\w{0,200})"),
)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[\w:.-]{1,100})[^<>]{0,300}?(?P<empty>/?)>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TEXT = re.compile(r"\s{0,200}(?P<image>[^<>\s]{1,500})\s{0,200}</")
# How the path of elements ends, and what stands there.
_PLACES: tuple[tuple[tuple[str, ...], Role], ...] = (
    (("from", "image"), "pull"),
    (("to", "image"), "push"),
    (("image", "builder"), "pull"),
    (("image", "runImage"), "pull"),
    (("build", "from"), "pull"),
    (("images", "image", "name"), "build-output"),
    (("configuration", "baseImage"), "pull"),
)
_PLUGINS = ("jib-maven-plugin", "spring-boot-maven-plugin", "docker-maven-plugin")
_BLOCK = re.compile(
    r"(?<![\w.])(?P<key>[\w.]{1,100})(?:\s{0,20}(?:=|\.set\()\s{0,20}|[ \t]{1,20})"
    r"(?P<quote>[\"'])(?P<value>[^\"'\n]{1,500})(?P=quote)(?!\s{0,20}\{)"
    r"|(?<![\w.])(?P<name>[\w.]{1,60})(?:<\w{1,60}>)?\s{0,9}"
    r"(?:\(\s{0,9}[\"']?(?P<task>\w{1,60})?[^(){}\n]{0,99}\)\s{0,20})?\{"
    r"|\"[^\"\n]{0,999}\"|'[^'\n]{0,999}'|(?P<open>\{)|(?P<close>\})"
)
_STRING_OR_COMMENT = re.compile(
    r"/\*.*?\*/|^[ \t]*//[^\n]*|[ \t]//[^\n]*", re.DOTALL | re.MULTILINE
)
_GRADLE_PLACES: tuple[tuple[str, Role], ...] = (
    ("jib.from.image", "pull"),
    ("jib.to.image", "push"),
    ("bootBuildImage.builder", "pull"),
    ("bootBuildImage.runImage", "pull"),
    ("bootBuildImage.imageName", "build-output"),
)
_LOOKUPS = frozenset({"named", "withType", "configure", "getByName", "tasks"})
_NAMED = re.compile(
    r"\b(?P<name>\w{1,100})\s{0,9}=\s{0,9}(?P<quote>[\"'])(?P<value>[^\"'\n$]{1,300})(?P=quote)"
)


def find_maven(file: SourceFile, _tree: Tree) -> list[Mention]:
    """The images of a pom.xml."""
    if not any(plugin in file.text for plugin in _PLUGINS):
        return []
    text = _blanked(_COMMENT, file.text)
    finding = Finding(file, "maven", "build", _MAVEN, _properties(file, text))
    return unique(_in_elements(finding, text))


def _in_elements(finding: Finding, text: str) -> Iterator[Mention]:
    path: list[str] = []
    for tag in _TAG.finditer(text):
        name = tag["name"]
        if tag["close"]:
            while name in path and path.pop() != name:
                pass
            continue
        if tag["empty"]:
            continue
        path.append(name)
        role = next((role for end, role in _PLACES if tuple(path[-len(end) :]) == end), None)
        value = _TEXT.match(text, tag.end()) if role is not None else None
        if role is not None and value is not None:
            yield from _made(finding, Span(*value.span("image")), role)


def _properties(file: SourceFile, text: str) -> Lookup:
    start = text.find("<properties>")
    end = text.find("</properties>", start)
    known: dict[str, list[Known]] = {}
    for tag in _TAG.finditer(text, start, end) if 0 <= start < end else ():
        value = _TEXT.match(text, tag.end())
        if not tag["close"] and value is not None:
            span = Span(*value.span("image"))
            place = Piece(file.path, span, file.cut(span))
            known.setdefault(tag["name"], []).append(Known(file.cut(span), place))
    return lambda name: known.get(name, [])


def find_gradle(file: SourceFile, _tree: Tree) -> list[Mention] | None:
    """The images of a Gradle build; None when it configures none."""
    text = _blanked(_STRING_OR_COMMENT, file.text)
    finding = Finding(file, "gradle", "build", _GRADLE, _definitions(file, text))
    return unique(_in_blocks(finding, text)) or None


def _in_blocks(finding: Finding, text: str) -> Iterator[Mention]:
    path: list[str] = []
    places = dict(_GRADLE_PLACES)
    for one in _BLOCK.finditer(text):
        if one["close"]:
            path[-1:] = []
        elif one["open"]:
            path.append("")
        elif one["name"]:
            name = one["name"].removeprefix("tasks.")
            path.append((one["task"] or "") if name in _LOOKUPS else name)
        elif one["key"]:
            role = places.get(".".join((*(name for name in path if name), one["key"])))
            if role is not None:
                yield from _made(finding, Span(*one.span("value")), role)


def _definitions(file: SourceFile, text: str) -> Lookup:
    known: dict[str, list[Known]] = {}
    for one in _NAMED.finditer(text):
        span = Span(*one.span("value"))
        known.setdefault(one["name"], []).append(
            Known(one["value"], Piece(file.path, span, file.cut(span)))
        )
    return lambda name: known.get(name, []) if len(known.get(name, [])) == 1 else []


def _made(finding: Finding, span: Span, role: Role) -> Iterator[Mention]:
    text = finding.file.cut(span)
    for scheme in ("docker://", "registry://"):
        if text.startswith(scheme):
            span = Span(span.start + len(scheme), span.end)
    if text.startswith(("tar://", "docker-daemon:")) or span.start == span.end:
        return
    for reading in expand(finding.file.cut(span), finding.dialect, finding.lookup):
        if is_possible(reading.value.replace(OPEN, "x")):
            yield finding.mention(span, reading, role, built=role == "build-output")


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text of the same length without what matches; line ends stay."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


FINDERS: tuple[Finder, ...] = (
    Finder(
        "maven",
        lambda path: path.endswith(".xml") and "pom" in path.rpartition("/")[2],
        find_maven,
        tuple(plugin.encode() for plugin in _PLUGINS),
    ),
    Finder(
        "gradle",
        lambda path: path.endswith((".gradle", ".gradle.kts")),
        find_gradle,
        (b"jib", b"bootBuildImage"),
    ),
)
