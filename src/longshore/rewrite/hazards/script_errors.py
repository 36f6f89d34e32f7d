"""Checks of scripts that hide what went wrong: errors, health loops, passwords, backups. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.scripts import ShellText, scripts_of
from longshore.rewrite.hazards.server_scripts import compose_words
from longshore.rewrite.syntax.shell import Command, Loop
from longshore.rewrite.syntax.shell_words import closing
from longshore.text import tr

_ENGINES = {"docker", "podman", "nerdctl"}
_SAYS = {"true", ":", "echo", "printf"}
_FAILS = re.compile(r"\b(?:exit|return)[ \t]+(?!0\b)[\w$\"]|\bfalse\b|\bexit[ \t]*(?:;|\n|\}|\Z)")
_ASKS_HEALTH = re.compile(
    r"\b(?:curl|wget|nc -|grpcurl|pg_isready)\b|health|\.State\b", re.IGNORECASE
)
_COUNTS = re.compile(r"(?:\d+[ ]?)+\Z|\{\d+\.\.[^}]*\}\Z|[$`]\(?\s*(?:/usr/bin/)?(?:seq|jot)\b")
_BACKUP = re.compile(r"backup|rollback|previous|last[-_]?good", re.IGNORECASE)
_SCANNERS = {"trivy", "grype", "snyk", "dockle", "anchore-cli", "clair-scanner"}
_AWS = {
    ("ecr", "put-lifecycle-policy"),
    ("ecr", "put-image"),
    ("ecr", "put-image-scanning-configuration"),
    ("ecr", "start-image-scan"),
    ("ecr", "set-repository-policy"),
    ("ecs", "update-service"),
    ("ecs", "register-task-definition"),
    ("lambda", "update-function-code"),
    ("cloudformation", "deploy"),
}


def _hidden(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in scripts_of(surveyed):
        for command, words in text.lines:
            after = command.fallback
            if after is None or after.name not in _SAYS or not _matters(words):
                continue
            if not _fails_after(text, command, after):
                yield HIDDEN.at(
                    text.file,
                    text.place(command),
                    tr(
                        "when `{command}` fails, the script goes on and ends green: what it should "
                        "have done is missing, and nobody hears of it",
                        command=" ".join(words[:2]),
                    ),
                    tr("let it fail: take `|| …` away, or end the branch with `exit 1`"),
                )


def _matters(words: Sequence[str]) -> bool:
    """Whether a command's failure must not be hidden."""
    name = words[0].rpartition("/")[2] if words else ""
    compose = compose_words(words)
    if compose:
        return compose[0] in {"pull", "up", "push"}
    if name in _ENGINES and len(words) > 1:
        buildx = words[1:3] in (("buildx", "build"), ("buildx", "bake"))
        return words[1] in {"push", "build", "login", "scout", "scan"} or buildx
    if name == "aws":
        return tuple(words[1:3]) in _AWS
    if name == "kubectl":
        return words[1:2] in (("apply",), ("set",), ("rollout",)) and "--dry-run" not in words
    if name == "helm":
        return words[1:2] in (("upgrade",), ("install",))
    return name in _SCANNERS or (name in {"terraform", "tofu"} and "apply" in words)


def _fails_after(text: ShellText, command: Command, after: Command) -> bool:
    """Whether what follows `||` ends the script after all: `|| { echo …; exit 1; }`."""
    written = text.shell.text
    between = written[command.end : after.start]
    for bracket in "{(":
        if bracket in between:
            start = command.end + between.index(bracket)
            return _FAILS.search(written, start, closing(written, start, len(written))) is not None
    line = written.find("\n", after.start)
    return _FAILS.search(written, after.start, line if line >= 0 else len(written)) is not None


