"""Error codes about images in use. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [
        Explanation(
            "image-in-use",
            3,
            tr("A lifecycle policy reaches an image in use, at once or within the look-ahead."),
            (
                tr("a running image is not among the newest that its rule keeps"),
                tr("a rule goes by the age of the push, and what runs was pushed long ago"),
                tr("so many more pushes, none of them deployed, would push it out"),
            ),
            (
                tr("protect the image: `longshore tags protect REPOSITORY TAG`"),
                tr("or let a rule before the others keep it; the standard policy has such rules"),
                tr("`longshore lifecycle simulate REPOSITORY` shows each image's fate"),
                tr("or accept it: --allow-in-use"),
            ),
        ),
        Explanation(
            "in-use-unknown",
            3,
            tr("A place where images in use are looked for could not be read."),
            (
                tr("a permission lacks; the message names the IAM action"),
                tr("a cluster or program that protect names does not answer"),
                tr("a compose file or manifest names its tag by a variable"),
            ),
            (
                tr("let it be read, or take it out of protect.in_use"),
                tr("or go on without knowing: --allow-unread NAME"),
            ),
        ),
    ]
