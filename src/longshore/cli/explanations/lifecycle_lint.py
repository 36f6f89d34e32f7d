"""Codes of `lifecycle lint`: what each finding means and what to do. Pure.

`lifecycle-several-prefixes` and `lifecycle-invalid` are hazards of a tree too, and explained there.
"""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_form(), *_lists(), *_order(), *_loss(), *_reach(), *_counts()]


def _of(code: str, meaning: str, causes: tuple[str, ...], *what_to_do: str) -> Explanation:
    return Explanation(f"lifecycle-{code}", None, meaning, causes, what_to_do)


def _fixed() -> str:
    return tr("`longshore lifecycle lint --policy FILE --fix` prints the corrected policy")


def _form() -> list[Explanation]:
    return [
        _of(
            "any-not-last",
            tr("A rule for all images stands before another one; ECR refuses that."),
            (tr("a rule was added behind it"),),
            tr("give the rule for any the largest priority number of its storage class"),
            _fixed(),
        ),
        _of(
            "too-large",
            tr("The text of the policy is longer than ECR takes."),
            (tr("indentation"), tr("long descriptions")),
            tr("write it without blanks: `longshore lifecycle apply` does so"),
        ),
        _of(
            "near-limits",
            tr("The policy is close to ECR's limits: 50 rules, 30,720 characters."),
            (tr("a rule for each branch"),),
            tr("let branches share a prefix, so that one rule covers them"),
        ),
        _of(
            "without-description",
            tr("A rule has no description; nobody can tell later what it was for."),
            (),
            tr("say in a sentence which images it is about"),
        ),
        _of(
            "description-differs",
            tr("The description names another number than the rule."),
            (tr("the number was changed, the description was not"),),
            tr("correct one of the two"),
        ),
        Explanation(
            "lifecycle-unsafe",
            3,
            tr("`lifecycle lint` found something high: images can be lost, or a rule never acts."),
            (),
            (
                tr("each finding names its place and the corrected rule"),
                tr("`longshore explain CODE` says more about the code of a finding"),
                _fixed(),
            ),
        ),
        Explanation(
            "lifecycle-unchecked",
            1,
            tr("`lifecycle lint` found nothing high, but could not check everything."),
            (tr("a repository that may not be read"), tr("patterns with too many wildcards")),
            (tr("the answer names what was not checked, and why"),),
        ),
        Explanation(
            "lifecycle-too-tangled",
            1,
            tr("The patterns of a policy have too many wildcards to be compared exactly."),
            (),
            (tr("use fewer wildcards, or fewer such rules"),),
        ),
    ]


def _lists() -> list[Explanation]:
    return [
        _of(
            "entry-without-effect",
            tr("An entry matches all that another one matches: under AND it changes nothing."),
            (tr("the list was taken for OR"),),
            tr("leave only the entry that is meant"),
        ),
        _of(
            "impossible-tag",
            tr("No tag can ever match an entry, so the rule never acts."),
            (
                tr("a regular expression where ECR knows only *"),
                tr("a wildcard in tagPrefixList"),
                tr("a branch name with a slash"),
            ),
            tr("write the tag as it is pushed, with * for other characters in tagPatternList"),
        ),
        _of(
            "looks-like-regex",
            tr("An entry reads like a regular expression; its dot matches only a dot."),
            (),
            tr("write `main*` or `main-*` instead of `main.*`"),
        ),
        _of(
            "prefix-too-wide",
            tr("A prefix takes tags of two kinds, such as v1.2 and vpn-7, and counts both as one."),
            (tr("a prefix of one letter"),),
            tr("write more of the tag into the entry"),
        ),
    ]


def _order() -> list[Explanation]:
    return [
        _of(
            "shadowed",
            tr("An earlier rule takes all images of a rule, so that it can never act."),
            (tr("the general rule has the smaller number"),),
            tr("give the special rule the smaller priority number"),
            _fixed(),
        ),
        _of(
            "partly-shadowed",
            tr("An earlier rule decides about some images that a rule means too."),
            (tr("a suffix in one pattern, a prefix in the other"),),
            tr("put the rule first that is to decide about them"),
        ),
        _of(
            "never-acts",
            tr("The number of a rule is so large that it acts on nothing."),
            (),
            tr("choose a smaller number; 9999 is the usual way to say keep"),
        ),
        _of(
            "keeps-without-need",
            tr("A rule keeps images from rules behind it, and there are none."),
            (),
            tr("give it a number of images to keep, or remove it"),
        ),
        _of(
            "archive-without-transition",
            tr("A rule is for archived images, and no rule archives any."),
            (),
            tr("add a rule with the action transition, or remove it"),
        ),
    ]


