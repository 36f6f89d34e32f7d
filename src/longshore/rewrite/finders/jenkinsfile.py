"""Jenkinsfiles and shared libraries: agents, `docker.image`, pod templates, `sh` steps. Pure.

Steps: jenkins.io/doc/book/pipeline/docker, plugins docker-workflow and kubernetes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from longshore.oci.reference import DOCKER_HUB
from longshore.rewrite.finders.command_options import looks_like_image, may_be_image
from longshore.rewrite.finders.embedded_data import yaml_spots
from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import OPEN, Mention, Piece, Pulled, Role
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.groovy import Token, read_groovy
from longshore.rewrite.syntax.templates import COVER

KIND = "jenkinsfile"
MARKS = (b"docker", b"image", b"podman", b"Image", b"IMAGE", b"sh ", b"sh(", b"kubectl", b"helm")
_NAME = re.compile(
    r"(?:^|/)(?:[\w.-]*[Jj]enkins[Ff]ile[\w.-]*|[\w.-]+\.jenkins(?:file)?)\Z"
    r"|(?:^|/)(?:vars|jenkins|\.jenkins|\.ci|ci|pipelines?|jobs|src/\w+/jenkins)/(?:.*/)?[\w.-]+\.groovy\Z"
)
_STEPS = {"sh", "bat", "powershell", "pwsh"}
_AGENT_BLOCKS = {"docker", "dockerContainer"}
_INTERPOLATION = re.compile(r"\$\{\s*([^{}\n]{1,200})\}|\$([A-Za-z_][\w.]*)")
_SCOPES = re.compile(r"\$\{(?:env|params|config|this|args)\.(?=[A-Za-z_]\w*\})")
_ESCAPED = re.compile(r"\\([\\$\"'])")
_HUB = re.compile(
    r"(?:https?://)?(?:[\w-]+\.)*(?:docker\.io|registry\.hub\.docker\.com)(?:/v[12])?/?\Z"
)


@dataclass
class _Known:
    """A variable's value and where it is written."""

    value: str
    token: Token


@dataclass
class _Reading:
    """What is read of one file: its tokens, its variables, what was found."""

    file: SourceFile
    tokens: list[Token]
    known: dict[str, _Known] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    found: list[Mention] = field(default_factory=list)

    @property
    def variables(self) -> Mapping[str, str]:
        return {name: one.value for name, one in self.known.items()}


def takes(path: str) -> bool:
    """Whether a file is a pipeline or part of a shared library, by its path."""
    return _NAME.search(path) is not None


def find(file: SourceFile, tree: Tree) -> list[Mention]:
    """The images of agents, steps and templates."""
    reading = _Reading(file, list(read_groovy(file.text)))
    _read_variables(reading)
    blocks: list[str] = []
    for index, token in enumerate(reading.tokens):
        if token.text in {"{", "("} and token.kind == "sign":
            blocks.append(_opener(reading.tokens, index))
        elif token.text in {"}", ")"} and token.kind == "sign" and blocks:
            blocks.pop()
        elif token.kind == "string":
            _string(reading, index, blocks)
        elif token.kind == "word" and token.text == "withDockerRegistry":
            _login_block(reading, index)
        elif token.kind == "word" and token.text in reading.known:
            _name(reading, index, blocks)
    _unused(reading)
    by_place = {(one.span, one.role, one.value): one for one in reversed(reading.found)}
    return sorted(by_place.values(), key=lambda one: one.span)


def _opener(tokens: list[Token], index: int) -> str:
    """The word before a bracket; for `docker(…) {` the word before the brackets."""
    at = index - 1
    if at >= 0 and tokens[at].text == ")":
        depth = 0
        while at >= 0:
            depth += {")": 1, "(": -1}.get(tokens[at].text, 0) if tokens[at].kind == "sign" else 0
            at -= 1
            if depth == 0:
                break
    if at >= 0 and tokens[at].kind == "word":
        before = tokens[at - 2 : at] if at >= 2 else []
        if len(before) == 2 and before[1].text == "." and before[0].kind == "word":
            return f"{before[0].text}.{tokens[at].text}"
        return tokens[at].text
    return ""


