"""Dockerfiles and Containerfiles, whatever they are called, and Dockerfile text elsewhere. Pure.

Kinds dockerfile-from, dockerfile-copy-from, dockerfile-mount-from and dockerfile-syntax. Names that
end like another language (`Dockerfile.go`) are looked into: only what begins like a Dockerfile is
one. Templates (`Dockerfile.j2`) are read the same way; names with template marks are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from longshore.rewrite.finders.dockerfile_images import MARKERS, images_in, is_full
from longshore.rewrite.finders.dockerfile_scope import Home
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.mentions import BuildArgument, Mention
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.dockerfile import Dockerfile, parse_dockerfile, parse_text

_NAME = re.compile(
    r"(?:.*[._ -])?(?:docker|container)file(?:[0-9]*|[._ -].*|\..*)\Z"
    r"|.+(?:docker|container)file\Z"
)
_SURE = re.compile(r"(?:.*\.)?(?:docker|container)file(?:[._-].*)?\Z")
_LANGUAGE = re.compile(
    r"\.(?:py|js|mjs|cjs|jsx|ts|tsx|go|rb|rs|java|kt|scala|groovy|gradle|php|pl|pm|lua|c|h|cc|cpp|cs|"
    r"swift|dart|ex|exs|hs|ml|clj|r|jl|el|vim|sh|bash|zsh|fish|ps1|bat|cmd|sql|json|ya?ml|toml|txt|"
    r"ini|cfg|conf|properties|env|tf|hcl|nix|bzl|star|cue|jsonnet|rego|proto|mk|make|tape)\Z"
)
_NEVER = re.compile(
    r"\.(?:dockerignore|containerignore|md|mdx|markdown|rst|adoc|html?|xml|svg|png|jpe?g|gif|pdf|pyc|"
    r"class|jar|lock|sum|map|snap|sha256|sig|asc|log|diff|patch|po|pot|css|scss|csv|tsv|ipynb)\Z"
)
_TEMPLATE = re.compile(
    r"\.(?:j2|jinja2?|tpl|tmpl|template|tmplt|erb|in|mustache|hbs|handlebars|ejs|gotmpl|m4|liquid|"
    r"twig|njk|ftl|vm|eex|epp|mako|tt)(?:\.[\w-]+)?\Z"
)
_BEGINS = frozenset({"ARG"})
_FIRST = re.compile(r"\ufeff?(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*(?:ARG|FROM)[ \t]", re.IGNORECASE)
_OTHER_FILE = re.compile(
    r"(?:earth|model|make|jenkins|vagrant|tilt|gem|rake|proc|pip)file\Z|license"
)
_INSTRUCTIONS = frozenset({
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "RUN"),
    *("MAINTAINER", "ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
})  # fmt: skip


def takes(path: str) -> bool:
    """Whether a path may be a Dockerfile by its name."""
    name = path.rpartition("/")[2].lower()
    return _NAME.match(name) is not None and _NEVER.search(name) is None


def is_template(path: str) -> bool:
    """Whether a path is a template of a Dockerfile."""
    return _TEMPLATE.search(path.lower()) is not None


def find(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a Dockerfile."""
    dockerfile = parse_dockerfile(file)
    name = file.name.lower()
    sure = is_template(name) or (_SURE.match(name) and not _LANGUAGE.search(name))
    if not sure and not is_dockerfile(dockerfile):
        return None
    found = images_in(dockerfile, Home(file.path, Span, tree.build_arguments(file.path)))
    if is_template(name) and MARKERS.search(file.text):
        # A bare name may be a stage that an expression names.
        return [one for one in found if one.kind == "dockerfile-from" or is_full(one.text)]
    return found


def is_dockerfile(dockerfile: Dockerfile) -> bool:
    """Whether a text begins as Dockerfiles do: with FROM, or with ARGs and then FROM."""
    heads = {one.keyword for one in dockerfile.heads}
    froms = [stage.start.words for stage in dockerfile.stages]
    well_made = all(
        len(words) in (1, 3) and (len(words) == 1 or words[1].text.upper() == "AS")
        for words in froms
    )
    return bool(froms) and well_made and heads <= _BEGINS


def mentions_in_dockerfile(
    text: str,
    locate: Callable[[int, int], Span | None],
    path: str,
    *,
    arguments: Mapping[str, BuildArgument] | None = None,
    kind: str | None = None,
    job: str | None = None,
) -> list[Mention]:
    """The images of Dockerfile text that stands inside another file.

    `locate` gives the span in the file `path` for characters of `text`. `kind` and `job` replace
    the mentions' own when they are given (`dockerfile-from` and so on, and the stage).
    """
    found = images_in(parse_text(text), Home(path, locate, arguments or {}))
    return [
        replace(one, kind=kind or one.kind, job=one.job if job is None else job) for one in found
    ]


def takes_any(path: str) -> bool:
    """Whether a file of another name may hold a Dockerfile: `web.docker`, `docker/web`."""
    name = path.rpartition("/")[2].lower()
    return name.endswith(".docker") or ("." not in name and _OTHER_FILE.match(name) is None)


def find_by_content(file: SourceFile, tree: Tree) -> Iterable[Mention] | None:
    """The images of a file that begins as a Dockerfile and has its instructions only."""
    if not _FIRST.match(file.text):
        return None
    dockerfile = parse_dockerfile(file)
    body = [one.keyword for stage in dockerfile.stages for one in stage.instructions]
    if not body or not _INSTRUCTIONS.issuperset(body) or not is_dockerfile(dockerfile):
        return None
    return images_in(dockerfile, Home(file.path, Span, tree.build_arguments(file.path)))


FINDER = Finder("dockerfile", takes, find, late=True)
BY_CONTENT = Finder(
    "dockerfile-by-content", takes_any, find_by_content, (b"FROM ", b"from "), late=True
)
