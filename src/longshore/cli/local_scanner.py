"""`longshore local scanner`: what the embedded ECR holds its scans against. I/O."""

from __future__ import annotations

import json
from pathlib import Path

import click

from longshore.cli.frame import App
from longshore.cli.local_frame import folder_of, in_folder, local
from longshore.embedded.scanning.advisories import NotOsv, parse_osv
from longshore.embedded.scanning.data import SETTINGS, ScannerSettings, read_settings
from longshore.embedded.state import prepare_data_dir, write_private
from longshore.errors import FileError, UsageError, Where
from longshore.text import tr

_MOST = 512 * 1024 * 1024


@local.command(
    "scanner",
    help=tr(
        "Says what scans of the embedded ECR are held against, and sets it: files in the OSV "
        "format, and Debian package archives as lines of apt's sources.list in which {codename} "
        "stands for the image's release. A line given here is asked over the network by apt when "
        "a Debian image is scanned. Without data a scan fails; it never finds nothing."
    ),
    examples=[
        "longshore local scanner",
        "longshore local scanner --osv advisories.json",
        "longshore local scanner --apt 'deb http://archive.example.com/debian-security "
        "{codename}-security main'",
        "longshore local scanner --none",
    ],
)
@click.option("--osv", "files", multiple=True, metavar="FILE", help=tr("a file in the OSV format"))
@click.option("--apt", "sources", multiple=True, metavar="LINE", help=tr("a line of sources.list"))
@click.option("--none", "nothing", is_flag=True, help=tr("forget what was set"))
@in_folder
def scanner(
    app: App,
    data_dir: Path | None,
    files: tuple[str, ...],
    sources: tuple[str, ...],
    nothing: bool,
) -> None:
    folder = folder_of(app, data_dir)
    if nothing and (files or sources):
        raise UsageError(tr("--none goes with nothing else"), tr("leave --osv and --apt out"))
    settings = read_settings(folder)
    if nothing or files or sources:
        found = ScannerSettings(
            tuple(str(_checked(Path(one))) for one in files), tuple(map(_line, sources))
        )
        prepare_data_dir(folder)
        text = json.dumps({"osv": found.osv, "apt": found.apt}, indent=1) + "\n"
        write_private(folder / SETTINGS, text)
        settings = found
    lines = [tr("OSV file {file}", file=one) for one in settings.osv]
    lines += [tr("Debian archive {line}", line=one) for one in settings.apt]
    app.output.result(
        {
            "schema": "longshore.local.scanner/1",
            "osv": list(settings.osv),
            "apt": list(settings.apt),
        },
        lines or [tr("there is no vulnerability data; scans fail and say so")],
        next="longshore scan run REPOSITORY:TAG --local" if lines else "",
    )


def _checked(path: Path) -> Path:
    """The file, if it can be used."""
    try:
        if path.stat().st_size > _MOST:
            raise UsageError(
                tr("{file} is larger than 512 MiB", file=path), tr("take the part that you need")
            )
        entries = parse_osv(path.read_text("utf-8"))
    except OSError as error:
        raise FileError(
            tr("{file} cannot be read: {why}", file=path, why=error.strerror or error),
            tr("name a file in the OSV format"),
            where=Where(file=str(path)),
        ) from None
    except (NotOsv, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            tr("{file} is not in the OSV format: {why}", file=path, why=error),
            tr("an object with an id, a list of them, or one a line"),
            where=Where(file=str(path)),
        ) from None
    if not entries:
        raise UsageError(
            tr("{file} has no advisory for Debian, Alpine, PyPI or npm", file=path),
            tr("these are what images are looked through for"),
            where=Where(file=str(path)),
        )
    return path.absolute()


def _line(text: str) -> str:
    """A line that apt takes: `deb`, maybe options, an address, a suite."""
    words = text.split()
    plain = [one for one in words if not one.startswith("[") and not one.endswith("]")]
    if len(plain) < 3 or plain[0] != "deb" or ":" not in plain[1] or not text.isprintable():
        raise UsageError(
            tr("'{text}' is not a line of sources.list", text=text),
            tr(
                "for example 'deb http://archive.example.com/debian-security "
                "{codename}-security main'"
            ),
        )
    return text
