"""`longshore completion`: the script that makes a shell complete commands and options. I/O."""

from __future__ import annotations

import click

from longshore.cli.frame import App, command
from longshore.text import tr

SHELLS = ("bash", "zsh", "fish")


@command(
    "completion",
    help=tr("Prints the completion script for a shell. Commands, options and groups complete."),
    examples=[
        'eval "$(longshore completion bash)"',
        "longshore completion fish > ~/.config/fish/completions/longshore.fish",
    ],
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(app: App, shell: str) -> None:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 (click knows these three)
    script = _source(kind, shell)
    if app.output.machine:
        app.output.result({"schema": "longshore.completion/1", "shell": shell, "script": script})
        return
    app.output.text(script)


def _source(kind: type, shell: str) -> str:
    from longshore.cli.main import COMPLETE_VARIABLE, root

    made = kind(root(), {}, "longshore", COMPLETE_VARIABLE)
    # click's bash class runs bash to learn its version, and warns on stderr when it is old; the
    # script itself is a template that needs neither.
    template: str = made.source_template
    return str(template % made.source_vars())
