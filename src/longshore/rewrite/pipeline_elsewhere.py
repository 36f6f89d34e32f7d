"""What one run of the other pipelines of a tree pulls: GitLab, CircleCI and their like. Pure.

Their rules are not evaluated: every job of the file is counted once, each image once a job, and
what their scripts build.
"""

from __future__ import annotations

from collections.abc import Iterator

from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.pipeline_jobs import Event, Pull, Uses, once_a_job, pulls_of_work
from longshore.rewrite.source import SourceFile
from longshore.rewrite.syntax.yaml_nodes import Scalar, documents, walk
from longshore.rewrite.triggers import Trigger

KINDS = frozenset({
    *("gitlab-ci", "circleci", "drone", "woodpecker", "azure-pipelines", "bitbucket", "travis"),
    *("bitbucket-pipelines", "cloudbuild", "buildkite", "jenkinsfile", "semaphore", "appveyor"),
    *("codefresh", "screwdriver", "buddy", "codebuild", "concourse", "harness"),
})  # fmt: skip
_NAMES = ("buildspec.yml", "buildspec.yaml")


def pulls_elsewhere(uses: Uses, tree: Tree) -> list[tuple[str, list[Pull]]]:
    """The pulls of each other pipeline file, by its path."""
    event = Event(tree, uses, Trigger("push", "main"))
    found = []
    for path in uses.files:
        kinds = {one.mention.kind for one in uses.of(path)}
        if kinds & KINDS:
            found.append((path, once_a_job(_of_file(event, path))))
    return found


def _of_file(event: Event, path: str) -> Iterator[Pull]:
    for use in event.uses.of(path):
        mention = use.mention
        yield Pull(mention.job, use.reference, max(1, mention.times), mention.kind, use)
    file = event.tree.file(path)
    if file is not None and path.endswith((".yml", ".yaml")):
        yield from _built(event, file)


def _built(event: Event, file: SourceFile) -> Iterator[Pull]:
    for document in documents(file).documents:
        for node in walk(document):
            if not isinstance(node, Scalar) or (
                "build" not in node.value and "compose" not in node.value
            ):
                continue
            for work in event.work_of(node.value, ""):
                yield from pulls_of_work(event, work, "", 1)