def _read_variables(reading: _Reading) -> None:
    """`def x = "…"`, `X = '…'` in `environment`; the first value counts."""
    tokens = reading.tokens
    for index in range(1, len(tokens) - 1):
        name, sign, value = tokens[index - 1], tokens[index], tokens[index + 1]
        if sign.text != "=" or name.kind != "word" or value.kind != "string":
            continue
        follower = tokens[index + 2].text if index + 2 < len(tokens) else ""
        if follower not in {"+", "."} and name.text not in reading.known:
            text = _expanded(value, reading.variables)
            reading.known[name.text] = _Known(text, value)


def _expanded(token: Token, known: Mapping[str, str]) -> str:
    if not token.expands:
        return token.text

    def filled(found: re.Match[str]) -> str:
        said = (found[1] or found[2] or "").strip()
        name = re.sub(r"^(?:env|params|this)\.", "", said)
        return known.get(name, OPEN)

    return _INTERPOLATION.sub(filled, token.text)


def _context(tokens: list[Token], index: int) -> tuple[str, bool]:
    """The word that a value belongs to, and whether it is a named argument (`image: 'x'`)."""
    at = index - 1
    if at >= 0 and tokens[at].text == "(":
        at -= 1
    named = at >= 0 and tokens[at].text == ":"
    at -= 1 if named else 0
    word = tokens[at].text if at >= 0 and tokens[at].kind == "word" else ""
    if not named and at >= 2 and tokens[at - 1].text == "." and tokens[at - 2].kind == "word":
        word = f"{tokens[at - 2].text}.{word}"
    return word, named


def _role(word: str, named: bool, blocks: list[str]) -> tuple[Role, Pulled] | None:
    """What a value at this place is, if it is an image."""
    within = blocks[-1] if blocks else ""
    if word in {"docker.image", "dockerImage.image"} and not named:
        return "pull", "host"
    if word == "docker.build" and not named:
        return "build-output", "host"
    if word == "image" and (within in _AGENT_BLOCKS or "ontainer" in within or within == "docker"):
        return "pull", "job-start"
    if word == "image" and named and any("emplate" in one or "docker" in one for one in blocks):
        return "pull", "job-start"
    if word == "docker" and not named and "agent" in blocks[-2:]:
        return "pull", "job-start"
    return None


def _string(reading: _Reading, index: int, blocks: list[str]) -> None:
    token = reading.tokens[index]
    word, named = _context(reading.tokens, index)
    role = _role(word, named, blocks)
    if role is not None:
        _mention(reading, token, _expanded(token, reading.variables), role)
    elif word == "docker.withRegistry":
        _login(reading, index)
    elif word in _STEPS or (word in {"script", "label"} and blocks and blocks[-1] in _STEPS):
        if word != "label":
            _shell(reading, token)
    elif (word == "yaml" or "apiVersion" in token.text) and len(token.quote) == 3:
        _yaml(reading, token)


def _mention(
    reading: _Reading,
    token: Token,
    value: str,
    role: tuple[Role, Pulled],
    piece: Token | None = None,
) -> None:
    if not may_be_image(value):
        return
    text = reading.file.text[token.start : token.end]
    said, when = role
    pieces: tuple[Piece, ...] = ()
    if piece is not None:
        written = reading.file.text[piece.start : piece.end]
        pieces = (Piece(reading.file.path, Span(piece.start, piece.end), written),)
    reading.used |= {one[1] or one[2] for one in _INTERPOLATION.finditer(text)}
    reading.found.append(
        Mention(
            KIND,
            said,
            Span(token.start, token.end),
            text,
            value,
            when if said == "pull" else None,
            pieces=pieces,
            built=said == "build-output" and not _pushes(reading),
        )
    )


def _pushes(reading: _Reading) -> bool:
    """Whether the pipeline pushes what it builds (`image.push()`)."""
    tokens = reading.tokens
    return any(
        one.text == "push" and tokens[index - 1].text == "."
        for index, one in enumerate(tokens)
        if index
    )


