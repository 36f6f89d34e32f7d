"""Checks of what still speaks of Docker Hub after a move: documents, bots, policies, add-ons. Pure.

They look only at trees whose pipeline uses ECR already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.leftover_words import hub_secrets_in_documents, is_hub_secret
from longshore.rewrite.hazards.workflows import is_ecr, moved, workflows_of
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.json_nodes import data_documents
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, walk
from longshore.rewrite.uses import Use
from longshore.text import tr

_HUB = re.compile(r"(?<![\w.-])(?:(?:index|registry-1|registry\.hub|hub)\.)?docker\.(?:io|com)\b")
_RENOVATE = re.compile(r"(?:.*/)?(?:renovate\.json5?|\.renovaterc(?:\.json5?)?)\Z")
_DEPENDABOT = re.compile(r"\.github/dependabot\.ya?ml\Z")
_POLICY_KIND = re.compile(
    r"^kind:[ \t]*(?:ClusterPolicy|Policy|ImageValidatingPolicy|ValidatingPolicy|"
    r"K8s\w*Repos\w*|ValidatingAdmissionPolicy)\b",
    re.MULTILINE,
)
_ALLOWED = re.compile(
    r"^[ \t]*-?[ \t]*(?:image:[ \t]*)?[\"']?(?:[\w.*/:-]+[ \t]*\|[ \t]*)*"
    r"(?P<host>(?:index\.)?docker\.io)(?:/[^!\n]*)?$",
    re.MULTILINE,
)
_REGISTRY_KEYS = frozenset({"hostRules", "matchHost", "registryUrls", "registries"})
_ADD_ONS = frozenset(
    {
        *(
            "peter-evans/dockerhub-description",
            "christian-korneck/update-container-description-action",
        ),
        *("meeddotme/dockerhub-description", "ms-jpq/sync-dockerhub-readme", "docker/scout-action"),
    }
)
_BADGE = re.compile(
    r"img\.shields\.io/docker/(?:pulls|v|image-size|stars|automated)/[\w.-]+/[\w.-]+"
)
_README = re.compile(r"readme[^/]*\Z", re.IGNORECASE)


def _documents(surveyed: Surveyed) -> Iterator[Hazard]:
    if not moved(surveyed) or _pushes_to_hub(surveyed) or _logs_in_to_hub(surveyed):
        return
    if any(is_hub_secret(one.file.text) for one in workflows_of(surveyed)):
        return
    for file, span in hub_secrets_in_documents(surveyed):
        yield DOCUMENTS.at(
            file,
            span,
            tr(
                "{file} still asks for {name}, which no workflow uses any more: people create a "
                "Docker Hub token for nothing",
                file=file.name,
                name=file.cut(span),
            ),
            tr("list what is needed now (`longshore ci secrets`), and delete the old secrets"),
        )


def _readers(surveyed: Surveyed) -> Iterator[Hazard]:
    if not moved(surveyed):
        return
    for path in sorted(surveyed.tree.paths):
        name = path.rpartition("/")[2]
        if _RENOVATE.match(path) or _DEPENDABOT.match(path):
            file = surveyed.tree.file(path)
            span = _registry_of_bot(file) if file is not None else None
            if file is not None and span is not None:
                yield READERS.at(file, span, *_why_bot(name))
        elif name.endswith((".yml", ".yaml")) and re.search(
            r"polic|constraint|kyverno|gatekeeper", path
        ):
            file = surveyed.tree.file(path)
            span = _registry_of_policy(file) if file is not None else None
            if file is not None and span is not None:
                yield READERS.at(file, span, *_why_policy())


def _why_bot(name: str) -> tuple[str, str]:
    return (
        tr(
            "{file} gives the bot credentials for Docker Hub and none for ECR: it finds no new "
            "versions of images that moved",
            file=name,
        ),
        tr("add the ECR host with its credentials; remove docker.io when nothing comes from there"),
    )


def _why_policy() -> tuple[str, str]:
    return (
        tr(
            "this policy allows images of Docker Hub and not of ECR: what was moved is refused "
            "when it is deployed"
        ),
        tr("add the ECR host to the allowed registries before the images change"),
    )


def _registry_of_bot(file: SourceFile) -> Span | None:
    if is_ecr(file.text) or not _HUB.search(file.text):
        return None
    for root in data_documents(file).documents:
        for node in walk(root):
            for key, value in node.items() if isinstance(node, Mapping) else ():
                if key.value in _REGISTRY_KEYS and (span := _hub_below(value)) is not None:
                    return span
    return None


def _hub_below(node: Node) -> Span | None:
    for one in walk(node):
        if isinstance(one, Scalar) and (found := _HUB.search(one.value)):
            return one.locate(*found.span()) or one.span
    return None


def _registry_of_policy(file: SourceFile) -> Span | None:
    text = file.text
    if not _POLICY_KIND.search(text) or is_ecr(text) or "amazonaws.com" in text:
        return None
    if re.search(r"\bname:[^\n]*(?:disallow|deny|block|forbid)", text):
        return None
    found = _ALLOWED.search(text)
    return Span(*found.span("host")) if found is not None else None


def _add_ons(surveyed: Surveyed) -> Iterator[Hazard]:
    if not moved(surveyed) or _pushes_to_hub(surveyed):
        return
    for workflow in workflows_of(surveyed):
        for _, step in workflow.steps:
            if step.uses is not None and step.uses.repository in _ADD_ONS:
                yield ADD_ONS.at(workflow.file, step.uses.node.span, *_why_add_on(step.uses.name))
    for path in sorted(one for one in surveyed.tree.paths if _README.match(one)):
        file = surveyed.tree.file(path)
        found = _BADGE.search(file.text) if file is not None else None
        if file is not None and found is not None:
            yield ADD_ONS.at(file, Span(*found.span()), *_why_add_on(tr("this badge")))


def _why_add_on(name: str) -> tuple[str, str]:
    return (
        tr(
            "{name} works with Docker Hub alone, and this tree pushes nothing there any more: it "
            "shows or updates an image that nobody renews",
            name=name,
        ),
        tr("remove it, or replace it by what ECR has (scans on push, repository descriptions)"),
    )


def _pushes_to_hub(surveyed: Surveyed) -> bool:
    """Whether something may still be pushed to the Hub, as far as can be seen."""
    return any(
        use.registry in (None, DOCKER_HUB)
        and (use.mention.role == "push" or (use.mention.role == "tag" and _in_pipeline(use)))
        for use in surveyed.uses
    )


def _in_pipeline(use: Use) -> bool:
    return use.mention.kind.startswith("gha-")


def _logs_in_to_hub(surveyed: Surveyed) -> bool:
    return any(
        use.mention.role == "login" and use.registry in (None, DOCKER_HUB) for use in surveyed.uses
    )


DOCUMENTS = Check(
    "hub-secrets-asked-for",
    "low",
    tr("Documents still ask for Docker Hub credentials"),
    _documents,
)
READERS = Check(
    "hub-named-by-readers",
    "medium",
    tr("A bot or an admission policy knows Docker Hub and not ECR"),
    _readers,
)
ADD_ONS = Check(
    "hub-extras-left", "low", tr("Something that works with Docker Hub alone is left"), _add_ons
)
CHECKS = (READERS, DOCUMENTS, ADD_ONS)