def _health(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in scripts_of(surveyed):
        for loop in text.shell.loops:
            if loop.keyword != "for" or not _waits(text, loop):
                continue
            if not _can_fail(text, loop):
                place = text.locate(loop.start, loop.start + len("for"))
                if place is not None:
                    yield HEALTH.at(
                        text.file,
                        place,
                        tr(
                            "this loop waits for the service, but ends well too when the service "
                            "never answers: a broken release is reported as deployed"
                        ),
                        tr(
                            "write `exit 0` (or `break`) where it answers, and after the loop a "
                            "last check that ends with `exit 1`"
                        ),
                    )


def _waits(text: ShellText, loop: Loop) -> bool:
    """Whether a loop asks for health again and again."""
    items = " ".join(word.raw for word in loop.items)
    if loop.variable and not _COUNTS.match(items):
        return False
    body = text.shell.text[loop.start : loop.end]
    names = {one.name for one in text.shell.commands if loop.body_start <= one.start < loop.end}
    return "sleep" in names and _ASKS_HEALTH.search(body) is not None


def _can_fail(text: ShellText, loop: Loop) -> bool:
    """Whether the text ends badly, or asks once more, in the loop or after it."""
    if _FAILS.search(text.shell.text, loop.body_start):
        return True
    failing = {
        one.name
        for one in text.shell.functions
        if _FAILS.search(text.shell.text, one.start, one.end)
    }
    for one in text.shell.commands:
        if one.start < loop.end:
            continue
        if one.name in failing or one.name in {"curl", "wget", "[", "test", "[["}:
            return True
    return re.search(r"\[\[|\bif\b", text.shell.text[loop.end :]) is not None


def _password(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in scripts_of(surveyed):
        for command, words in text.lines:
            name = words[0].rpartition("/")[2] if words else ""
            if name not in _ENGINES or words[1:2] != ("login",):
                continue
            if any(one in {"-p", "--password"} or _GIVES_PASSWORD.match(one) for one in words[2:]):
                yield PASSWORD.at(
                    text.file,
                    text.place(command),
                    tr(
                        "the password stands on the command line: every process of the machine can "
                        "read it there, and it may stay in logs and histories"
                    ),
                    tr("send it by standard input: `printf %s \"$PASSWORD\" | docker login "
                       "--username USER --password-stdin REGISTRY`"),
                )  # fmt: skip


def _backups(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in scripts_of(surveyed):
        pushed = {
            _written(text, command, -1)
            for command, words in text.lines
            if words[:2] in (("docker", "push"), ("podman", "push"))
        }
        for command, words in text.lines:
            is_tag = words[:2] in (("docker", "tag"), ("podman", "tag"))
            if not is_tag or len(words) < 4:
                continue
            name = _written(text, command, -1)
            if _BACKUP.search(name) and name not in pushed and not _pushes_all(text):
                yield BACKUP.at(
                    text.file,
                    text.place(command),
                    tr(
                        "the backup is a tag on this machine only: a prune, a new machine or a "
                        "full disk takes it away, and no other machine can roll back to it"
                    ),
                    tr(
                        "push the backup tag and let a lifecycle rule protect it; in ECR a tag can "
                        "be set on the digest that runs, without pulling it"
                    ),
                )


def _written(text: ShellText, command: Command, index: int) -> str:
    return command.words[index].raw.strip("\"'") if command.words else ""


def _pushes_all(text: ShellText) -> bool:
    return re.search(r"docker +(?:image +)?push +(?:-a\b|--all-tags)", text.shell.text) is not None


_GIVES_PASSWORD = re.compile(r"--password=|-p[^-\s]")
HIDDEN = Check("errors-hidden", "medium", tr("A failure is hidden"), _hidden)
HEALTH = Check("health-loop-cannot-fail", "medium", tr("A health loop cannot fail"), _health)
PASSWORD = Check(
    "password-on-command-line", "medium", tr("A password on the command line"), _password
)
BACKUP = Check("backup-tag-not-pushed", "medium", tr("A backup tag is never pushed"), _backups)
CHECKS = (HIDDEN, HEALTH, BACKUP, PASSWORD)
