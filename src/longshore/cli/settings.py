"""What the user asked for on every command: flag, then LONGSHORE_*, then the default. Pure.

The file (`longshore.yaml`) says what there is; these say how to run. Each value keeps its origin,
which `config show --origin` prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from longshore.errors import UsageError
from longshore.text import tr

DEFAULT_CONFIG = "longshore.yaml"
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}
_SWITCHES = ("local", "json", "jsonl", "quiet", "verbose", "yes", "no_color")


@dataclass(frozen=True)
class Settings:
    """The options of every command. `config` and `target` are None when nobody named one."""

    config: str | None = None
    target: str | None = None
    local: bool = False
    json: bool = False
    jsonl: bool = False
    quiet: bool = False
    verbose: bool = False
    yes: bool = False
    no_color: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)


def parse_settings(flags: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Flags and environment as one value. Raises UsageError for a value that is none.

    >>> settings = parse_settings({"target": "dev"}, {"LONGSHORE_TARGET": "prod"})
    >>> settings.target, settings.origins["target"]
    ('dev', '--target')
    """
    origins: dict[str, str] = {}
    texts = {name: _text(name, flags, environ, origins) for name in ("config", "target")}
    switches = {name: _switch(name, flags, environ, origins) for name in _SWITCHES}
    if environ.get("NO_COLOR") and not switches["no_color"]:
        switches["no_color"], origins["no_color"] = True, "NO_COLOR"
    _settle(switches, origins, "json", "jsonl")
    _settle(switches, origins, "quiet", "verbose")
    return Settings(**texts, **switches, origins=origins)  # type: ignore[arg-type]


def _text(
    name: str, flags: Mapping[str, object], environ: Mapping[str, str], origins: dict[str, str]
) -> str | None:
    variable = f"LONGSHORE_{name.upper()}"
    if flags.get(name) is not None:
        origins[name] = f"--{name}"
        return str(flags[name])
    if environ.get(variable):
        origins[name] = variable
        return environ[variable]
    origins[name] = "default"
    return None


def _switch(
    name: str, flags: Mapping[str, object], environ: Mapping[str, str], origins: dict[str, str]
) -> bool:
    variable = f"LONGSHORE_{name.upper()}"
    if flags.get(name):
        origins[name] = "--" + name.replace("_", "-")
        return True
    word = environ.get(variable, "").strip().lower()
    origins[name] = variable if word else "default"
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise UsageError(
        tr("{variable} is neither yes nor no: '{word}'", variable=variable, word=word),
        tr("set {variable} to 1 or 0", variable=variable),
        code="bad-setting",
    )


def _settle(switches: dict[str, bool], origins: dict[str, str], one: str, other: str) -> None:
    """Two that exclude each other: the flag beats the variable; two flags are a mistake."""
    if not (switches[one] and switches[other]):
        return
    flagged = [name for name in (one, other) if origins[name].startswith("--")]
    if len(flagged) != 1:
        raise UsageError(
            tr("{one} and {other} exclude each other", one=origins[one], other=origins[other]),
            tr("leave one of them out"),
            code="bad-setting",
        )
    loser = other if flagged == [one] else one
    switches[loser], origins[loser] = False, "default"