def _loss() -> list[Explanation]:
    shield = tr("put rules first that keep live-*, rollback-* and latest (countNumber 9999)")
    look = tr("see when it would happen: `longshore lifecycle simulate REPOSITORY --at +30d`")
    return [
        _of(
            "deletes-latest",
            tr("A rule can delete the image that is tagged latest."),
            (tr("a rule for all images"), tr("latest stays behind while other tags are pushed")),
            shield,
            look,
        ),
        _of(
            "deletes-live",
            tr("A rule can delete an image that runs, or the one to roll back to."),
            (tr("no rule keeps live-* and rollback-*"), tr("such a rule stands too late")),
            shield,
            look,
        ),
        _of(
            "count-against-live",
            tr("A rule counts pushes: enough that nobody deploys, and the image that runs goes."),
            (),
            tr("keep a tag on what runs, and a rule that keeps this tag before all others"),
            look,
        ),
        _of(
            "release-by-age",
            tr("A rule deletes releases by age, also the only one, when nothing newer was pushed."),
            (tr("sinceImagePushed on production images"),),
            tr("count instead: imageCountMoreThan"),
        ),
        _of(
            "backup-by-age",
            tr(
                "A rule deletes backups by age. ECR counts from the push of the image, not from "
                "the backup, and takes the whole image with all of its tags."
            ),
            (),
            tr("keep a number of backups, in a rule before those for releases"),
        ),
        _of(
            "deletes-backup",
            tr("A rule can delete the last backup."),
            (tr("a rule for all images"), tr("a rule for releases before the one for backups")),
            tr("put a rule that keeps a number of backups before it"),
        ),
        _of(
            "archives-live",
            tr(
                "A rule archives images that run; a pull of an archived image is answered with 404."
            ),
            (tr("what runs for long pulls nothing"),),
            shield,
        ),
        _of(
            "signatures",
            tr("A rule treats signatures that cosign stores as tags like images of their own."),
            (tr("a rule for all tags"),),
            tr("keep sha256-* before it, or store signatures as referrers"),
        ),
    ]


def _reach() -> list[Explanation]:
    return [
        _of(
            "missing",
            tr("The repository has no lifecycle policy: everything stays, and is paid for."),
            (),
            tr("give it one: `longshore lifecycle apply REPOSITORY`"),
        ),
        _of(
            "untagged-without-rule",
            tr("No rule reaches untagged images; moved tags leave them behind."),
            (),
            tr("add a rule for untagged images"),
            _fixed(),
        ),
        _of(
            "tags-without-rule",
            tr("No rule reaches some tagged images; they stay for ever, and are paid for."),
            (tr("a new kind of tag"), tr("a list that was taken for OR")),
            tr("add a rule for each kind of tag"),
        ),
        _of(
            "unbounded",
            tr("A rule keeps all images of a kind of which the pipeline makes ever more."),
            (),
            tr("give it the number of images to keep"),
        ),
        _of(
            "matches-nothing",
            tr("A rule is for tags that nothing makes and no image has."),
            (tr("a misspelt tag"), tr("tags that were renamed")),
            tr("correct its tags, or remove it"),
        ),
    ]


def _counts() -> list[Explanation]:
    return [
        _of(
            "count-used-up",
            tr(
                "A rule also counts images that earlier rules took: when those are newer and as "
                "many as its number, it keeps none of its own."
            ),
            (tr("a rule for all images behind others"),),
            tr("raise the number, or give these images a tag and a rule of their own"),
        ),
        _of(
            "children-take-places",
            tr("Untagged manifests of multi-platform images take places in a rule that counts."),
            (tr("docker buildx adds attestations, so every image is an index"),),
            tr("let untagged images go by age"),
        ),
    ]
