"""Error codes of changing a tree's files, taking them back, and committing them. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_refused(), *_files(), *_commits()]


def _refused() -> list[Explanation]:
    again = tr("run the same command again: it reads the tree anew")
    return [
        Explanation(
            "dirty-file",
            3,
            tr("A file to be changed has changes of your own that no commit holds."),
            (tr("unfinished work"), tr("a new file that git does not know yet")),
            (
                tr("commit or stash it, so that your changes and ours stay apart"),
                tr("--allow-dirty goes on all the same; the original is kept and --revert works"),
            ),
        ),
        Explanation(
            "dirty-unknown",
            3,
            tr("git did not say whether the files to be changed are committed."),
            (tr("git is not installed"), tr("the clone belongs to another user"), tr("damage")),
            (tr("see to what git says"), tr("--allow-dirty goes on without asking git")),
        ),
        Explanation(
            "outside-tree",
            3,
            tr("What was to be changed is no ordinary file of the tree."),
            (tr("a path with .. in it"), tr("a device or pipe"), tr("a file of git's own")),
            (tr("leave it out, or name the tree that it lies in"),),
        ),
        Explanation(
            "state-in-tree",
            3,
            tr("The folder for originals lies inside the tree that is changed."),
            (tr("LONGSHORE_STATE_DIR names a folder of the tree"),),
            (tr("name a folder outside: originals may hold secrets and are not to be committed"),),
        ),
        Explanation(
            "file-changed",
            3,
            tr("A file is not what it was when the change was planned; it was left alone."),
            (tr("an editor or another program wrote it meanwhile"),),
            (again,),
        ),
        Explanation(
            "edit-mismatch",
            3,
            tr("What was to be replaced does not stand at its place, or cannot be written there."),
            (tr("the file has changed since the plan was made"),),
            (again,),
        ),
        Explanation(
            "edit-overlap",
            3,
            tr("Two changes want the same characters of a file; none of them was made."),
            (),
            (tr("look at the patch without --write, and report it: this is a mistake of ours"),),
        ),
    ]


def _files() -> list[Explanation]:
    back = tr("`longshore rewrite --revert` takes back what was written")
    return [
        Explanation(
            "read-only-file",
            1,
            tr("A file to be changed is marked as read-only; that is taken for a wish."),
            (tr("a generated file"), tr("a file that another tool keeps")),
            (tr("chmod u+w the file, or skip it with `rewrite.skip` in longshore.yaml"),),
        ),
        Explanation(
            "vanished-file",
            1,
            tr("A file to be changed is not there any more."),
            (tr("it was moved or deleted, or another branch was checked out"),),
            (tr("run the same command again: it reads the tree anew"),),
        ),
        Explanation(
            "tree-file",
            1,
            tr("A file of the tree cannot be read or written; it is as it was."),
            (tr("the disk is full"), tr("no permission"), tr("it belongs to another user")),
            (tr("mend what the message names and run the command again"), back),
        ),
        Explanation(
            "partly-written",
            5,
            tr("Some files were written before one could not be."),
            (tr("the disk is full"), tr("a file was changed meanwhile")),
            (tr("run the same command again: it goes on with the rest"), back),
        ),
    ]


def _commits() -> list[Explanation]:
    by_hand = tr("or commit the files yourself: they are written already")
    return [
        Explanation(
            "branch-exists",
            3,
            tr("The branch for the commit is there already; nothing is added to it."),
            (tr("an earlier run made it"),),
            (tr("choose another name, or delete the branch"), by_hand),
        ),
        Explanation(
            "bad-branch",
            2,
            tr("git does not take this name for a branch."),
            (),
            (tr("letters, digits, - and / are always taken"),),
        ),
        Explanation(
            "not-one-clone",
            3,
            tr("The changed files lie in no clone, or in several; one commit cannot hold them."),
            (tr("the tree is not a clone"), tr("a file lies in a submodule")),
            (tr("name each clone by itself, or write a patch"),),
        ),
        Explanation(
            "commit-failed",
            1,
            tr("git did not make the commit. The branch is gone again, the files stay as written."),
            (tr("a hook refused"), tr("a merge is under way"), tr("no name is set for commits")),
            (tr("git's own words stand in the message"), by_hand),
        ),
    ]
