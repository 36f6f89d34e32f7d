"""Images that the shell of a Dockerfile's RUN names: `RUN skopeo copy docker://…`. Pure.

Rare, but they are pulled at each build. Only instructions that speak of a program for images are
read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from longshore.rewrite.finders.dockerfile_scope import Home, Variables
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.dockerfile import Dockerfile, Instruction, Stage

_KIND = "dockerfile-run"
_PROGRAMS = re.compile(r"\b(?:docker|podman|nerdctl|skopeo|crane|buildah|oras|regctl)\s+[a-z-]")
_MOST_READ = 100_000  # characters of one instruction


def images_run(
    dockerfile: Dockerfile, home: Home, variables: Callable[[Stage], Variables]
) -> list[Mention]:
    """What the RUN instructions of all stages pull; what they build or push stays in the build."""
    found: list[Mention] = []
    for stage in dockerfile.stages:
        for one in stage.instructions:
            if one.keyword != "RUN" or one.json is not None:
                continue
            for text, locate in _scripts(one, home):
                if len(text) < _MOST_READ and _PROGRAMS.search(text):
                    known = {name: value.text for name, value in variables(stage).values.items()}
                    script = Script(
                        text, locate, _KIND, "build", stage.label, variables=known, path=home.path
                    )
                    found += [each for each in mentions_in(script) if each.role == "pull"]
    return found


def _scripts(
    one: Instruction, home: Home
) -> Iterator[tuple[str, Callable[[int, int], Span | None]]]:
    """The shell text of a RUN and of its heredocs, each with the place of its characters."""

    def in_line(start: int, end: int) -> Span | None:
        span = one.line.locate(one.arguments.at + start, one.arguments.at + end)
        return home.locate(span.start, span.end) if span is not None else None

    yield one.arguments.text, in_line
    for each in one.heredocs:
        first = each.body.start

        def in_body(start: int, end: int, first: int = first) -> Span | None:
            return home.locate(first + start, first + end)

        yield each.text, in_body
