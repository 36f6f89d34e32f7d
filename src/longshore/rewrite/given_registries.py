"""Registries that a pipeline's step hands to what it builds and starts, by variable. Pure.

A Dockerfile may begin a name with an ARG whose default is Docker Hub, and a Compose file with a
variable; where the step sets it to another registry, nothing is pulled from Docker Hub. One value
of several is enough: the others are for pull requests of forks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from longshore.rewrite.finders.workflow_builds import BAKE, input_texts, is_build
from longshore.rewrite.judge import judge_value
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.expressions import Contexts, Table, Text, options_of, texts_of
from longshore.rewrite.syntax.workflow import Step
from longshore.rewrite.uses import Use

Given = Mapping[str, Sequence[str]]
_BEGINS = re.compile(r"\$(?:\{(?P<braced>\w+)(?::?-[^{}]*)?\}|(?P<bare>\w+))")
_EXPRESSION = re.compile(r"\$\{\{\s*env\.\w+\s*\}\}")
_OURS = re.compile(r"\$\{DOCKER_HUB\b")
_LINE = re.compile(r"^\s*[\"']?(?P<name>\w+)=(?P<value>.*?)[\"']?\s*$", re.MULTILINE)
_BAKED = re.compile(r"^\s*\*\.args\.(?P<name>\w+)=(?P<value>.*?)\s*$", re.MULTILINE)
_OPTION = re.compile(r"--build-arg(?:=|[ \t]+)[\"']?(?P<name>\w+)(?:=(?P<value>[^\s\"']*))?")


def given_by(step: Step, known: Contexts) -> tuple[Given, Given]:
    """What a step gives to builds, and to Compose: names with their possible values."""
    env = _environment(known)
    builds: dict[str, list[str]] = {}
    if is_build(step):
        for text in input_texts(step, known, "build-args", ""):
            for one in _LINE.finditer(text):
                builds.setdefault(one["name"], []).append(one["value"])
    elif step.uses is not None and step.uses.repository in BAKE:
        for text in input_texts(step, known, "set", ""):
            for one in _BAKED.finditer(text):
                builds.setdefault(one["name"], []).append(one["value"])
    elif step.run is not None:
        for text in (one.text for one in texts_of(step.run, known)):
            for one in _OPTION.finditer(text):
                values = [one["value"]] if one["value"] else env.get(one["name"], ())
                builds.setdefault(one["name"], []).extend(values)
    return builds, env


def is_elsewhere(use: Use, builds: Given, env: Given) -> bool:
    """Whether the variable that begins a use's name is set to another registry."""
    found = _BEGINS.match(use.mention.text)
    if found is None:
        return False
    given = env if use.mention.kind == "compose-image" else builds
    rest = use.mention.text[found.end() :]
    for value in given.get(found["braced"] or found["bare"], ()):
        judged = judge_value(value + _BEGINS.sub(OPEN, rest))
        if judged is not None and judged.status == "other":
            return True
    return False


def without_alternatives(uses: Iterable[Use]) -> list[Use]:
    """Without those that an `env` value also lets come from another registry."""
    every = list(uses)
    elsewhere = {
        (use.file, use.mention.span)
        for use in every
        if use.status == "other" and _EXPRESSION.match(use.mention.text)
    }
    return [use for use in every if (use.file, use.mention.span) not in elsewhere]


def without_public_default(uses: Iterable[Use]) -> list[Use]:
    """Without those whose registry is the variable that `rewrite` writes: pipelines set it."""
    return [use for use in uses if not _OURS.match(use.mention.text)]


def _environment(known: Contexts) -> dict[str, list[str]]:
    env = known.get("env")
    if not isinstance(env, Table):
        return {}
    return {
        name: [one.text for one in options_of(value) if isinstance(one, Text)]
        for name, value in env.entries.items()
    }
