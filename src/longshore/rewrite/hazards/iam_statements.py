"""IAM statements that stand in a tree: JSON, CloudFormation and its like, Terraform. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from longshore.rewrite.hazards.aws_files import ACTION, files_with
from longshore.rewrite.hazards.hazard import Surveyed
from longshore.rewrite.hazards.policy_texts import policy_texts
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax import hcl as terraform
from longshore.rewrite.syntax.hcl_reader import hcl
from longshore.rewrite.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, documents, walk

_YAML = (".yml", ".yaml", ".template")


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement that allows something. `span` is where its first action for ECR stands."""

    file: SourceFile
    span: Span
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditional: bool


def statements_about_ecr(surveyed: Surveyed) -> Iterator[Statement]:
    """Every statement that allows an action of ECR, file by file."""
    yield from _in_json(surveyed)
    for path in files_with(surveyed, ACTION):
        file = surveyed.tree.file(path)
        if file is None:
            continue
        if path.endswith(".tf"):
            yield from _in_body(file, hcl(file), 0)
        elif path.endswith(_YAML) and b"Effect" in file.data:
            yield from _in_yaml(file)


def is_of_ecr(action: str) -> bool:
    """Whether an action is one of private ECR."""
    return action.lower().startswith("ecr:")


def _in_json(surveyed: Surveyed) -> Iterator[Statement]:
    for one in policy_texts(surveyed):
        if not one.file.path.endswith((*_YAML, ".tf")) or "${" not in one.text:
            for each in _listed(one.value.get("Statement")):
                found = _of_json(each)
                if found is not None:
                    actions, resources, conditional = found
                    first = next(name for name in actions if is_of_ecr(name))
                    span = one.place_of(f'"{first}"')
                    yield Statement(one.file, span, actions, resources, conditional)


def _of_json(one: Any) -> tuple[tuple[str, ...], tuple[str, ...], bool] | None:
    if not isinstance(one, dict) or one.get("Effect") != "Allow" or "Principal" in one:
        return None
    actions = tuple(str(name) for name in _listed(one.get("Action")))
    resources = tuple(str(name) for name in _listed(one.get("Resource")))
    if not any(is_of_ecr(name) for name in actions):
        return None
    return actions, resources, bool(one.get("Condition"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _in_yaml(file: SourceFile) -> Iterator[Statement]:
    for root in documents(file).documents:
        for node in walk(root):
            if not isinstance(node, Mapping) or node.text("Effect") != "Allow":
                continue
            actions = _scalars(node.get("Action"))
            first = next((one for one in actions if is_of_ecr(one.value)), None)
            if first is None or node.get("Principal") is not None:
                continue
            resources = tuple(one.value for one in _scalars(node.get("Resource")))
            names = tuple(one.value for one in actions)
            conditional = node.get("Condition") is not None
            yield Statement(file, first.span, names, resources, conditional)


def _scalars(node: Node | None) -> list[Scalar]:
    items = node.items if isinstance(node, Sequence) else [node]
    return [one for one in items if isinstance(one, Scalar) and not one.tag.startswith("!")]


def _in_body(file: SourceFile, body: terraform.Body, depth: int) -> Iterator[Statement]:
    for attribute in body.attributes:
        for one in terraform.walk(attribute.value):
            if isinstance(one, terraform.Object) and (found := _of_object(file, one)):
                yield found
    for block in body.blocks:
        if block.type == "statement":
            yield from _of_block(file, block.body)
        if depth < 20:
            yield from _in_body(file, block.body, depth + 1)


def _of_object(file: SourceFile, one: terraform.Object) -> Statement | None:
    effect = one.get("Effect")
    if not isinstance(effect, terraform.Template) or effect.literal != "Allow":
        return None
    if one.get("Principal") is not None:
        return None
    conditional = one.get("Condition") is not None
    return _made(file, one.get("Action"), one.get("Resource"), conditional)


def _of_block(file: SourceFile, body: terraform.Body) -> Iterator[Statement]:
    if body.text("effect") not in (None, "Allow") or any(body.all("principals")):
        return
    conditional = any(body.all("condition"))
    found = _made(file, body.get("actions"), body.get("resources"), conditional)
    if found is not None:
        yield found


def _made(
    file: SourceFile,
    actions: terraform.Expression | None,
    resources: terraform.Expression | None,
    conditional: bool,
) -> Statement | None:
    said = _strings(actions)
    first = next((span for text, span in said if is_of_ecr(text)), None)
    if first is None:
        return None
    names = tuple(text for text, _ in said)
    return Statement(file, first, names, tuple(one for one, _ in _strings(resources)), conditional)


def _strings(expression: terraform.Expression | None) -> list[tuple[str, Span]]:
    items = expression.items if isinstance(expression, terraform.Listing) else (expression,)
    return [
        (one.literal, one.span)
        for one in items
        if isinstance(one, terraform.Template) and one.literal is not None
    ]
