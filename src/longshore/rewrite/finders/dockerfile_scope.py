"""What a Dockerfile's variables hold where an image is named: ARGs, platforms, overrides. Pure.

Before the first FROM an ARG is global, and only global ARGs and the platform ARGs count in FROM. A
default may use other ARGs. An ARG without a default is looked up among the build arguments that
other files of the tree give; the architecture is open, since nobody knows who builds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from longshore.rewrite.mentions import OPEN, BuildArgument
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.dockerfile import Dockerfile, Instruction, Stage, Word
from longshore.rewrite.syntax.dockerfile_variables import BadSubstitution, Expansion, expand
from longshore.rewrite.syntax.traced import UNKNOWN, Run, Traced, joined, made, placed

PLATFORM_VALUES = {
    **{f"{side}{what}": UNKNOWN for side in ("TARGET", "BUILD") for what in ("PLATFORM", "ARCH")},
    **{f"{side}VARIANT": UNKNOWN for side in ("TARGET", "BUILD")},
    **{f"{side}OSVERSION": UNKNOWN for side in ("TARGET", "BUILD")},
    **{f"{side}OS": made("linux") for side in ("TARGET", "BUILD")},
    "TARGETSTAGE": UNKNOWN,
}
PLATFORM_ARGUMENTS = frozenset(PLATFORM_VALUES)


_CONTEXT = "context:"


def named_context(dockerfile: str, name: str, value: str, file: str, span: Span) -> BuildArgument:
    """What a file says when it gives a build of the Dockerfile a context of this name."""
    return BuildArgument(dockerfile, _CONTEXT + name.strip().lower(), value, file, span)


@dataclass(frozen=True)
class Home:
    """Where a Dockerfile's text stands: `path`, and the span there for characters of the text."""

    path: str
    locate: Callable[[int, int], Span | None]
    arguments: Mapping[str, BuildArgument] = field(default_factory=dict)

    def has_context(self, name: str) -> bool:
        """Whether the tree gives a context of this name, which no image has without a context."""
        return _CONTEXT + name.lower() in self.arguments and not any(one in name for one in "/:@")

    def trace(self, one: Instruction, word: Word) -> Traced:
        """A word of an instruction with the place of its characters."""
        runs = []
        for offset, span in one.line.parts(word.at, word.end):
            text = one.line.text[offset : offset + span.end - span.start]
            there = self.locate(span.start, span.end)
            if there is None or there.end - there.start != len(text):
                runs.append(made(text))
            else:
                runs.append(placed(text, self.path, there.start))
        return joined(runs)


@dataclass
class Variables:
    """Values by name; `because` says which build arguments an open value waits for."""

    home: Home
    values: dict[str, Traced] = field(default_factory=dict)
    because: dict[str, list[str]] = field(default_factory=dict)

    def fill(self, word: Traced, escape: str) -> Expansion | None:
        """A word filled in; None when BuildKit would refuse it. Missing are the roots."""
        try:
            found = expand(word, self.values, escape)
        except BadSubstitution:
            return None
        roots = [root for name in found.missing for root in self.because.get(name, [name])]
        found.missing = list(dict.fromkeys(roots))
        return found

    def declare(self, instructions: Iterable[Instruction], outer: Variables | None = None) -> None:
        """Take the ARGs of these instructions, in order."""
        for one in instructions:
            if one.keyword != "ARG":
                continue
            for setting in one.assignments:
                self._set(one, setting.name.text, setting.value, outer)

    def _set(
        self, one: Instruction, name: str, default: Word | None, outer: Variables | None
    ) -> None:
        if default is not None:
            found = self.fill(self.home.trace(one, default), one.escape)
            self.values[name] = found.value if found else UNKNOWN
            if found and found.missing:
                self.because[name] = found.missing
            return
        if outer is not None and name in outer.values:
            self.values[name] = outer.values[name]
            self.because.update({name: outer.because[name]} if name in outer.because else {})
        given = self.home.arguments.get(name)
        if name not in self.values and given is not None:
            self.values[name] = _given(given)


def global_variables(dockerfile: Dockerfile, home: Home) -> Variables:
    """What FROM lines can use."""
    made_of = Variables(home, dict(PLATFORM_VALUES))
    made_of.declare(dockerfile.heads)
    return made_of


def stage_variables(stage: Stage, outer: Variables) -> Variables:
    """What the ARGs of a stage hold, with the global ones below (builders other than BuildKit)."""
    made_of = Variables(outer.home, dict(outer.values), dict(outer.because))
    made_of.declare(stage.instructions, outer)
    return made_of


def _given(argument: BuildArgument) -> Traced:
    span = argument.span
    if OPEN in argument.value or span.end - span.start != len(argument.value):
        return made(argument.value)
    return Traced((Run(argument.value, argument.file, span.start),)) if argument.value else made("")
