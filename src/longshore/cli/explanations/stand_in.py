"""Error codes of the embedded servers (`longshore local`). Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_running(), *_folder(), *_seed()]


def _running() -> list[Explanation]:
    log = tr("local.log in its data folder says more")
    return [
        Explanation(
            "local-not-running",
            1,
            tr("The embedded servers are asked for, but do not run."),
            (tr("they were stopped"), tr("another data folder: LONGSHORE_LOCAL_DIR")),
            (tr("`longshore local up`"),),
        ),
        Explanation(
            "local-not-started",
            1,
            tr("The embedded servers did not start."),
            (tr("a port is taken"), tr("the extra `local` is not installed")),
            (log,),
        ),
        Explanation(
            "local-not-answering",
            1,
            tr("A process of the embedded servers is there but does not answer."),
            (tr("it is overloaded or was stopped by a signal"),),
            (log, tr("`longshore local down`, then `longshore local up`")),
        ),
        Explanation(
            "local-runs-differently",
            3,
            tr("The embedded servers run already, with other options than asked for."),
            (),
            (tr("`longshore local down` first, or leave the options out"),),
        ),
        Explanation(
            "local-failed", 1, tr("The embedded servers could not do what was asked."), (), (log,)
        ),
        Explanation(
            "local-other-version",
            2,
            tr("The embedded servers that run are of another version of longshore."),
            (tr("longshore was updated while they ran"),),
            (tr("`longshore local down`, then `longshore local up`"),),
        ),
        Explanation(
            "bad-fault",
            2,
            tr("The fault for the embedded servers cannot be read."),
            (tr("a path that is no regular expression"),),
            (tr("`longshore local fault --help` says what a fault may be"),),
        ),
        Explanation(
            "bad-duration",
            2,
            tr("The text is not a length of time."),
            (),
            (tr("write it as 90s, 15m, 6h or 2d"),),
        ),
        Explanation(
            "port-taken",
            1,
            tr("A port that was asked for is in use."),
            (tr("another program, or another data folder's embedded servers"),),
            (tr("name another port, or none: then any free one is taken"),),
        ),
        Explanation(
            "not-loopback",
            3,
            tr("The embedded servers were asked to listen where others could reach them."),
            (),
            (tr("use 127.0.0.1; they are for this machine only"),),
        ),
        Explanation(
            "local-other-version",
            2,
            tr("The embedded servers that run are of another version of longshore."),
            (),
            (tr("`longshore local down`, then `longshore local up`"),),
        ),
        Explanation(
            "bad-fault",
            2,
            tr("The fault that is asked for cannot be understood."),
            (),
            (tr("see the examples of `longshore local fault --help`"),),
        ),
    ]


def _folder() -> list[Explanation]:
    return [
        Explanation(
            "local-folder-not-ours",
            3,
            tr("The data folder holds something that the embedded servers did not write."),
            (),
            (tr("name an empty or new folder with --data-dir; nothing was deleted"),),
        ),
        Explanation(
            "local-folder-unusable",
            1,
            tr("The data folder cannot be read or written."),
            (tr("no permission"), tr("the disk is full")),
            (tr("name another folder with --data-dir"),),
        ),
        Explanation(
            "local-folder-too-deep",
            1,
            tr("The data folder's path is too long for a control socket."),
            (),
            (tr("name a shorter one with --data-dir"),),
        ),
        Explanation(
            "repository-exists",
            1,
            tr("The embedded registry has a repository of this name already."),
            (),
            (),
        ),
        Explanation(
            "repository-missing", 1, tr("The embedded registry has no such repository."), (), ()
        ),
        Explanation(
            "unknown-upload", 1, tr("The embedded registry does not know the upload."), (), ()
        ),
    ]


def _seed() -> list[Explanation]:
    return [
        Explanation(
            "seed-not-images",
            1,
            tr("The file is neither an OCI layout nor an archive of `docker save`."),
            (),
            (tr("make one: docker save IMAGE -o FILE"),),
        ),
        Explanation(
            "seed-unreadable",
            1,
            tr("The archive to seed from cannot be read."),
            (),
            (tr("check the path, and that the download was whole"),),
        ),
    ]
