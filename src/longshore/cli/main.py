"""The command line's door, and the one funnel that every error goes through. I/O.

Expected errors (LongshoreError) become a message and their exit code, an interrupt 130, a closed
stdout nothing, and anything else is a bug of ours: exit 70 with a log file (`bug.py`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from longshore import __version__
from longshore.cli import language, wiring
from longshore.cli.commands import Entry, entries
from longshore.cli.frame import App, Group
from longshore.cli.output import Output
from longshore.cli.settings import Settings
from longshore.errors import FileError, InterruptedByUser, LongshoreError, UsageError
from longshore.text import tr

COMPLETE_VARIABLE = "_LONGSHORE_COMPLETE"


class Root(Group):
    """`longshore` itself: its commands are known by name and loaded when typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [entry.name for entry in entries()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for entry in entries():
            if entry.name == cmd_name:
                return load(entry)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for entry in entries():
            sections.setdefault(entry.section, []).append((entry.name, entry.summary))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        shared = self.get_params(ctx)
        records = [record for param in shared if (record := param.get_help_record(ctx))]
        with formatter.section(tr("Options of every command")):
            formatter.write_dl(records)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        named = [one for one in entries() if one.name.startswith(incomplete)]
        items = [CompletionItem(entry.name, help=entry.summary) for entry in named]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]


def _module_of(entry: Entry) -> str:
    return "longshore.cli." + entry.target.partition(":")[0]


def load(entry: Entry) -> click.Command:
    """Import the entry's module and give back its command."""
    found: click.Command = getattr(import_module(_module_of(entry)), entry.target.partition(":")[2])
    return found


def root() -> Root:
    """The root command; built after the language is known, for its texts are translated."""
    made = Root(
        "longshore",
        help=tr("Moves a team from Docker Hub to Amazon ECR, and then runs the registry well."),
        no_args_is_help=True,
    )
    made.examples = (
        "longshore copy docker.io/library/alpine:3.20 registry.example.com/alpine:3.20",
        "longshore explain not-logged-in",
    )
    version = click.version_option(__version__, prog_name="longshore", help=tr("the version"))
    decorated: Root = version(made)
    return decorated


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of `longshore`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.exit(run(arguments, wiring.read_environment()))


def run(argv: list[str], environ: Mapping[str, str]) -> int:
    """Carry out one command line; the exit code as INTERFACE.md says."""
    _prepare_streams()
    language.install(environ)
    app = App(environ)
    with _termination():
        try:
            code = _invoke(argv, app, environ)
            _output_of(app, argv).close()
        except BrokenPipeError:
            return _abandon_stdout(1)
        except BaseException as error:  # noqa: BLE001 (the one funnel)
            return _report(error, argv, app)
    return code


def _invoke(argv: list[str], app: App, environ: Mapping[str, str]) -> int:
    command = root()
    if instruction := environ.get(COMPLETE_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(command, {"obj": app}, "longshore", COMPLETE_VARIABLE, instruction)
    try:
        with command.make_context("longshore", argv, obj=app) as context:
            command.invoke(context)
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except click.exceptions.Abort as abort:
        raise KeyboardInterrupt from abort
    except click.exceptions.NoArgsIsHelpError as bare:
        click.echo(bare.format_message(), err=True)
        return UsageError.exit_code
    except click.ClickException as error:
        raise _as_usage_error(error) from error
    return 0


def _as_usage_error(error: click.ClickException) -> UsageError:
    context: click.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context else "longshore"
    meant = sorted(getattr(error, "possibilities", None) or ())
    hint = tr("did you mean {option}?", option=meant[0]) if meant else ""
    hint = hint or tr("`{command} --help` shows how it is used", command=path)
    message = error.message if isinstance(error, click.NoSuchOption) else error.format_message()
    return UsageError(message[:1].lower() + message[1:].rstrip("."), hint, code="usage")


def _report(error: BaseException, argv: list[str], app: App) -> int:
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    output = _output_of(app, argv)
    if isinstance(error, KeyboardInterrupt):
        error = InterruptedByUser(
            tr("interrupted, state kept"), tr("the same command goes on where it stopped")
        )
    if not isinstance(error, LongshoreError):
        from longshore.cli import bug

        error = bug.record(error, argv, app.environ)
    try:
        output.error(error)
        output.close()
    except (OSError, ValueError, FileError):
        return _abandon_stdout(error.exit_code)
    return error.exit_code


def _output_of(app: App, argv: list[str]) -> Output:
    """The App's output, or a plain one when the settings themselves are the mistake."""
    words = argv[: argv.index("--")] if "--" in argv else argv
    app.flags |= {name: True for name in ("json", "jsonl") if f"--{name}" in words}
    try:
        return app.output
    except LongshoreError:
        return Output(Settings(json="--json" in words, jsonl="--jsonl" in words, no_color=True))


def _prepare_streams() -> None:
    """Let no terminal, closed descriptor or odd locale break a command."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")


def _abandon_stdout(code: int) -> int:
    """Nobody reads stdout any more: keep the interpreter from complaining at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


@contextlib.contextmanager
def _termination() -> Any:
    """Within it SIGTERM ends a command in the same way as Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    main()
