"""What every command shares: the options that work everywhere, examples, groups. I/O.

A command is a function that takes the App first:

    @command("show", help=tr("Shows a repository."), examples=["longshore repo show shop"])
    @click.argument("name")
    def show(app: App, name: str) -> None:
        app.output.result({"schema": "longshore.repo.show/1"}, ["..."])

The global options may stand before or after the command's name; what they say ends up in
`app.settings`. `main.py` makes the App and catches what a command raises.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import click

from longshore.cli.commands import why_missing
from longshore.cli.output import Output
from longshore.cli.settings import Settings, parse_settings
from longshore.cli.typeset import nearest
from longshore.errors import UsageError
from longshore.text import tr


class App:
    """One run of the command line: its environment, settings and output."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.flags: dict[str, object] = {}

    @cached_property
    def settings(self) -> Settings:
        """All flags are known once the command's own function runs; not before."""
        return parse_settings(self.flags, self.environ)

    @cached_property
    def output(self) -> Output:
        """Where results, progress and questions go."""
        return Output(self.settings, terminal=self.environ.get("TERM", "") != "dumb")


def app_of(context: click.Context) -> App:
    """The App of the run that the context belongs to."""
    app: App = context.find_root().obj
    return app


def _remember(context: click.Context, param: click.Parameter, value: object) -> None:
    root = context.find_root()
    if value and isinstance(root.obj, App):
        root.obj.flags[str(param.name)] = value


def global_options() -> list[click.Option]:
    """New option objects for one command; each only notes its value in the App."""

    def option(*names: str, **rest: Any) -> click.Option:
        return click.Option(names, callback=_remember, expose_value=False, **rest)

    return [
        option("--config", metavar="FILE", help=tr("the file to read (default: longshore.yaml)")),
        option("--target", metavar="NAME", help=tr("which target of the file to use")),
        option("--local", is_flag=True, help=tr("use the embedded servers as target")),
        option("--json", is_flag=True, help=tr("print one JSON object, nothing else")),
        option("--jsonl", is_flag=True, help=tr("print events as JSON lines, the result last")),
        option("--quiet", "-q", is_flag=True, help=tr("no progress, no talk")),
        option("--verbose", "-v", is_flag=True, help=tr("say more")),
        option("--yes", "-y", is_flag=True, help=tr("answer the ordinary question with yes")),
        option("--no-color", is_flag=True, help=tr("no colours (also: NO_COLOR)")),
    ]


class _Everywhere(click.Command):
    """A command or group with the global options and, in its help, examples."""

    examples: Sequence[str] = ()

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = tr("this help")
        return option

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = super().get_params(ctx)
        taken = {name for param in own for name in (*param.opts, param.name or "")}
        shared = [one for one in self._shared() if not taken & {*one.opts, one.name}]
        return [*own, *shared]

    def _shared(self) -> list[click.Option]:
        if not hasattr(self, "_globals"):
            self._globals = global_options()
        return self._globals

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        shared = self._shared()
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        own = [option for option in options if option not in shared]
        _write_options(formatter, tr("Options"), own, ctx)
        if ctx.parent is None:
            _write_options(formatter, tr("Options of every command"), shared, ctx)
        else:
            with formatter.section(tr("Options of every command")):
                names = [max(param.opts, key=len) for param in shared]
                formatter.write_text(" ".join(names))
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section(tr("Examples")):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def _write_options(
    formatter: click.HelpFormatter,
    title: str,
    params: Sequence[click.Parameter],
    context: click.Context,
) -> None:
    records = [record for param in params if (record := param.get_help_record(context))]
    if records:
        with formatter.section(title):
            formatter.write_dl(records)


class Command(_Everywhere):
    """One command of longshore."""


class Group(_Everywhere, click.Group):
    """A noun with verbs, such as `repo ls`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-") and not self._knows(ctx, name):
            raise self._unknown(ctx, name)
        return super().resolve_command(ctx, args)

    def _knows(self, ctx: click.Context, name: str) -> bool:
        return name in self.list_commands(ctx)

    def _unknown(self, ctx: click.Context, name: str) -> UsageError:
        path = " ".join([*ctx.command_path.split()[1:], name])
        if missing := why_missing(path):
            return missing
        meant = nearest(name, self.list_commands(ctx))
        hint = tr("did you mean `{command}`?", command=f"{ctx.command_path} {meant}")
        all_of_them = tr("`{command} --help` lists the commands", command=ctx.command_path)
        return UsageError(
            tr("there is no command '{name}'", name=path),
            hint if meant else all_of_them,
            code="unknown-command",
        )

    def command(  # type: ignore[override]  # ours asks for help, and takes no class
        self, name: str, *, help: str, examples: Sequence[str] = ()
    ) -> Callable[[Callable[..., None]], Command]:
        """Like `command` of this module, and part of this group."""
        decorate = command(name, help=help, examples=examples)

        def add(function: Callable[..., None]) -> Command:
            made = decorate(function)
            self.add_command(made)
            return made

        return add


def command(
    name: str, *, help: str, examples: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Command]:
    """Make a function with click options a Command; the function gets the App first."""

    def decorate(function: Callable[..., None]) -> Command:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            function(app_of(click.get_current_context()), *args, **kwargs)

        made = click.command(name, cls=Command, help=help)(run)
        made.examples = tuple(examples)
        return made

    return decorate


def group(name: str, *, help: str, examples: Sequence[str] = ()) -> Group:
    """A new empty group; its commands are added with `@that_group.command(...)`."""
    made = Group(name, help=help, no_args_is_help=True)
    made.examples = tuple(examples)
    return made
