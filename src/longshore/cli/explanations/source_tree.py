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
