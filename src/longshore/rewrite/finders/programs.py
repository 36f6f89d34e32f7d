"""Which program a command line runs, behind `sudo`, `env`, `xargs` and their like. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from longshore.rewrite.finders.cluster_commands import NAMES, cluster_command
from longshore.rewrite.finders.command_options import read_line
from longshore.rewrite.finders.container_commands import Named, container_command
from longshore.rewrite.finders.container_options import RUN_VALUED
from longshore.rewrite.finders.registry_commands import PROGRAMS, registry_command
from longshore.rewrite.mentions import OPEN
from longshore.rewrite.syntax.shell_values import Field

_ENGINES = {"docker", "podman", "nerdctl", "finch", "docker.exe", "podman-remote", "nerdctl.lima"}
_ENGINE_NAME = re.compile(
    r"(?:\A|_)(?:DOCKER|PODMAN|NERDCTL|CONTAINER|OCI|ENGINE|RUNTIME|CLI|BIN|TOOL|CMD|CE|EXE|BUILDER)"
    r"(?:\Z|_)|DOCKER|PODMAN|CONTAINERTOOL",
    re.IGNORECASE,
)
_ENGINE_VERBS = {"run", "pull", "push", "build", "tag", "create", "login", "image", "buildx"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PREFIXES: dict[str, Collection[str]] = {
    "sudo": {"u", "g", "h", "p", "C", "D", "R", "T", "user", "group", "host", "prompt", "chdir"},
    "doas": {"u", "C"},
    "env": {"u", "C", "S", "unset", "chdir"},
    "nice": {"n", "adjustment"},
    "ionice": {"c", "n", "p"},
    "xargs": {*"aIiLlnPsdE", "max-args", "max-procs", "arg-file", "delimiter", "replace"},
    "parallel": {*"jIaN", "jobs", "delay", "retries", "timeout"},
    "time": {"f", "o"},
    "stdbuf": {"i", "o", "e"},
    "exec": {"a"},
    "watch": {"n", "interval"},
    "chronic": (),
    "nohup": (),
    "setsid": (),
    "command": (),
    "builtin": (),
    "!": (),
    "then": (),
    "do": (),
    "else": (),
    "unbuffer": (),
    "winpty": (),
    "wsl": (),
    "lima": (),
    "colima": (),
    "coproc": (),
    "noglob": (),
    "k3s": (),
    "microk8s": (),
    "sshpass": {"p", "f", "P"},
}
_ONE_WORD_FIRST = {"timeout", "gtimeout", "flock"}
_TIMEOUT_VALUED = {"s", "k", "signal", "kill-after", "w", "timeout", "E"}
_WRAPPER = re.compile(
    r"(?:.*_)?(?:retry|retries|run|exec|try|quiet|silent|wrap|attempt|execute|safe|with|trace|run_cmd"
    r"|dotenv|env-cmd|cross-env|npx|doppler|aws-vault|op|lxc|multipass|limactl|chamber|infisical"
    r"|direnv|poetry|uv|pipenv)"
    r"(?:_.*|-.*|\d*)?\Z",
    re.IGNORECASE,
)
_LOOKED_AT = 9
SSH = {"ssh", "autossh", "mosh", "plink", "ssh.exe"}
SHELLS = {"sh", "bash", "zsh", "dash", "ash", "ksh", "bash.exe"}
TAKES_COMMAND = {"su", "vagrant", "gcloud", "script", "flyctl", "fly", "runuser", "gosu"}
SSH_VALUED = frozenset("bcDEeFIiJLlmOopQRSWwB")


def may_matter(name: str, wrappers: Collection[str]) -> bool:
    """Whether a command of this (literal) name can name an image, or run what does."""
    base = _base(name)
    return (
        not base
        or base in _KNOWN
        or base in wrappers
        or "=" in base
        or "ssh" in base
        or _WRAPPER.match(base.removesuffix(".sh").removesuffix(".bash")) is not None
    )


def named_by(fields: Sequence[Field], wrappers: Collection[str] = ()) -> Iterator[Named]:
    """The images that a command line names; `wrappers` run the command they are given."""
    rest = program_line(fields, wrappers)
    if not rest:
        return
    program = _base(rest[0].text)
    if program in PROGRAMS:
        yield from registry_command(program, rest)
    elif program in NAMES and not (program == "minikube" and _remote(rest)):
        yield from cluster_command(program, rest)
    elif is_engine(rest):
        inner = _inside_container(rest)
        yield from container_command(rest) if inner is None else named_by(inner)
    elif program in {"minikube", *SSH} and (inner := _remote(rest)):
        yield from named_by(inner)


def program_line(fields: Sequence[Field], wrappers: Collection[str] = ()) -> Sequence[Field]:
    """The line from the program that does the work on."""
    for _ in range(8):
        if not fields:
            return fields
        name = _base(fields[0].text)
        if _ASSIGNMENT.match(fields[0].text) and not fields[0].text.startswith("-"):
            fields = fields[1:]
        elif name in _ONE_WORD_FIRST:
            fields = read_line(fields[1:], _TIMEOUT_VALUED, ("foreground",), first_only=True).words[
                1:
            ]
        elif name in _PREFIXES:
            fields = _without_options(fields[1:], _PREFIXES[name])
        elif name in {"bash", "sh", "."} and len(fields) > 1 and "retry" in fields[1].text:
            fields = fields[1:]
        elif name in wrappers or _WRAPPER.match(name.removesuffix(".sh").removesuffix(".bash")):
            behind = next(
                (n for n in range(1, min(len(fields), _LOOKED_AT)) if is_engine(fields[n:])), 0
            )
            if not behind:
                return fields
            fields = fields[behind:]
        elif name == OPEN and fields[0].loose and not is_engine(fields) and is_engine(fields[1:]):
            fields = fields[1:]  # `$SUDO docker …`
        else:
            return fields
    return fields


def _without_options(fields: Sequence[Field], valued: Collection[str]) -> Sequence[Field]:
    at = 0
    while at < len(fields) and fields[at].text.startswith("-"):
        text = fields[at].text
        if text == "--":
            return fields[at + 1 :]
        name = text.lstrip("-")
        takes = name in valued or (
            not text.startswith("--") and name[-1:] in valued and name[:-1].isalpha()
        )
        at += 2 if takes and "=" not in text else 1
    return fields[at:]


def _base(text: str) -> str:
    return text.rpartition("/")[2].lstrip("\\")


def is_engine(fields: Sequence[Field]) -> bool:
    """Whether the line runs docker or one that speaks its language."""
    if not fields:
        return False
    text = fields[0].text
    if _base(text) in _ENGINES:
        return True
    if OPEN not in text or len(fields) < 2 or not fields[0].names:
        return False
    unknown = text.strip(OPEN) in {"", '"'}
    return (
        unknown
        and bool(_ENGINE_NAME.search(fields[0].names[0]))
        and (fields[1].text in _ENGINE_VERBS)
    )


def _inside_container(fields: Sequence[Field]) -> Sequence[Field] | None:
    """The command of `docker exec NAME command`, else None."""
    if len(fields) < 3 or fields[1].text != "exec":
        return None
    return read_line(fields[2:], RUN_VALUED, first_only=True).words[1:]


def _remote(fields: Sequence[Field]) -> Sequence[Field]:
    """The command of `ssh HOST command …` and `minikube ssh -- command …`."""
    if _base(fields[0].text) in SSH:
        return read_line(fields[1:], SSH_VALUED, first_only=True).words[1:]
    if len(fields) > 2 and fields[1].text == "ssh":
        return read_line(fields[2:], ("p", "profile", "n", "node"), first_only=True).words
    return ()


_KNOWN = frozenset(
    {
        *_ENGINES,
        *PROGRAMS,
        *NAMES,
        *_PREFIXES,
        *_ONE_WORD_FIRST,
        *SSH,
        *SHELLS,
        *TAKES_COMMAND,
        *(
            ".",
            "eval",
            "concurrently",
            "hyperfine",
            "alias",
            "tee",
            "cat",
            "chroot",
            "minikube",
            "docker-compose",
            "nomad",
        ),
    }
)
