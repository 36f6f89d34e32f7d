"""Shell in workflows: `run:` steps, scripts sent to servers, commands given to actions. Pure.

Variables come from `env`, expressions from the matrix and the other contexts; where they have
several values the script is read once for each set of values that it can see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from longshore.rewrite.finders.command_files import looks_like_powershell, powershell_as_shell
from longshore.rewrite.finders.shape import known_tags, name_of
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.finders.workflow_places import MATRIX_KIND, Places, Sort
from longshore.rewrite.mentions import OPEN, Mention, Piece, Pulled
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.expression_grammar import split_template
from longshore.rewrite.syntax.expressions import Contexts, Table, Text, options_of, texts_of
from longshore.rewrite.syntax.workflow import Step
from longshore.rewrite.syntax.yaml_nodes import Scalar

KIND = "gha-run"
_MOST_READINGS = 12
_TOOLS = re.compile(
    r"docker|podman|nerdctl|buildah|skopeo|crane|cosign|trivy|grype|syft|kaniko|regctl|oras"
    r"|kubectl|helm|kind|k3d|minikube|pack\b|ctr\b|crictl|singularity|apptainer|image|dive|dockle"
    r"|\bact\b|earthly|imgpkg|ko\b",
    re.IGNORECASE,
)
# A base or a builder that is handed on; one's own image is not called so.
_DEFINES = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?:\w+_)?(?:BASE|BUILDER|RUN|NODE|KIND|TEST|RUNTIME|DB)_IMAGE="
    r"[\"']?[a-z0-9]",
    re.MULTILINE,
)
_NOT_SHELL = ("python", "node", "perl", "ruby", "pwsh -c", "deno")
_WHOLE = re.compile(r"\$\{\{((?:[^}]|\}(?!\}))*)\}\}\Z")
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<bare>\w+))(?P<rest>.*)\Z", re.DOTALL)

# Inputs that are shell text, by action; `host` runs on another machine.
SCRIPT_INPUTS: dict[str, tuple[str, Pulled]] = {
    "azure/cli": ("inlinescript", "host"),
    "google-github-actions/ssh-compute": ("command", "host"),
    "nick-fields/retry": ("command", "host"),
    "nick-invision/retry": ("command", "host"),
    "wandalen/wretry.action": ("command", "host"),
    "matheusvanzan/sshpass-action": ("run", "host"),
    "nrwl/nx-set-shas": ("command", "host"),
    "actions-hub/kubectl": ("args", "node"),
    "steebchen/kubectl": ("args", "node"),
    "kodermax/kubectl-aws-eks": ("args", "node"),
    "ianbelcher/eks-kubectl-action": ("args", "node"),
    "docker/compose": ("args", "host"),
}
_PROGRAM = {"actions-hub/kubectl", "steebchen/kubectl", "kodermax/kubectl-aws-eks"}
_SSH_INPUTS = ("script", "command", "commands", "run", "cmd")


@dataclass(frozen=True, eq=False)
class _Shell:
    """Shell text of one scalar: what stands before it, and when its images are fetched."""

    scalar: Scalar
    before: str
    pulled: Pulled
    kind: str


def run_mentions(places: Places, step: Step) -> Iterator[Mention]:
    """The images that a step's commands name."""
    for shell in _shells(step):
        if not _TOOLS.search(shell.before + shell.scalar.value):
            continue
        found = list(_read(places, step, shell))
        for mention in found:
            yield from _settled(places, step, shell, mention)


def _shells(step: Step) -> Iterator[_Shell]:
    if step.run is not None and not step.shell.lower().startswith(_NOT_SHELL):
        yield _Shell(step.run, "", "host", KIND)
    if step.uses is None or not step.uses.name:
        return
    action = step.uses.repository
    if action in SCRIPT_INPUTS:
        name, pulled = SCRIPT_INPUTS[action]
        scalar = step.input(name)
        if scalar is not None:
            yield _Shell(scalar, "kubectl " if action in _PROGRAM else "", pulled, KIND)
    elif "ssh" in action:
        for name in _SSH_INPUTS:
            scalar = step.input(name)
            if scalar is not None:
                yield _Shell(scalar, "", "host", KIND)


def _read(places: Places, step: Step, shell: _Shell) -> Iterator[Mention]:
    """The mentions in all sets of values; those that differ in the tag alone as one."""
    groups: dict[tuple[object, ...], list[Mention]] = {}
    for variables, times in _variables(places, step, shell.scalar):
        script = _script(places, shell, variables, times)
        used = mentions_in(script)
        for mention in [*used, *_defined(places, script, {one.span for one in used})]:
            written = places.file.cut(mention.span)
            if written != mention.text:
                mention = replace(mention, text=written, value=mention.expanded)
            key = (mention.span, mention.role, name_of(mention.expanded))
            groups.setdefault(key, []).append(mention)
    for (_, _, name), group in groups.items():
        first = group[0]
        times = sum(one.times for one in group)
        if len({one.expanded for one in group}) > 1:
            needs = first.needs or "matrix"
            tags = known_tags(one.expanded for one in group)
            yield replace(first, value=f"{name}:{OPEN}", times=times, needs=needs, tags=tags)
        else:
            yield replace(first, times=times)


