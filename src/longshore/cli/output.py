"""Everything that a command shows: results on stdout, progress and talk on stderr. I/O.

A result is one value with two views: text lines, or one JSON object with `--json`. With `--jsonl`
events are printed as JSON lines and the result is the last of them. What comes from outside is
cleaned of control characters here, in one place, and of commands to GitHub's runner.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from longshore.cli.live import LiveLine, line_of
from longshore.cli.settings import Settings
from longshore.cli.typeset import printed
from longshore.errors import ConfigError, FileError, LimitError, LongshoreError, RefusedError
from longshore.events import Event, Notice
from longshore.facts import Endpoint
from longshore.text import tr

# DEL, C1, line separators, marks that turn the reading direction round, bytes of no encoding.
_RAW_CONTROL = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True)
class Place:
    """Where a command works: the target's name in the file, and what it was resolved to."""

    target: str
    endpoint: Endpoint

    def as_json(self) -> dict[str, Any]:
        """The keys that head plans, summaries and status."""
        seen = self.endpoint
        place: dict[str, Any] = {
            "target": self.target,
            "kind": seen.kind,
            "account": seen.account,
            "region": seen.region,
            "registry": seen.registry,
            "endpoint": seen.aws_endpoint or "aws",
            "embedded": seen.embedded,
        }
        return place | ({"mark": "EMBEDDED"} if seen.embedded else {})

    def as_line(self) -> str:
        """One line; the embedded servers can never be mistaken for AWS."""
        seen = self.endpoint
        line = tr(
            "target {name}  account {account}  region {region}  endpoint {endpoint}",
            name=self.target,
            account=seen.account,
            region=seen.region,
            endpoint=seen.aws_endpoint or "aws",
        )
        return f"{line}  EMBEDDED" if seen.embedded else line


# What is longer is read by programs, and indenting it takes ten times as long as the rest.
_INDENTED = 1_000_000