def _name(reading: _Reading, index: int, blocks: list[str]) -> None:
    """A variable in the place of an image: `docker.image(name)`."""
    token = reading.tokens[index]
    follower = reading.tokens[index + 1].text if index + 1 < len(reading.tokens) else ""
    if follower in {".", "(", "=", ":", "+"}:
        return
    role = _role(*_context(reading.tokens, index), blocks)
    if role is not None:
        known = reading.known[token.text]
        reading.used.add(token.text)
        whole = None if known.token.expands and "$" in known.token.text else known.token
        _mention(reading, token, known.value, role, whole)


def _login(reading: _Reading, index: int) -> None:
    """`docker.withRegistry('', 'credentials')` logs in to Docker Hub."""
    first = next(n for n in range(index, -1, -1) if reading.tokens[n].text == "docker")
    whole = Span(reading.tokens[first].start, reading.tokens[index - 2].end)
    _login_to(reading, reading.tokens[index], whole)


def _login_block(reading: _Reading, index: int) -> None:
    """`withDockerRegistry(credentialsId: 'x', url: 'https://…')`; no url means Docker Hub."""
    tokens = reading.tokens
    follows = tokens[index + 1 : index + 2]
    if not follows or follows[0].text not in {"(", "["}:
        return
    url: Token | None = None
    for at in range(index + 2, min(index + 20, len(tokens) - 2)):
        if tokens[at].text == ")":
            break
        if tokens[at].text == "url" and tokens[at + 1].text == ":":
            url = tokens[at + 2]
            break
    if url is None or url.kind == "string":
        _login_to(reading, url, Span(tokens[index].start, tokens[index].end))


def _login_to(reading: _Reading, url: Token | None, whole: Span) -> None:
    """A login to a registry's address; without one to Docker Hub, at the words that log in."""
    value: str | None = DOCKER_HUB
    if url is None or not url.text:
        span = whole
    elif _HUB.match(url.text):
        span = Span(url.start, url.end)
    else:
        server = url.text.partition("://")[2].partition("/")[0]
        if not server or "$" in server:
            return
        start = url.start + url.text.index(server)
        span, value = Span(start, start + len(server)), None
    text = reading.file.text[span.start : span.end]
    if text:
        reading.found.append(Mention(KIND, "login", span, text, value))


def _shell(reading: _Reading, token: Token) -> None:
    """A shell step; what Groovy fills in is known as far as the file tells."""
    text = token.text
    if token.expands:
        text = _SCOPES.sub(lambda one: "${" + COVER * (len(one[0]) - 2), text)
    text = _ESCAPED.sub(COVER + r"\1", text)
    script = Script(
        text,
        lambda start, end: Span(token.start + start, token.start + end),
        KIND,
        "host",
        variables=reading.variables,
        path=reading.file.path,
        written=token.text,
    )
    for one in mentions_in(script):
        reading.used |= set(re.findall(r"\w+", one.text))
        reading.found.append(one)


def _yaml(reading: _Reading, token: Token) -> None:
    """A pod template."""
    for spot in yaml_spots(token.text):
        text = token.text[spot.image.start : spot.image.end]
        value = _INTERPOLATION.sub(OPEN, text)
        if may_be_image(value) and value != OPEN:
            span = spot.image.moved(token.start)
            reading.found.append(Mention(KIND, "pull", span, text, value, "job-start"))


def _unused(reading: _Reading) -> None:
    """Variables named after an image that no step names: they are passed on elsewhere."""
    taken = [one.span for one in reading.found]
    for name, known in reading.known.items():
        upper = name.upper()
        named = upper.endswith(("IMAGE", "IMAGE_NAME"))
        token = known.token
        if not named or name in reading.used or not looks_like_image(known.value):
            continue
        if known.value.startswith(OPEN) or any(one.start == token.start for one in taken):
            continue
        _mention(reading, token, known.value, ("pull", "host"))


FINDER = Finder("jenkinsfile", takes, find, MARKS)
