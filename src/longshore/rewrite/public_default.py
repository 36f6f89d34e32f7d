"""The registry as a variable whose default is Docker Hub: for forks and people without AWS. Pure.

`FROM node:18` becomes `ARG DOCKER_HUB=docker.io` before the first FROM and
`FROM ${DOCKER_HUB}/library/node:18`; Compose's `image: postgres:15` becomes
`image: ${DOCKER_HUB:-docker.io}/library/postgres:15`. Who sets nothing gets what was there before;
who sets DOCKER_HUB to the registry with its prefix gets the copy. `COPY --from`, `RUN --mount from`
and `# syntax` take no variables, so what they name stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from longshore.rewrite.edits import Edit
from longshore.rewrite.finders.finder import Tree
from longshore.rewrite.judge import judge_value
from longshore.rewrite.mentions import Piece
from longshore.rewrite.plan import Decision
from longshore.rewrite.rename import name_end
from longshore.rewrite.source import SourceFile, Span, read_source
from longshore.rewrite.step_edits import line_end
from longshore.rewrite.syntax.dockerfile import Dockerfile, Instruction, parse_dockerfile
from longshore.text import tr

VARIABLE = "DOCKER_HUB"
HUB = "docker.io"
ARGUMENT = f"ARG {VARIABLE}={HUB}"
IN_DOCKERFILE = f"${{{VARIABLE}}}"
IN_COMPOSE = f"${{{VARIABLE}:-{HUB}}}"
_ARGUMENT = re.compile(rf"(?im)^(\ufeff?[ \t]*ARG[ \t]+{VARIABLE}=)docker\.io\b")
_OURS = re.compile(rf"\$\{{?{VARIABLE}\b")


def with_public_default(tree: Tree, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions with the edits of those whose registry is to be a variable."""
    return [_decided(tree, one) if one.mode == "variable" else one for one in decisions]


def as_set(file: SourceFile, registry: str) -> SourceFile:
    """A file as it reads for somebody who sets the variable."""
    text = _ARGUMENT.sub(lambda found: found[1] + registry, file.text)
    text = text.replace(IN_COMPOSE, registry)
    return read_source(file.path, file.encode(text)) or file


def _decided(tree: Tree, one: Decision) -> Decision:
    file = tree.file(one.use.file)
    if file is None:
        return one.kept(tr("the file cannot be read"))
    if _OURS.match(one.use.mention.text):
        return one.kept(tr("{name} decides, with Docker Hub as its default", name=VARIABLE))
    if one.use.mention.kind == "compose-image":
        made = _in_compose(file, one)
    else:
        made = _in_dockerfile(file, one)
    return one.kept(made) if isinstance(made, str) else replace(one, edits=made)


def _in_compose(file: SourceFile, one: Decision) -> tuple[Edit, ...] | str:
    mention = one.use.mention
    if any(piece.part not in ("tag", "digest") for piece in mention.pieces):
        return tr("its name is a variable already")
    edit = _edit(Piece(file.path, mention.span, mention.text), one, IN_COMPOSE)
    return edit if isinstance(edit, str) else (edit,)


def _in_dockerfile(file: SourceFile, one: Decision) -> tuple[Edit, ...] | str:
    dockerfile = parse_dockerfile(file)
    piece = _place(file, dockerfile, one)
    if isinstance(piece, str):
        return piece
    edit = _edit(piece, one, IN_DOCKERFILE)
    if isinstance(edit, str):
        return edit
    declared = _declared(file, dockerfile)
    if isinstance(declared, str):
        return declared
    return (*declared, edit)


def _place(file: SourceFile, dockerfile: Dockerfile, one: Decision) -> Piece | str:
    """The name in FROM, or in the ARG that FROM uses, if that stands before the first FROM."""
    mention = one.use.mention
    pieces = [piece for piece in mention.pieces if piece.part not in ("tag", "digest")]
    if not pieces:
        pieces = [Piece(file.path, mention.span, mention.text)]
    piece = pieces[0]
    if len(pieces) > 1 or piece.file != file.path or piece.part == "registry":
        return tr("its name is a variable already")
    at = piece.span.start
    if not any(_holds(head, at) for head in _places(dockerfile)):
        return tr("it stands where no variable of the Dockerfile counts")
    if file.text[at - 1 : at] == "'":
        return tr("it stands in single quotes, where no variable counts")
    return piece


def _places(dockerfile: Dockerfile) -> list[Instruction]:
    return [*dockerfile.heads, *(stage.start for stage in dockerfile.stages)]


def _holds(one: Instruction, at: int) -> bool:
    return one.span.start <= at < one.span.end


def _edit(piece: Piece, one: Decision, variable: str) -> Edit | str:
    name = piece.text[: name_end(piece.text)]
    judged = judge_value(name)
    if "$" in name or judged is None or judged.image != one.use.image or judged.image is None:
        return tr("its name is composed of variables: {text}", text=name)
    start = piece.span.start
    new = f"{variable}/{judged.image.partition('/')[2]}"
    return Edit(piece.file, Span(start, start + len(name)), name, new)


def _declared(file: SourceFile, dockerfile: Dockerfile) -> tuple[Edit, ...] | str:
    """The edit that declares the variable; none when it is declared as it should be."""
    for head in dockerfile.heads:
        for setting in head.assignments if head.keyword == "ARG" else ():
            if setting.name.text == VARIABLE:
                value = setting.value.text.strip("\"'") if setting.value is not None else ""
                if value == HUB:
                    return ()
                return tr("{name} means something else there", name=VARIABLE)
    first = _places(dockerfile)[0]
    at = file.offset(_line_above(file, dockerfile, first))
    return (Edit(file.path, Span(at, at), "", ARGUMENT + line_end(file)),)


def _line_above(file: SourceFile, dockerfile: Dockerfile, first: Instruction) -> int:
    """Before the first instruction and the comments that belong to it, behind all directives."""
    line = own = file.place(first.span.start)[0]
    lowest = max((file.place(one.span.end)[0] for one in dockerfile.directives), default=0)
    while line - 1 > lowest and file.line_of(file.offset(line - 1)).lstrip().startswith("#"):
        line -= 1
    if line > 1 and line - 1 != lowest:
        return line
    while own - 1 > lowest and "hadolint" in file.line_of(file.offset(own - 1)):
        own -= 1
    return own
