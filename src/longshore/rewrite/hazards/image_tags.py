"""Checks of the tags that workflows give: legal on every branch, honest, told apart. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.named_tags import NamedTag
from longshore.rewrite.hazards.samples import SHA, WITH_SLASH
from longshore.rewrite.hazards.workflows import (
    is_ecr,
    logs_in_to_ecr,
    names_given,
    workflows_of,
)
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.workflow import Workflow
from longshore.text import tr

_END = WITH_SLASH.rpartition("/")[2]
_RELEASE_BRANCH = re.compile(
    r"(?:.*[/_-])?(?:release|releases|stable|prod|production|hotfix|live|master|main)(?:[/_.-].*)?\Z"
)
_SHORT_SHA = re.compile(
    r"\b[\w-]*(?:short[_-]?sha|sha[_-]?short)[\w-]*[ \t]*(?::[ \t]*|=)[\"']?"
    r"(?:\$\{\{[ \t]*github\.sha[ \t]*\}\}|\$GITHUB_SHA\b|\$\{GITHUB_SHA\})[\"']?"
    r"[ \t]*(?=\r?$|>>|[#,}])",
    re.IGNORECASE | re.MULTILINE,
)


def _slash(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow, group in _by_place(surveyed, lambda one: "/" in one.tag and "@" not in one.tag):
        first = min(group, key=lambda one: one.sample.event == "workflow_dispatch")
        by_hand = first.sample.event == "workflow_dispatch"
        worth: Severity = "low" if by_hand else "high"
        yield SLASH.at(
            workflow.file,
            first.span,
            tr(
                "a tag must not hold a slash, and a ref name may: for {event} the tag would be "
                "{tag}, and the build fails",
                event=first.sample,
                tag=_shown(first.tag),
            ),
            tr(
                "let docker/metadata-action (`type=ref,event=branch`) or "
                "`longshore tags compute` make the tag; in a script, `${GITHUB_REF_NAME//\\//-}`"
            ),
            worth,
        )


def _end_only(surveyed: Surveyed) -> Iterator[Hazard]:
    def is_end(one: NamedTag) -> bool:
        if one.sample.is_pull_request:
            return one.tag == "merge"
        return one.sample.branch == WITH_SLASH and re.split(r"[^a-z]", one.tag)[0] == _END

    for workflow, group in _by_place(surveyed, is_end):
        one = group[0]
        yield END_ONLY.at(
            workflow.file,
            one.span,
            tr(
                "only what follows the last slash of the ref is used: for {event} the tag is "
                "{tag}, and another ref that ends so overwrites the image",
                event=one.sample,
                tag=_shown(one.tag),
            ),
            tr(
                "keep the whole name with the slashes replaced: `feature-login`, and add the commit"
            ),
        )


def _latest(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        pushed = [one for one in names_given(surveyed, workflow) if one.pushed]
        on_default = {_place(one) for one in pushed if one.sample.default and one.tag == "latest"}
        names = {one.name for one in pushed if one.sample.default and one.tag == "latest"}
        found: dict[Span, NamedTag] = {}
        for one in pushed:
            sample = one.sample
            if one.tag != "latest" or sample.event != "push" or not sample.branch:
                continue
            if sample.default or _RELEASE_BRANCH.match(sample.branch):
                continue
            if _place(one) in on_default and one.name in names:
                found.setdefault(one.span, one)
        for one in found.values():
            yield LATEST.at(
                workflow.file,
                one.span,
                tr(
                    "a push to {branch} moves `latest` too: whoever pulls `latest` gets whatever "
                    "branch was built last",
                    branch=one.sample.branch,
                ),
                tr(
                    "move `latest` on the default branch or on releases only: "
                    "`type=raw,value=latest,enable={{is_default_branch}}`, or "
                    "`longshore tags compute`; deploy by digest"
                ),
            )


def _place(one: NamedTag) -> tuple[str, int]:
    return one.at.job.id, one.span.start


def _whole_sha(surveyed: Surveyed) -> Iterator[Hazard]:
    for workflow in workflows_of(surveyed):
        for found in _SHORT_SHA.finditer(workflow.file.text):
            if workflow.file.line_of(found.start()).lstrip().startswith("#"):
                continue
            yield WHOLE_SHA.at(
                workflow.file,
                Span(*found.span()),
                tr(
                    "the name promises a short commit id, the value has all 40 characters: "
                    "whoever looks for the image by the short one does not find it"
                ),
                tr(
                    "cut it: `${GITHUB_SHA::7}`, or `type=sha` of docker/metadata-action; "
                    "`longshore tags compute` gives `main-abc1234`"
                ),
            )


def _bare_sha(surveyed: Surveyed) -> Iterator[Hazard]:
    def is_bare(one: NamedTag) -> bool:
        if not one.pushed or one.tag not in (SHA, SHA[:7]):
            return False
        host = one.name.partition("/")[0]
        to_ecr = OPEN in host and logs_in_to_ecr(surveyed.tree, one.at.job)
        return is_ecr(one.name) or to_ecr

    for workflow in workflows_of(surveyed):
        tags: dict[Span, set[str]] = {}
        for one in names_given(surveyed, workflow):
            tags.setdefault(one.span, set()).add(one.tag)
        bare = [one for one in names_given(surveyed, workflow) if is_bare(one)]
        for span, group in _grouped(bare).items():
            if tags[span] <= {SHA, SHA[:7]}:
                yield BARE_SHA.at(
                    workflow.file,
                    group[0].span,
                    tr(
                        "a commit id without a prefix: no lifecycle rule can tell images of the "
                        "default branch from those of other branches, so all are kept or none"
                    ),
                    tr(
                        "put the branch before it: `main-abc1234`, as `longshore tags compute` does"
                    ),
                )


def _by_place(
    surveyed: Surveyed, wanted: Callable[[NamedTag], bool]
) -> Iterator[tuple[Workflow, list[NamedTag]]]:
    """The names that are wanted, those at one place together."""
    for workflow in workflows_of(surveyed):
        names = [one for one in names_given(surveyed, workflow) if one.tag and wanted(one)]
        for group in _grouped(names).values():
            yield workflow, group


def _grouped(names: list[NamedTag]) -> dict[Span, list[NamedTag]]:
    found: dict[Span, list[NamedTag]] = {}
    for one in names:
        found.setdefault(one.span, []).append(one)
    return found


def _shown(tag: str) -> str:
    return tag.replace(OPEN, "…").replace(SHA, "<sha>")


SLASH = Check("slash-in-tag", "high", tr("A tag is made of a raw ref name"), _slash)
END_ONLY = Check(
    "ref-name-cut", "low", tr("A tag is made of the end of a ref name only"), _end_only
)
LATEST = Check(
    "latest-from-any-branch", "medium", tr("Other branches than the default move latest"), _latest
)
WHOLE_SHA = Check("sha-not-short", "low", tr("A short commit id is the whole one"), _whole_sha)
BARE_SHA = Check(
    "sha-without-prefix", "low", tr("Images in ECR are tagged with a commit id alone"), _bare_sha
)
CHECKS = (SLASH, LATEST, END_ONLY, WHOLE_SHA, BARE_SHA)
