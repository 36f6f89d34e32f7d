"""Files whose lines hold commands: Procfile, systemd units, PowerShell and batch files. Pure.

What is no shell text is turned into shell text of the same length, line by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.finders.shell_script import MARKS
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import SourceFile, Span
from longshore.rewrite.syntax.templates import COVER

_PROCFILE = re.compile(r"Procfile(?:\.[\w.-]+)?\Z")
_UNIT = re.compile(r".+\.service(?:\.(?:j2|tmpl|tpl|in|erb|template|example))?\Z")
_WINDOWS = re.compile(r".+\.(?:ps1|psm1|cmd|bat)\Z", re.IGNORECASE)
_PROCESS = re.compile(r"^[\w.-]+:[ \t]*", re.MULTILINE)
_EXEC = re.compile(r"^Exec(?:Start|StartPre|StartPost|Stop|StopPost|Reload)=[-@:+!]*", re.MULTILINE)
_BLANKED = re.compile(r"[^\r\n]")
_TOOL = re.compile(
    r"(?<![\w./\\$%-])(?:docker|podman|nerdctl|crane|skopeo|trivy|grype|syft|kubectl|helm|kind|cosign"
    r"|minikube|oras|buildah|az|gcloud|dive)(?:\.exe)?[ \t]+(?=[a-z-])",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"[ \t@]*(?:rem\b|::|#|echo\b|write-|title\b|throw\b|log\b|info\b"
    r"|\$?\w*(?:msg|message|text|help)\b)",
    re.IGNORECASE,
)
_SCOPE = re.compile(r"\$(?:env|global|script|local|private|using):(?=\w)", re.IGNORECASE)
_BATCH_SET = re.compile(r"^[ \t@]*set[ \t]+(?:/a[ \t]+)?\"?(\w+)=([^\"\r\n]*)", re.I | re.M)
_POWER_LINES = re.compile(r"[ \t]`\r?$|^[ \t]*\$(?:env:)?\w+[ \t]+=[ \t]", re.MULTILINE)
_POWER_SET = re.compile(r"\$(?:env:|script:|global:)?(\w+)[ \t]*=[ \t]*(['\"])([^'\"\r\n]*)\2")


def _takes(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda path: pattern.match(path.rpartition("/")[2]) is not None


def _read(file: SourceFile, kind: str, text: str, variables: dict[str, str]) -> list[Mention]:
    if len(text) != len(file.text):
        return []
    script = Script(
        text,
        lambda start, end: Span(start, end),
        kind,
        "host",
        variables=variables,
        path=file.path,
        written=file.text,
    )
    return mentions_in(script)


def find_procfile(file: SourceFile, tree: Tree) -> list[Mention]:
    """`web: docker run …`."""
    text = _PROCESS.sub(lambda found: " " * len(found[0]), file.text)
    return _read(file, "procfile", text, {})


def find_unit(file: SourceFile, tree: Tree) -> list[Mention] | None:
    """`ExecStart=/usr/bin/docker run …` in a systemd unit."""
    if "[Service]" not in file.text:
        return None
    made: list[str] = []
    continued = False
    for line in file.text.splitlines(keepends=True):
        found = _EXEC.match(line)
        if found is not None:
            made.append(" " * found.end() + line[found.end() :])
        else:
            made.append(line if continued else _BLANKED.sub(" ", line))
        starts = found is not None or continued
        continued = starts and line.rstrip("\r\n").endswith("\\")
    text = re.sub(r"%(?=[a-zA-Z])", "$", "".join(made))
    return _read(file, "systemd-unit", text, {})


def looks_like_powershell(text: str) -> bool:
    """Whether a text has PowerShell's line ends, or gives variables values as it does."""
    return _POWER_LINES.search(text) is not None


def powershell_as_shell(text: str) -> tuple[str, dict[str, str]]:
    """Lines that run one of the programs as shell text of the same length, and the variables."""
    variables = {one[1]: one[one.lastindex or 2] for one in _POWER_SET.finditer(text)}
    return _windows(text, power=True), variables


def find_windows(file: SourceFile, tree: Tree) -> list[Mention]:
    """Lines of PowerShell and batch files that run one of the programs."""
    power = file.name.lower().endswith(("ps1", "psm1"))
    sets = _POWER_SET if power else _BATCH_SET
    variables = {one[1]: one[one.lastindex or 2] for one in sets.finditer(file.text)}
    return _read(
        file, "powershell" if power else "batch", _windows(file.text, power=power), variables
    )


def _windows(text: str, *, power: bool) -> str:
    made: list[str] = []
    continued = False
    mark = "`" if power else "^"
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        start = 0 if continued else _start(body)
        if start < 0:
            made.append(_BLANKED.sub(" ", line))
            continued = False
            continue
        continued = body.endswith(mark)
        shell = (_power if power else _batch)(body[start:])
        if continued:
            shell = shell[:-1] + "\\"
        made.append(" " * start + shell + line[len(body) :])
    return "".join(made)


def _start(line: str) -> int:
    """Where the program stands in a line; -1 when it runs none, or only speaks of it."""
    found = _TOOL.search(line)
    if found is None or _SAYS.match(line):
        return -1
    before = line[: found.start()]
    if before.count('"') % 2 or before.count("'") % 2 or "#" in before:
        return -1
    if re.search(r"echo|write-", before, re.IGNORECASE):
        return -1
    return found.start()


def _power(text: str) -> str:
    """PowerShell as shell: `$env:NAME`, `\\` in paths."""
    text = re.sub(r"\$\{env:", "${" + COVER * 4, text, flags=re.IGNORECASE)
    text = _SCOPE.sub(lambda found: "$" + COVER * (len(found[0]) - 1), text)
    text = text.replace("\\", "/").replace("`", COVER)
    return _without_closing(text, "})")


def _batch(text: str) -> str:
    """Batch as shell: `%NAME%`, `%1`, `\\` in paths."""
    text = re.sub(r"%([A-Za-z_]\w*)%", lambda found: f"${COVER}{found[1]}", text)
    text = re.sub(r"%%(?=[A-Za-z])", "$" + COVER, text)
    text = re.sub(r"%(?=[~\d*])", "$", text).replace("\\", "/")
    return _without_closing(text, ")")


def _without_closing(text: str, brackets: str) -> str:
    """A line with blanks for the brackets at its end, and around them."""
    inner = text.rstrip(" \t")
    opened = inner.rstrip(brackets)
    return opened.rstrip(" \t").ljust(len(text)) if len(opened) < len(inner) else text


FINDERS = (
    Finder("procfile", _takes(_PROCFILE), find_procfile, MARKS),
    Finder("systemd-unit", _takes(_UNIT), find_unit, MARKS),
    Finder("windows-script", _takes(_WINDOWS), find_windows, MARKS),
)
