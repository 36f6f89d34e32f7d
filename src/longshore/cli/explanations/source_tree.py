"""Error codes of assessing and rewriting a source tree. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_assessing(), *_rewriting()]


def _assessing() -> list[Explanation]:
    return [
        Explanation(
            "not-a-folder",
            2,
            tr("What was named as a tree is no folder."),
            (tr("a misspelt path"), tr("a file instead of the folder around it")),
            (tr("name the folder of the tree, or a folder that holds several clones"),),
        ),
        Explanation(
            "hub-pulls-left",
            3,
            tr("The tree still fetches images from Docker Hub, and --exit-code was given."),
            (),
            (
                tr("`longshore assess --all` lists every place"),
                tr("`longshore rewrite` shows what each place becomes, or why it stays"),
            ),
        ),
        Explanation(
            "hazards",
            3,
            tr("The tree has hazards of high severity, and --exit-code was given."),
            (),
            (tr("`longshore assess --all` says for each what to write instead"),),
        ),
        *_ending(),
    ]


def _ending() -> list[Explanation]:
    return [
        Explanation(
            "move-not-over",
            3,
            tr("A tree still needs Docker Hub, or somebody still uses your repositories there."),
            (
                tr("a server, a cluster or a colleague that still pulls the old name"),
                tr("a pipeline that pushes to both registries"),
                tr("your own last `sync`: what it copied counts as pulled that day"),
            ),
            (
                tr("`longshore rewrite` for the places that the answer names"),
                tr("find who pulls that tag, and ask again in some days"),
                tr("keep the token until then"),
            ),
        ),
        Explanation(
            "move-not-proved",
            1,
            tr("Nothing speaks against the end of the move, but not all could be checked."),
            (
                tr("Docker Hub did not answer, or shows the repository to members only"),
                tr("references that a variable leaves open, files that could not be read"),
                tr("no repository of yours is known: no longshore.yaml, and nothing is pushed"),
            ),
            (
                tr("log in at Docker Hub as a member: docker login"),
                tr("name your repositories with --own"),
                tr("look at the open references; --allow-open when none of them is Docker Hub"),
            ),
        ),
    ]


def _rewriting() -> list[Explanation]:
    return [
        Explanation(
            "target-incomplete",
            2,
            tr("A patch names the registry's host, and the target does not say enough for it."),
            (tr("no longshore.yaml, and no AWS Region in the environment"),),
            (tr("write account and region under targets; `longshore init` does it"),),
        ),
        Explanation(
            "images-missing",
            3,
            tr("The tree would name images that are not at the target: its next build would fail."),
            (tr("nothing was copied yet"), tr("an image rule leaves out tags that the tree uses")),
            (
                tr("`longshore rewrite --update-config` adds the rules that are missing"),
                tr("`longshore apply`, or `longshore sync`, copies the images"),
                tr("--unchecked writes all the same"),
            ),
        ),
        Explanation(
            "edit-not-proved",
            3,
            tr("A file was read again after the edit and did not say what was meant. It stays."),
            (tr("a file that is written in an unusual way"),),
            (tr("change the place by hand; the answer names file and line"),),
        ),
        Explanation(
            "not-reverted",
            3,
            tr("A file was changed by somebody after `rewrite --write`, so it was not restored."),
            (),
            (
                tr("undo the later change and run the command again"),
                tr("or take the original from the folder that the hint names"),
            ),
        ),
        Explanation(
            "config-not-editable",
            3,
            tr("Rules are to be added to longshore.yaml, and its lists stand in one line."),
            (),
            (tr("write the list as a block, one item a line, and run the command again"),),
        ),
    ]
