"""The names that the steps of a run give to images, with their tags as they come out. Pure.

Build steps, `docker build`, `tag` and `push`, and what docker/metadata-action makes of its rules
(its README, "tags input"; it makes every tag legal by itself).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from longshore.rewrite.finders.workflow_builds import METADATA, is_build
from longshore.rewrite.finders.workflow_places import attributes, located, parts_of
from longshore.rewrite.hazards.runs import StepRun
from longshore.rewrite.hazards.samples import SHA, Sample
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.workflow import Step
from longshore.rewrite.syntax.yaml_nodes import Scalar

_PARTS = re.compile(
    r"(?P<name>(?:\[?[^/:\s]+\]?:\d+/)?[^:@\s]*)(?::(?P<tag>[^@]*))?(?:@.*)?\Z", re.DOTALL
)
_TOOL = re.compile(r"\b(?:docker|podman|nerdctl|buildah|buildx|crane|skopeo|regctl|oras|pack)\b")
_GIVES = re.compile(r"\b(?:build|bake|push|tag|copy|cp)\b")
_META = re.compile(r"steps\.(?P<id>[\w-]+)\.outputs\.(?:tags|json)")
_PUSHED = re.compile(r"\bpush=(?!false)|type=registry")
_NOT_LEGAL = re.compile(r"[^a-zA-Z0-9._-]+")
_GLOBAL = re.compile(r"\{\{\s*([\w ]+?)\s*(?:'[^']*'[^}]*)?\}\}")
_RULES = "type=schedule\ntype=ref,event=branch\ntype=ref,event=tag\ntype=ref,event=pr"
_RELEASE = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?P<rest>-.*)?\Z")


@dataclass(frozen=True, eq=False)
class NamedTag:
    """One name that a step gives. `span` is where it is written. `pushed`: it surely is."""

    at: StepRun
    span: Span
    text: str
    pushed: bool
    by_metadata: bool = False

    @property
    def name(self) -> str:
        """The image's name without its tag."""
        found = _PARTS.match(self.text)
        return found["name"] if found else self.text

    @property
    def tag(self) -> str:
        """The tag; empty when there is none."""
        found = _PARTS.match(self.text)
        return (found["tag"] or "") if found else ""

    @property
    def sample(self) -> Sample:
        """The event of the run."""
        return self.at.run.sample


def may_name(step: Step) -> bool:
    """Whether it is a step that can give a name at all."""
    run = step.run
    in_script = run is not None and _TOOL.search(run.value) and _GIVES.search(run.value)
    return bool(in_script) or is_build(step)


def named_tags(at: StepRun) -> list[NamedTag]:
    """The names that a step gives, if it runs."""
    if not may_name(at.step) or not at.contexts:
        return []
    if is_build(at.step):
        return list(_of_build(at))
    if at.step.run is not None:
        return [
            NamedTag(at, one.span, one.expanded, one.role == "push")
            for one in at.shell_mentions()
            if one.role in ("push", "tag", "build-output")
        ]
    return []


def _of_build(at: StepRun) -> Iterator[NamedTag]:
    tags = at.step.input("tags")
    pushed = _pushes(at)
    if tags is None:
        return
    if found := _META.search(tags.value):
        meta = next((one for one in at.job.steps if one.id == found["id"]), None)
        if meta is not None and meta.uses is not None and meta.uses.repository in METADATA:
            yield from _of_metadata(StepRun(at.run, at.job, meta, at.scope), at, pushed)
        return
    for start, end in parts_of(tags.value):
        span = located(at.run.workflow.file, tags, start, end) or tags.span
        for text in at.texts(tags, start, end):
            for part_start, part_end in parts_of(text):
                yield NamedTag(at, span, text[part_start:part_end], pushed)


def _pushes(at: StepRun) -> bool:
    if any(_PUSHED.search(one) for one in at.input("outputs")):
        return True
    return at.input("push", "false") == ["true"]


def _of_metadata(meta: StepRun, at: StepRun, pushed: bool) -> Iterator[NamedTag]:
    if not meta.contexts:
        return
    images = [
        (attributes(text, a, b), text[a:b])
        for text in meta.input("images")
        for a, b in parts_of(text, commas=False)
    ]
    names = [text for _, text in images if "=" not in text] or [OPEN]
    place = meta.step.input("tags") or meta.step.input("images")
    for tag, span in _metadata_tags(meta):
        where = span or (place.span if place is not None else meta.step.node.span)
        for name in names:
            yield NamedTag(at, where, f"{name}:{tag}", pushed, by_metadata=True)


