"""Error codes of the command line, its settings and its own running. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_typed(), *_asked(), *_running()]


def _typed() -> list[Explanation]:
    return [
        Explanation(
            "usage",
            2,
            tr("The command line has a word, option or value that the command does not take."),
            (
                tr("a misspelt option"),
                tr("an argument too many or too few"),
                tr("a value of the wrong kind"),
            ),
            (tr("read the examples at the end of `longshore COMMAND --help`"),),
        ),
        Explanation(
            "unknown-command",
            2,
            tr("There is no command of this name."),
            (tr("a misspelt name"), tr("a verb without its noun: `ls` instead of `repo ls`")),
            (tr("`longshore --help` lists the commands"),),
        ),
        Explanation(
            "not-yet",
            2,
            tr("The name is reserved for a command that this version does not have yet."),
            (),
            (tr("`longshore --help` lists what this version has"),),
        ),
        Explanation(
            "bad-build",
            2,
            tr("The build whose tags are asked for is not described well enough."),
            (
                tr("outside of GitHub Actions without --event, --ref and --sha"),
                tr("a pull request without its number"),
            ),
            (tr("`longshore tags compute --help` has examples"),),
        ),
        Explanation(
            "bad-tag-rules",
            2,
            tr("The rules for tags hold a value with which no tags can be made."),
            (
                tr("a length of the commit below 7 or above 40"),
                tr("a component that is called like a class of tags: prod, pr, main"),
            ),
            (tr("`longshore config check` shows where it stands"),),
        ),
        Explanation(
            "event-file",
            1,
            tr("The file of the event that set off the run cannot be read."),
            (
                tr("a step of the pipeline changed GITHUB_EVENT_PATH"),
                tr("the file is empty, cut off, or no JSON object"),
            ),
            (tr("outside of GitHub Actions describe the build with --event, --ref and --sha"),),
        ),
        Explanation(
            "event-mismatch",
            2,
            tr("The event file belongs to another event, ref or repository than the run."),
            (
                tr("GITHUB_EVENT_NAME or GITHUB_REF was changed by a step"),
                tr("a saved event file of another run"),
            ),
            (tr("describe the build with --event, --ref and --sha instead"),),
        ),
        Explanation(
            "tag-of-another-commit",
            3,
            tr("The tag of a version holds the image of another commit, and versions never move."),
            (
                tr("a tag of the tree was moved to another commit after its image was built"),
                tr("another tree pushes versions to the same repository"),
            ),
            (
                tr("tag a new version"),
                tr("`longshore tags show REPOSITORY:TAG` shows what is there"),
            ),
        ),
        Explanation(
            "unknown-code",
            2,
            tr("There is no error code of this name."),
            (),
            (tr("`longshore explain` lists all codes"),),
        ),
        Explanation(
            "bad-setting",
            2,
            tr(
                "A LONGSHORE_ variable has a value that is none, or two options exclude each other."
            ),
            (
                tr("LONGSHORE_YES and the like take 1 or 0"),
                tr("--json with --jsonl, or --quiet with --verbose"),
            ),
            (tr("`longshore config show --origin` says where each setting came from"),),
        ),
        Explanation(
            "bad-duration",
            2,
            tr("The text is not a length of time."),
            (),
            (tr("write it as 90s, 15m, 6h or 2d"),),
        ),
        Explanation(
            "bad-pairs-file",
            2,
            tr("The file of pairs has a line that is not `SOURCE TARGET`, or no line at all."),
            (),
            (tr("write the two references with a space between, one pair a line"),),
        ),
        Explanation(
            "tag-wanted-twice",
            3,
            tr("Two sources have an image for the same tag of one target repository."),
            (tr("two image rules, or two copies, go to the same repository"),),
            (tr("leave the tag out of one of them, or give one another target"),),
        ),
    ]


def _asked() -> list[Explanation]:
    return [
        Explanation(
            "refused",
            3,
            tr("A guard said no before anything was written."),
            (tr("the command would do something that cannot be undone, or at the wrong place"),),
            (tr("read the hint: it names the flag that answers the guard, if there is one"),),
        ),
        Explanation(
            "confirmation-needed",
            3,
            tr("The command writes and wants a yes, but nobody is at the terminal to give it."),
            (tr("a pipeline or a script without --yes"), tr("--json: its output is for programs")),
            (
                tr("look at what it would do, with --dry-run"),
                tr("then say yes with --yes (or LONGSHORE_YES=1)"),
            ),
        ),
        Explanation(
            "declined",
            3,
            tr("The question was answered with no; nothing was changed."),
            (),
            (tr("run the command again and answer `y`"),),
        ),
        Explanation(
            "findings",
            3,
            tr("The command worked and found something that ought to be looked at."),
            (),
            (tr("each finding says what to do about it"),),
        ),
        Explanation(
            "partly-done",
            5,
            tr("Some of the work is done and stays done; some of it failed."),
            (
                tr("single images that could not be read or written"),
                tr("a network that comes and goes"),
            ),
            (
                tr("read why each part failed, mend what can be mended"),
                tr("run the same command again: it takes up only what is left"),
            ),
        ),
        Explanation(
            "changes-planned",
            3,
            tr("The plan has changes, and --exit-code asked to say so by the exit code."),
            (),
            (tr("look at them, then carry them out with `longshore apply`"),),
        ),
        Explanation(
            "file-exists",
            3,
            tr("A file that would be written is there already."),
            (),
            (tr("look at the new one with --dry-run, then replace it with --force"),),
        ),
        Explanation(
            "nothing-copied",
            1,
            tr("No tag could be copied."),
            (tr("the source cannot be read, or the target cannot be written"),),
            (tr("mend what the reasons name; the same command goes on"),),
        ),
        Explanation(
            "not-equal",
            3,
            tr("Source and target are not equal: something is missing or different."),
            (tr("the source moved since the last copy"), tr("a copy that was not finished")),
            (tr("`longshore sync`, then `longshore verify` again"),),
        ),
        Explanation(
            "tags-left",
            3,
            tr(
                "`sync --dry-run --exit-code` found tags that the target does not have as they are."
            ),
            (
                tr("somebody pushed to the source since the last copy: there is no freeze yet"),
                tr("a copy that was not finished"),
            ),
            (tr("stop who pushes, run `longshore sync`, and ask again"),),
        ),
    ]


def _running() -> list[Explanation]:
    return [
        Explanation(
            "failed",
            1,
            tr("The command failed; its message says why."),
            (),
            (tr("--verbose says more"),),
        ),
        Explanation(
            "interrupted",
            130,
            tr("Ctrl-C or SIGTERM ended the command; what was done is kept."),
            (),
            (tr("the same command goes on where it stopped"),),
        ),
        Explanation(
            "stdout-failed",
            1,
            tr("The work is done, but its result could not be written to standard output."),
            (tr("the disk that it was sent to is full"), tr("standard output is closed")),
            (tr("make room and run the command again; it finds its work done"),),
        ),
        Explanation(
            "missing-extra",
            1,
            tr("The command needs an optional part that is not installed."),
            (tr("the embedded servers are not in the lean installation"),),
            (tr("type the installation line that the error shows"),),
        ),
        Explanation(
            "file",
            1,
            tr("A file or folder on this machine could not be read or written."),
            (tr("it is not there"), tr("no permission"), tr("the disk is full")),
            (tr("mend what the message names and run the command again"),),
        ),
        Explanation(
            "bug",
            70,
            tr("Something happened that longshore did not expect: a mistake of ours."),
            (),
            (
                tr(
                    "the log file has versions and the traceback, without secrets; please report it"
                ),
                tr("what was done is kept: running the same command again is safe"),
            ),
        ),
    ]
