"""Error codes of judging lifecycle policies: simulate, explain, diff. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [
        Explanation(
            "no-policy",
            2,
            tr("No lifecycle policy was named, and there is none to be found."),
            (
                tr("the repository has no policy yet"),
                tr("longshore.yaml says nothing of its lifecycle"),
            ),
            (
                tr("name one: --policy FILE, or --preset standard"),
                tr("`longshore lifecycle apply REPOSITORY` puts one there"),
            ),
        ),
        Explanation(
            "bad-listing",
            2,
            tr("A saved listing of images cannot be read; the message names line and column."),
            (
                tr("the file is cut off, or not JSON"),
                tr("--query or another --output took entries apart"),
                tr("two entries contradict each other: the listing was taken while images changed"),
            ),
            (
                tr(
                    "save it again: {command}",
                    command="aws ecr describe-images --repository-name NAME --output json "
                    "--filter imageStatus=ANY > images.json",
                ),
            ),
        ),
        Explanation(
            "bad-time",
            2,
            tr("A word is not a moment in time."),
            (),
            (tr("write 2026-12-24, 2026-12-24T09:30:00Z, or from now: +30d, +12h"),),
        ),
        Explanation(
            "no-such-image",
            2,
            tr("The word means no image of the listing, or more than one."),
            (tr("a misspelt tag"), tr("a digest cut too short")),
            (tr("name a tag, a digest, or at least its first 6 hex digits"),),
        ),
        Explanation(
            "lifecycle-expires-more",
            3,
            tr("The new policy expires images that the old one keeps (`--exit-code`)."),
            (),
            (tr("look at each: longshore lifecycle diff OLD NEW --verbose"),),
        ),
        Explanation(
            "lifecycle-preview-failed",
            1,
            tr("ECR's own preview of the policy did not come to an end that can be compared."),
            (
                tr("somebody else started a preview of the same repository"),
                tr("a repository with very many images"),
            ),
            (
                tr("run the same command again"),
                tr("without --preview longshore's own verdicts are shown"),
            ),
        ),
        Explanation(
            "bad-rate",
            2,
            tr("A word is not a rate at which images are pushed."),
            (tr("a missing unit: main=3"),),
            (tr("write main-*=2/day,v*=1/week,untagged=10/day"),),
        ),
        Explanation(
            "bad-reading",
            2,
            tr("A reading, or a choice of it, does not exist."),
            (tr("a misspelt word"),),
            (tr("docs/lifecycle.md, `Open points`, lists the readings and their choices"),),
        ),
    ]