def _defined(places: Places, script: Script, used: set[Span]) -> Iterator[Mention]:
    """Bases and builders that are written into a variable and handed on."""
    if _DEFINES.search(script.text):
        for mention in mentions_in(script, definitions=True):
            line = places.file.line_of(mention.span.start)
            if mention.span not in used and _DEFINES.search(line):
                yield mention


def _script(places: Places, shell: _Shell, variables: Mapping[str, str], times: int) -> Script:
    shift = len(shell.before)

    def locate(start: int, end: int) -> Span | None:
        return shell.scalar.locate(start - shift, end - shift) if start >= shift else None

    text = shell.before + shell.scalar.value
    known = variables
    if looks_like_powershell(text):
        text, own = powershell_as_shell(text)
        known = {**own, **variables}
    return Script(
        text, locate, shell.kind, shell.pulled, places.job, times, known, path=places.file.path
    )


def _variables(places: Places, step: Step, scalar: Scalar) -> list[tuple[dict[str, str], int]]:
    """The values that the script can see, and in how many combinations it sees them."""
    expressions = [piece for _, piece, is_one in split_template(scalar.value) if is_one]
    found: dict[tuple[tuple[str, str], ...], int] = {}
    for contexts in places.scope.of_step(step):
        for values in _values(expressions, scalar, contexts):
            key = tuple(sorted(values.items()))
            found[key] = found.get(key, 0) + 1
    most = list(found.items())[:_MOST_READINGS]
    return [(dict(key), times) for key, times in most]


def _values(expressions: list[str], scalar: Scalar, contexts: Contexts) -> list[dict[str, str]]:
    """The variables and expressions with their values; where one has several, the set is split."""
    made: list[dict[str, str]] = [{}]
    env = contexts.get("env")
    if isinstance(env, Table):
        for name, value in env.entries.items():
            if re.search(rf"\b{re.escape(name)}\b", scalar.value):
                texts = [one.text for one in options_of(value) if isinstance(one, Text)]
                made = _split(made, name, texts)
    for inner in dict.fromkeys(expressions):
        texts = [one.text for one in texts_of("${{" + inner + "}}", contexts)]
        made = _split(made, inner.strip(), [one for one in texts if one] or texts)
    return made


def _split(made: list[dict[str, str]], name: str, texts: list[str]) -> list[dict[str, str]]:
    if not texts:
        return made
    return [{**one, name: text} for one in made for text in texts][:_MOST_READINGS]


def _settled(places: Places, step: Step, shell: _Shell, mention: Mention) -> Iterator[Mention]:
    """A mention that is wholly one expression is read again, so that its place is found."""
    match = _WHOLE.match(mention.text)
    if match is None:
        piece = _env_piece(places, step, mention)
        yield mention if piece is None or mention.pieces else replace(mention, pieces=(piece,))
        return
    at = _offset_of(shell.scalar, mention, places)
    sort = Sort(shell.kind, mention.role, mention.pulled, mention.built, open_too=True)
    again = [] if at is None else places.value(shell.scalar, sort, step, at, at + len(mention.text))
    matrix = [one for one in again if one.kind == MATRIX_KIND]
    yield from matrix or [mention]


def _offset_of(scalar: Scalar, mention: Mention, places: Places) -> int | None:
    """Where a mention stands in its scalar's value."""
    at = -1
    for _ in range(200):
        at = scalar.value.find(mention.text, at + 1)
        if at < 0:
            return None
        if scalar.locate(at, at + len(mention.text)) == mention.span:
            return at
    return None


def _env_piece(places: Places, step: Step, mention: Mention) -> Piece | None:
    """The `env:` line that gives the beginning of a reference, when the script uses it as is."""
    match = _VARIABLE.match(mention.text)
    if match is None:
        return None
    name, rest = match["braced"] or match["bare"], match["rest"]
    for layer in (step.env, *reversed(places.scope.env)):
        scalar = layer.get(name)
        if scalar is None:
            continue
        if "${{" in scalar.value or not mention.expanded.startswith(scalar.value):
            return None
        part = "registry" if rest.startswith("/") else "repository" if rest else "reference"
        return places.piece(scalar, 0, len(scalar.value), part)  # type: ignore[arg-type]
    return None