def _metadata_tags(meta: StepRun) -> Iterator[tuple[str, Span | None]]:
    sample, scalar = meta.run.sample, meta.step.input("tags")
    flavor = _flavor(meta)
    latest = flavor.get("latest", "auto")
    for rule, span in _rules(meta, scalar):
        kind = rule.get("type", "raw")
        if not _is_on(rule.get("enable", "true"), sample):
            continue
        value = _value(kind, rule, sample)
        if not value or (OPEN in value and kind != "raw"):
            continue
        prefix = rule.get("prefix", "sha-" if kind == "sha" else "pr-" if _is_pr(rule) else "")
        prefix = prefix or (flavor.get("prefix", "") if "prefix" not in rule else "")
        suffix = rule.get("suffix", flavor.get("suffix", ""))
        tag = _filled(prefix, sample) + value + _filled(suffix, sample)
        yield _NOT_LEGAL.sub("-", tag.replace(OPEN, "\x00")).replace("\x00", OPEN), span
        stable = kind in ("semver", "pep440", "match") and not _prerelease(sample.tag)
        if latest == "auto" and (stable or (kind == "ref" and rule.get("event") == "tag")):
            yield "latest", span
    if latest == "true":
        place = meta.step.input("flavor")
        yield "latest", place.span if place is not None else None


def _rules(meta: StepRun, scalar: Scalar | None) -> Iterator[tuple[dict[str, str], Span | None]]:
    if scalar is None:
        for line in _RULES.split("\n"):
            yield _read(line), None
        return
    file = meta.run.workflow.file
    for start, end in parts_of(scalar.value, commas=False):
        span = located(file, scalar, start, end)
        for text in meta.texts(scalar, start, end):
            for first, last in parts_of(text, commas=False):
                yield _read(text[first:last]), span


def _read(line: str) -> dict[str, str]:
    found = {
        key: line[a:b].strip().strip('"') for key, (a, b) in attributes(line, 0, len(line)).items()
    }
    return found or {"type": "raw", "value": line.strip()}


def _flavor(meta: StepRun) -> dict[str, str]:
    found: dict[str, str] = {}
    scalar = meta.step.input("flavor")
    for text in meta.texts(scalar) if scalar is not None else ():
        for line in text.split("\n"):
            found |= _read(line) if "=" in line else {}
    return found


def _is_pr(rule: dict[str, str]) -> bool:
    return rule.get("type") == "ref" and rule.get("event") == "pr"


def _is_on(text: str, sample: Sample) -> bool:
    """Whether a rule is surely on."""
    return _filled(text, sample).strip().lower() in ("true", "1")


def _value(kind: str, rule: dict[str, str], sample: Sample) -> str:
    if kind == "ref":
        return _of_ref(rule.get("event", ""), sample)
    if kind == "sha":
        return SHA if rule.get("format") == "long" else SHA[:7]
    if kind in ("semver", "pep440"):
        tag = _filled(rule.get("value", ""), sample) or sample.tag
        return _of_version(rule.get("pattern", "{{version}}"), tag)
    if kind == "schedule":
        wanted = rule.get("pattern", "nightly")
        return _filled(wanted, sample) if sample.event == "schedule" else ""
    if kind == "edge":
        return "edge" if sample.event == "push" and sample.default else ""
    return _filled(rule.get("value", ""), sample) if kind == "raw" else ""


def _of_ref(event: str, sample: Sample) -> str:
    if event == "pr":
        return "12" if sample.is_pull_request else ""
    if event == "tag":
        return sample.tag
    return sample.branch if event == "branch" and not sample.is_pull_request else ""


def _of_version(pattern: str, tag: str) -> str:
    found = _RELEASE.match(tag)
    if found is None:
        return ""
    values = {"raw": tag, "version": tag.lstrip("v"), "major": found[1], "minor": found[2]}
    values |= {"patch": found[3]}
    return _GLOBAL.sub(lambda one: values.get(one[1].strip(), OPEN), pattern)


def _prerelease(tag: str) -> bool:
    found = _RELEASE.match(tag)
    return found is None or found["rest"] is not None


def _filled(text: str, sample: Sample) -> str:
    """Metadata's own `{{ }}` filled in."""
    values = {
        "branch": _NOT_LEGAL.sub("-", "" if sample.is_pull_request else sample.branch),
        "tag": sample.tag,
        "sha": SHA[:7],
        "base_ref": sample.branch if sample.is_pull_request else "",
        "is_default_branch": str(sample.default).lower(),
        "is_not_default_branch": str(not sample.default).lower(),
        "date": "20240131",
        "commit_date": "20240131",
    }
    return _GLOBAL.sub(lambda one: values.get(one[1].split(" ")[0], OPEN), text)
