"""Reads `longshore.yaml`: text in, a typed Config out, or every mistake at once. Pure.

The steps: `document` reads YAML with places, `literals` looks for secrets, `schema` and `shapes`
give values their types; here the sections are compared with each other. YAML is only imported when
a config is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from longshore.errors import ConfigError, Problem
from longshore.provision.settings import Config
from longshore.text import tr

DEFAULT_NAME = "longshore.yaml"


def parse_config(
    text: str, filename: str = DEFAULT_NAME, environ: Mapping[str, str] | None = None
) -> Config:
    """Read a config; `environ` fills in `${ENV}`.

    Raises ConfigError with all problems, in the order of the file.
    """
    from longshore.provision.document import parse_document
    from longshore.provision.literals import find_secrets
    from longshore.provision.schema import config_shape
    from longshore.provision.shapes import Reading

    root, problems = parse_document(text.removeprefix("\ufeff"), filename)
    if root is None:
        raise _config_error(problems)
    reading = Reading(environ or {})
    config = config_shape().read(root, reading)
    if config is not None:
        reading.problems += _contradictions(config)
    if problems := _in_order([*problems, *find_secrets(root)], reading.problems):
        raise _config_error(problems)
    if config is None:
        raise _config_error([Problem(root.where, tr("the file cannot be read"))])
    return replace(config, filename=filename, text=text)


def config_schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    import json

    from longshore.provision.schema import schema_text

    schema: dict[str, Any] = json.loads(schema_text())
    return schema


def _contradictions(config: Config) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int | None] = {}
    for rule in config.images:
        pair = (rule.source.name, rule.target)
        if pair in seen:
            message = tr(
                "{source} goes to {target} twice, first in line {line}",
                source=rule.source.name,
                target=rule.target,
                line=seen[pair],
            )
            yield Problem(rule.where, message, hint=tr("put the tags into one entry"))
        seen.setdefault(pair, rule.where.line)


def _in_order(first: Iterable[Problem], others: Iterable[Problem]) -> list[Problem]:
    """By place. Where one of the first stands nothing else is said: it might repeat a secret."""
    found = {problem.where: problem for problem in first}
    rest = [problem for problem in others if problem.where not in found]
    return sorted([*found.values(), *rest], key=lambda p: (p.where.line or 0, p.where.column or 0))


def _config_error(problems: list[Problem]) -> ConfigError:
    if len(problems) == 1:
        return ConfigError(problems)
    first = problems[0]
    what = tr(
        "{count} mistakes in {file}; the first: {message}",
        count=len(problems),
        file=first.where.file,
        message=first.message,
    )
    return ConfigError(problems, what)