def to_json(document: Mapping[str, Any], *, indent: int | None = None) -> str:
    """JSON in which no control character stands raw, so that a terminal is safe with it."""
    text = json.dumps(document, ensure_ascii=False, indent=indent, default=str)
    return _RAW_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Output:
    """The two streams of one run. `show` may be called from several threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        terminal: bool = True,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        stdin: TextIO | None = None,
    ) -> None:
        self.settings = settings
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self._stdin = stdin or sys.stdin
        self._color = terminal and not settings.no_color
        lively = terminal and not settings.quiet and is_terminal(self._stderr)
        self._live = LiveLine(self._stderr) if lively else None

    @property
    def machine(self) -> bool:
        """Whether stdout belongs to a program (`--json` or `--jsonl`)."""
        return self.settings.json or self.settings.jsonl

    def result(
        self,
        document: Mapping[str, Any],
        lines: Iterable[str] = (),
        *,
        place: Place | None = None,
        next: str = "",
    ) -> None:
        """The command's one answer; `next` is the next sensible command."""
        self._rest()
        next = self._again(next)
        if self.machine:
            extra = {"place": place.as_json()} if place else {}
            whole = {**extra, **document, **({"next": next} if next else {})}
            ordered = {"schema": whole.pop("schema", "longshore.result/1"), **whole}
            text = to_json(ordered)
            if not self.settings.jsonl and len(text) < _INDENTED:
                text = to_json(ordered, indent=2)
            self._write(text)
            return
        if place:
            self._write(self.styled(place.as_line(), "bold"))
        for line in lines:
            self._write(printed(line))
        if next:
            self._write(self.styled(tr("next: {command}", command=next), "dim"))

    def _again(self, command: str) -> str:
        """The command with the flags by which this run found its file and target."""
        known = (
            ("config", f"--config {self.settings.config}"),
            ("local", "--local"),
            ("target", f"--target {self.settings.target}"),
        )
        flags = [text for name, text in known if self.settings.origins.get(name) == f"--{name}"]
        word = "longshore "
        if not command.startswith(word) or not flags or command.startswith("longshore local"):
            return command
        return word + " ".join([*flags, command.removeprefix(word)])

    def text(self, text: str) -> None:
        """A result that is text for another program (a script, a schema, a file); as it is."""
        self._rest()
        self._write(text.removesuffix("\n"))

    def show(self, event: Event) -> None:
        """An event of a verb: a JSON line, a live line, or a line per finished step."""
        if self.settings.jsonl:
            self._write(to_json(event.as_json()))
            return
        line = line_of(event, verbose=self.settings.verbose)
        if line is not None and not (self.settings.quiet and not _is_warning(event)):
            self._talk(line, "yellow" if _is_warning(event) else None)
        elif self._live is not None:
            self._live.update(event)

    def say(self, sentence: str) -> None:
        """Talk: a sentence on stderr, unless `--quiet`."""
        if not self.settings.quiet:
            self._talk(sentence)

    def detail(self, sentence: str) -> None:
        """Talk that only `--verbose` shows."""
        if self.settings.verbose:
            self._talk(sentence, "dim")

    def warn(self, sentence: str) -> None:
        """A warning; `--quiet` does not hide it."""
        self.show(Notice(sentence, level="warning"))

    def confirm(self, question: str, details: Sequence[str] = ()) -> None:
        """Ask the ordinary question before something is written.

        Raises RefusedError when the answer is no, and at once when nobody is there to answer.
        """
        if self.settings.yes:
            return
        for line in details:
            self._talk(line)
        if self.machine or not (is_terminal(self._stdin) and is_terminal(self._stderr)):
            raise RefusedError(
                tr("nobody is here to answer: {question}", question=question),
                tr("look at it with --dry-run, or say yes with --yes"),
                code="confirmation-needed",
            )
        self._rest()
        self._stderr.write(printed(question) + " [y/N] ")
        self._stderr.flush()
        if self._stdin.readline().strip().lower() not in {"y", "yes", "예", "네"}:
            raise RefusedError(tr("nothing was changed"), code="declined")

    def error(self, error: LongshoreError) -> None:
        """An error on stderr, and with `--json` or `--jsonl` as an object on stdout too."""
        self._rest()
        if self.machine:
            with contextlib.suppress(FileError):  # a full stdout: stderr says what happened
                self._write(
                    to_json(error_document(error), indent=None if self.settings.jsonl else 2)
                )
        for line in error_lines(error):
            self._talk(line, "red" if line.startswith("error:") else None)

    def styled(self, text: str, style: str, stream: TextIO | None = None) -> str:
        """The cleaned text with a colour or weight, where the stream is a terminal."""
        text = printed(text)
        if not self._color or not is_terminal(stream or self._stdout):
            return text
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"

    def close(self) -> None:
        """Take the live line away and flush. Raises FileError when stdout cannot take it all."""
        self._rest()
        with _writing():
            self._stdout.flush()

    def _rest(self) -> None:
        if self._live is not None:
            self._live.clear()

    def _write(self, line: str) -> None:
        with _writing():
            self._stdout.write(line + "\n")
            if self.settings.jsonl:
                self._stdout.flush()

    def _talk(self, line: str, style: str | None = None) -> None:
        self._rest()
        shown = self.styled(line, style, self._stderr) if style else printed(line)
        try:
            self._stderr.write(shown + "\n")
            self._stderr.flush()
        except (OSError, ValueError):
            self._live = None  # nobody listens any more; the work goes on


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Within it a full or broken stdout is an error of ours; a reader that left is not."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(
            tr("the result could not be written: {why}", why=error.strerror or error),
            tr("make room, or send it somewhere else; the work itself is done"),
            code="stdout-failed",
        ) from error


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is at the other end of the stream."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def error_document(error: LongshoreError) -> dict[str, Any]:
    """The error as INTERFACE's `longshore.error/1`."""
    return {
        "schema": "longshore.error/1",
        "code": error.code,
        "message": error.what,
        "hint": error.hint,
        "where": error.where.as_json() if error.where else None,
        **error.details(),
    }


def error_lines(error: LongshoreError) -> list[str]:
    """What happened, where, what to type next, and the code to look up."""
    if isinstance(error, ConfigError) and len(error.problems) > 1:
        lines = [tr("error: {count} mistakes", count=len(error.problems))]
        for problem in error.problems:
            lines.append(f"  {problem.where}: {problem.message}")
            lines += [f"      {problem.hint}"] if problem.hint else []
    else:
        lines = [tr("error: {what}", what=error.what)]
        lines += [tr("  where: {where}", where=error.where)] if error.where else []
        lines += [tr("  hint: {hint}", hint=error.hint)] if error.hint else []
        if isinstance(error, LimitError) and error.retry_at:
            lines.append(tr("  again by: {time}", time=error.retry_at))
    return [*lines, tr("  explain: longshore explain {code}", code=error.code)]


def _is_warning(event: Event) -> bool:
    return isinstance(event, Notice) and event.level == "warning"
