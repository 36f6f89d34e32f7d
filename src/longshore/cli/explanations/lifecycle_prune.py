"""Error codes of `lifecycle prune` and `lifecycle import`. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [
        Explanation(
            "prune-too-much",
            3,
            tr("A prune would delete more images of a repository at once than is usual."),
            (
                tr("the first prune of an old repository"),
                tr("a rule that is about more tags than was meant"),
            ),
            (
                tr("look at each: longshore lifecycle prune REPOSITORY --dry-run --verbose"),
                tr("if it is right, say how many may go: --at-most 200, or --at-most 80%"),
            ),
        ),
        Explanation(
            "prune-rules-invalid",
            2,
            tr("A file of prune rules says something that is no rule."),
            (tr("a misspelt key"), tr("a rule without patterns")),
            (tr("write the file with `longshore lifecycle import --write`, or by its page"),),
        ),
        Explanation(
            "import-unreadable",
            2,
            tr("A file is not the retention of the registry that was named."),
            (tr("another registry's file"), tr("zot's configuration in YAML or Nix")),
            (tr("name the registry: --from zot, harbor or quay"), tr("write zot's as JSON")),
        ),
        Explanation(
            "import-which",
            2,
            tr("The file has several policies, for different repositories."),
            (),
            (tr("name the repository as it is called there: --repository NAME"),),
        ),
    ]
