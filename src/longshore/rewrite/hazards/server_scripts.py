"""Checks of what deploy scripts do on servers: order, clean-up, keys, logins. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from longshore.rewrite.hazards.hazard import Check, Hazard, Severity, Surveyed
from longshore.rewrite.hazards.scripts import ShellText, scripts_of
from longshore.rewrite.syntax.shell import Command
from longshore.text import tr

_ENGINES = {"docker", "podman", "nerdctl"}
_COMPOSE = {"docker-compose", "podman-compose"}
_ALL_CONTAINERS = re.compile(
    r"\$\(\s*(?:sudo +)?docker +(?:ps|container +ls)(?=[^)]* (?:-\w*q|--quiet))[^)]*\)"
)
_ALL_IMAGES = re.compile(r"\$\(\s*(?:sudo +)?docker +images +-\w*q[^)]*\)")
_NARROWED = re.compile(r"--filter|(?:^| )-\w*f(?: |=)|\bgrep\b|\bhead\b|name=|label=")
_ECR = re.compile(r"\.dkr\.ecr\.|ecr +get-login")
_RENEWS = re.compile(
    r"credHelpers|credsStore|ecr-login|ecr-credential-helper|crontab|systemd|timer"
)
_INSTALLS = re.compile(r"awscli-exe-|awscli-bundle|AWSCLIV2|pip3? +install +(?:-\S+ +)*awscli")


def compose_words(words: Sequence[str]) -> Sequence[str] | None:
    """The words after `docker compose` or `docker-compose`, its options skipped; else None."""
    if not words:
        return None
    name = words[0].rpartition("/")[2]
    if name in _COMPOSE:
        rest = words[1:]
    elif name in _ENGINES and len(words) > 1 and words[1] == "compose":
        rest = words[2:]
    else:
        return None
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        at += 1 if "=" in rest[at] or rest[at] in {"--compatibility", "--verbose"} else 2
    return rest[at:]


def _on_servers(surveyed: Surveyed) -> Iterator[ShellText]:
    return (one for one in scripts_of(surveyed) if one.server)


def _builds(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in _on_servers(surveyed):
        for command, words in text.lines:
            compose = compose_words(words)
            if compose and (compose[0] == "build" or (compose[0] == "up" and "--build" in compose)):
                yield BUILDS.at(
                    text.file,
                    text.place(command),
                    tr(
                        "the server builds the image itself: what runs there is not the image that "
                        "was tested, scanned and pushed to the registry"
                    ),
                    tr(
                        "give the service `image:` with the registry's address and a digest, and "
                        "write `docker compose pull` and `docker compose up -d --no-build`"
                    ),
                )


def _stops_first(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in _on_servers(surveyed):
        down: Command | None = None
        for command, words in text.lines:
            compose = compose_words(words)
            if compose and compose[0] in {"down", "stop", "rm"} and down is None:
                down = command
            elif compose and compose[0] == "up" and down is not None:
                yield STOPS_FIRST.at(
                    text.file,
                    text.place(down),
                    tr(
                        "the running version is stopped before the new one has started: nobody is "
                        "served meanwhile, and for good if the pull or the start fails"
                    ),
                    tr(
                        "pull first, then `docker compose up -d` alone (it replaces what changed), "
                        "or start the new version beside the old one, and switch when it answers"
                    ),
                )
                break


def _prunes(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in scripts_of(surveyed):
        if text.runner:
            continue
        for command, words in text.lines:
            said = _pruned(words)
            if said:
                worth: Severity = "high" if text.server else "medium"
                yield PRUNES.at(
                    text.file,
                    text.place(command),
                    said,
                    tr(
                        "delete by name or age (`docker image prune --filter until=240h` without "
                        "`-a`), and keep backups in the registry under tags that a lifecycle rule "
                        "protects"
                    ),
                    worth,
                )


def _pruned(words: Sequence[str]) -> str:
    """What a prune command deletes, in a sentence; empty when it is none or a careful one."""
    if len(words) < 3 or words[0].rpartition("/")[2] not in _ENGINES or words[2] != "prune":
        return ""
    options = " ".join(words[3:])
    letters = "".join(one[1:] for one in words[3:] if re.match(r"-[a-z]+\Z", one))
    everything = "a" in letters or "--all" in options
    if words[1] in {"system", "image"} and everything and "--filter" not in options:
        return tr(
            "every image that no container uses at this moment is deleted: the last good version "
            "and local backups go with it, so that there is no way back"
        )
    if words[1] == "volume" or (words[1] == "system" and "--volumes" in options):
        return tr(
            "volumes that no container uses at this moment are deleted, data and backups in them "
            "included"
        )
    return ""


def _stops_everything(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in scripts_of(surveyed):
        if text.runner:
            continue
        for command in text.shell.commands:
            written = text.shell.text[command.start : command.end]
            found = _ALL_CONTAINERS.search(written) or _ALL_IMAGES.search(written)
            if found is None or _NARROWED.search(found[0]) or not _removes(written):
                continue
            yield STOPS_EVERYTHING.at(
                text.file,
                text.place(command),
                tr(
                    "every container (or image) of the machine is meant, not only this "
                    "application's: neighbours, agents and proxies go too"
                ),
                tr("name the project: `docker compose -p NAME …`, or filter by a label"),
                "high" if text.server else "low",
            )


def _removes(written: str) -> bool:
    return re.search(r"docker +(?:container +|image +)?(?:stop|kill|rm|rmi)\b", written) is not None


def _writes_keys(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in _on_servers(surveyed):
        for command, words in text.lines:
            configures = words[:3] == ("aws", "configure", "set") and len(words) > 3
            keys = configures and words[3] in {"aws_access_key_id", "aws_secret_access_key"}
            written = " ".join(word.raw for word in command.outputs)
            if (keys and words[3] == "aws_access_key_id") or ".aws/credentials" in written:
                yield WRITES_KEYS.at(
                    text.file,
                    text.place(command),
                    tr(
                        "long-lived AWS keys are written to the server's disk: whoever reads that "
                        "file pulls and pushes as this user until somebody notices"
                    ),
                    tr(
                        "give the machine an instance role (outside AWS: IAM Roles Anywhere) that "
                        "may only pull, and the ECR credential helper: `longshore login --helper`"
                    ),
                )


def _installs(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in _on_servers(surveyed):
        for command in text.shell.commands:
            written = text.shell.text[command.start : command.end]
            if _INSTALLS.search(written) and "<<" not in written:
                yield INSTALLS.at(
                    text.file,
                    text.place(command),
                    tr(
                        "each deploy downloads and installs the AWS CLI: slow, unpinned, and a "
                        "deploy fails when that download does"
                    ),
                    tr(
                        "install it with the machine's image, or do without: the ECR credential "
                        "helper is one small program (`longshore login --helper`)"
                    ),
                )
                break


def _logs_in_once(surveyed: Surveyed) -> Iterator[Hazard]:
    for text in _on_servers(surveyed):
        if _RENEWS.search(text.shell.text):
            continue
        for command, words in text.lines:
            if len(words) < 2 or words[0].rpartition("/")[2] not in _ENGINES or words[1] != "login":
                continue
            fed = command.fed_by
            feeding = text.shell.text[fed.start : fed.end] if fed is not None else ""
            written = text.shell.text[command.start : command.end]
            if _ECR.search(written + feeding):
                yield LOGS_IN_ONCE.at(
                    text.file,
                    text.place(command),
                    tr(
                        "the token of this login ends after 12 hours: a restart, a scale-out or a "
                        "rollback after that cannot pull"
                    ),
                    tr("set up the ECR credential helper once: `longshore login --helper`"),
                )
                break


BUILDS = Check(
    "compose-builds-on-server", "medium", tr("A server builds instead of pulling"), _builds
)
STOPS_FIRST = Check(
    "stops-before-start", "medium", tr("The old version stops before the new one starts"),
    _stops_first,
)  # fmt: skip
PRUNES = Check("prune-deletes-rollback", "high", tr("A prune deletes the way back"), _prunes)
STOPS_EVERYTHING = Check(
    "stops-every-container", "high", tr("All containers of a machine are stopped"),
    _stops_everything,
)  # fmt: skip
WRITES_KEYS = Check("aws-keys-on-server", "high", tr("AWS keys on a server's disk"), _writes_keys)
INSTALLS = Check(
    "aws-cli-installed-each-deploy", "low", tr("Each deploy installs the AWS CLI"), _installs
)
LOGS_IN_ONCE = Check(
    "login-not-renewed", "low", tr("A login on a server that ends after 12 hours"), _logs_in_once
)
CHECKS = (
    PRUNES, STOPS_EVERYTHING, WRITES_KEYS, BUILDS, STOPS_FIRST, INSTALLS, LOGS_IN_ONCE,
)  # fmt: skip
