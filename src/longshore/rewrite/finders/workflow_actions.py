"""What actions of others pull: their own image, their Dockerfile's, their steps'. Pure.

Their metadata is read through the tree under a reserved prefix, when it was given; no path of a
tree begins like that. What they pull is mentioned at the `uses:` that names them, as hidden.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote

from longshore.rewrite.finders.dockerfile_images import images_in
from longshore.rewrite.finders.dockerfile_scope import Home
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.finders.shape import name_of
from longshore.rewrite.finders.workflow_login import uses_span
from longshore.rewrite.finders.workflow_places import Places
from longshore.rewrite.mentions import OPEN, Mention, Sighting
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.dockerfile import parse_dockerfile
from longshore.rewrite.syntax.expressions import Table, Text, Value, one_of, plain, texts_of
from longshore.rewrite.syntax.workflow import ActionFile, Step, Uses, parse_action
from longshore.rewrite.syntax.workflow_scope import Scope, scope_of_action

KIND = "gha-implicit"
PREFIX = "\0actions/"
DEEPEST = 3
_FILES = ("action.yml", "action.yaml")


def action_of(tree: Tree, uses: Uses) -> ActionFile | None:
    """The metadata of another repository's action, when it was given."""
    folder = _folder(uses)
    if not folder:
        return None
    for name in _FILES:
        file = tree.file(f"{folder}/{name}")
        action = parse_action(file) if file is not None else None
        if action is not None:
            return action
    return None


def own_images(tree: Tree, action: ActionFile) -> Iterator[Mention]:
    """The image of a Docker action: the one it names, or those that its Dockerfile begins with."""
    image = action.image if action.using == "docker" else None
    if image is None:
        return
    name = image.value.strip()
    if name.lower().startswith("docker://"):
        yield Mention(KIND, "pull", Span(0, 0), "", name[len("docker://") :], "setup")
        return
    path = _beside(action.file.path, name)
    file = tree.file(path) if path else None
    if file is None:
        return
    for one in images_in(parse_dockerfile(file), Home(file.path, Span)):
        if not one.condition:
            yield replace(one, value=one.expanded, pulled="setup")


def inner_scope(action: ActionFile, places: Places, step: Step) -> Scope:
    """The scope of a composite action as this step calls it: its inputs are the step's."""
    scope = scope_of_action(action)
    known = scope.contexts.get("inputs")
    given = known.entries if isinstance(known, Table) else {}
    # An input that is empty unless given leaves a gap in a command: what follows is no image.
    entries: dict[str, Value] = {
        name: value
        for name, value in given.items()
        if not (isinstance(value, Text) and not value.text.strip())
    }
    for name, scalar in step.with_.items():
        texts = [one.text for here in places.scope.of_step(step) for one in texts_of(scalar, here)]
        values = [plain(text) for text in dict.fromkeys(texts)]
        if values:
            for key in [key for key in entries if key.lower() == name]:
                del entries[key]
            entries[name] = one_of(values)
    return Scope({**scope.contexts, "inputs": Table(entries, open=True)}, (), action.steps)


def as_hidden(places: Places, step: Step, found: Iterable[Sighting]) -> Iterator[Mention]:
    """What an action pulls, mentioned at the step that uses it; open names are left out."""
    span = uses_span(places, step.uses) if step.uses is not None else None
    if span is None:
        return
    times, seen = len(places.scope.of_step(step)), set()
    for one in found:
        if not isinstance(one, Mention) or one.role != "pull" or one.expanded in seen:
            continue
        seen.add(one.expanded)
        if OPEN in name_of(one.expanded):
            continue
        yield Mention(
            KIND,
            "pull",
            span,
            places.file.cut(span),
            one.expanded,
            one.pulled or "setup",
            places.job,
            times,
            implicit=True,
            needs=one.needs,
        )


def _folder(uses: Uses) -> str:
    """The reserved path of the folder that a `uses:` names."""
    if uses.is_docker or uses.is_local or "${{" in uses.text or "\0" in uses.text:
        return ""
    name, _, ref = uses.text.partition("@")
    parts = name.strip().split("/")
    if "://" in name or len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        return ""
    owner, repository, *path = parts
    version = quote(ref.strip(), safe="") or "-"
    return PREFIX + "/".join([owner, repository, version, *path])


def _beside(file: str, name: str) -> str:
    """A path beside an action's file; empty when it leads out of the repository."""
    root = "/".join(file.split("/")[:4])
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
    return path if path.startswith(root + "/") else ""
