"""Checks of versions that stand in files by hand: in tags of pushed images, and in labels. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.finders.workflow_builds import METADATA, is_build
from longshore.rewrite.finders.workflow_places import located, parts_of
from longshore.rewrite.hazards.dockerfiles import built_images
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.named_tags import NamedTag
from longshore.rewrite.hazards.workflows import names_given, workflows_of
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.workflow import Step
from longshore.text import tr

_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?:[-.+][\w.-]+)?\Z|v\d+\.\d+\Z")
_LABEL = re.compile(r"(?:org\.opencontainers\.image\.|org\.label-schema\.)version\Z")
_LABEL_LINE = re.compile(
    r"(?:org\.opencontainers\.image\.|org\.label-schema\.)version=[\"']?"
    r"(?P<version>v?\d+\.\d+[\w.+-]*)[\"']?\s*\Z"
)


def _in_tags(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        seen: set[Span] = set()
        for one in names_given(surveyed, workflow):
            if one.span in seen or not _is_fixed(one) or "matrix." in _raw(one.at.step):
                continue
            seen.add(one.span)
            yield IN_TAGS.at(
                workflow.file,
                one.span,
                tr(
                    "each push builds another image under the same version {tag}: what was "
                    "released as {tag} is overwritten, or refused where tags are immutable",
                    tag=one.tag,
                ),
                tr(
                    "take the version from the Git tag (`type=semver,pattern=v{{version}}`), and "
                    "the commit for branches: `longshore tags compute` gives both"
                ),
            )


def _is_fixed(one: NamedTag) -> bool:
    """Whether a push to a branch pushes a version: no ref gave it."""
    sample = one.sample
    if not one.pushed or sample.event != "push" or not sample.branch:
        return False
    return _VERSION.match(one.tag) is not None and sample.branch not in one.tag


def _raw(step: Step) -> str:
    texts = [step.run.value if step.run is not None else "", step.input_text("tags")]
    return " ".join(texts + [one.value for one in step.env.values()])


def _in_labels(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        for one in image.dockerfile.instructions:
            for setting in one.assignments if one.keyword == "LABEL" else ():
                if setting.value is None or not _LABEL.match(setting.name.text.strip("\"'")):
                    continue
                version = setting.value.text.strip("\"'")
                if re.fullmatch(r"v?\d+\.\d+[\w.+-]*", version):
                    start = one.line.place(setting.value.at)
                    span = Span(start, start + len(setting.value.text))
                    yield IN_LABELS.at(image.file, span, *_why_label(version))
    for workflow in workflows_of(surveyed):
        for _, step in workflow.steps:
            yield from _in_input(surveyed, workflow.file.path, step)


def _in_input(surveyed: Surveyed, path: str, step: Step) -> Iterator[Hazard]:
    labels = step.input("labels")
    is_image = is_build(step) or (step.uses is not None and step.uses.repository in METADATA)
    file = surveyed.tree.file(path)
    if labels is None or not is_image or file is None:
        return
    for start, end in parts_of(labels.value, commas=False):
        found = _LABEL_LINE.match(labels.value[start:end])
        if found is not None:
            span = located(file, labels, start, end) or labels.span
            yield IN_LABELS.at(file, span, *_why_label(found["version"]))


def _why_label(version: str) -> tuple[str, str]:
    return (
        tr(
            "the label says {version} whatever was built: who looks at a running image is told the "
            "wrong version",
            version=version,
        ),
        tr(
            "give it at the build: `ARG VERSION` with `LABEL …version=$VERSION`, or the labels of "
            "docker/metadata-action"
        ),
    )


IN_TAGS = Check(
    "version-hard-coded", "medium", tr("A pushed tag is a version written by hand"), _in_tags
)
IN_LABELS = Check(
    "label-version-hard-coded", "low", tr("A version label is written by hand"), _in_labels
)
CHECKS = (IN_TAGS, IN_LABELS)
