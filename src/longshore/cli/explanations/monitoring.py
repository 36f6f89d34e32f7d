"""Error codes of `monitor`. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [
        Explanation(
            "monitor-unread",
            5,
            tr("A repository could not be read, so no metric was put: a sum would be too small."),
            (tr("the role may not read one of the repositories"),),
            (
                tr("give the role the policy that `longshore iam policy monitor '*'` prints"),
                tr("run the same command again; what was counted is kept for two hours"),
            ),
        ),
        Explanation(
            "monitor-findings",
            3,
            tr("The check of the registry found something; each finding has a code of its own."),
            (),
            (tr("read the findings; each names what to do"),),
        ),
        Explanation(
            "monitor-unchecked",
            1,
            tr("Nothing was found, but something could not be looked at; that is not clean."),
            (tr("the role may not read a repository, its policy, or CloudWatch"),),
            (tr("give the role the policy that `longshore iam policy monitor '*'` prints"),),
        ),
        *_of_images(),
        *_of_protection(),
        *_of_metrics(),
    ]


def _of_images() -> list[Explanation]:
    return [
        Explanation(
            "monitor-storage",
            3,
            tr("The registry holds more than alerts.storage_gb says."),
            (tr("no lifecycle policy, or one that reaches little"),),
            (
                tr("see what a policy would delete: longshore lifecycle simulate REPOSITORY"),
                tr("count shared layers once: longshore monitor check --unique"),
            ),
        ),
        Explanation(
            "monitor-image-quota",
            3,
            tr("A repository has more than 80 % of the images that ECR allows; then pushes fail."),
            (tr("untagged images that no rule removes"),),
            (tr("look for tags without a rule: longshore lifecycle lint REPOSITORY"),),
        ),
        Explanation(
            "monitor-scan-findings",
            3,
            tr("A scan of an image found more than alerts.scan (or scan.max) allows."),
            (),
            (
                tr("see them: longshore scan report REPOSITORY:TAG"),
                tr("update the package or the base image; or waive one with a reason and a day"),
            ),
        ),
        Explanation(
            "monitor-scan-unfinished",
            3,
            tr("Half an hour after its push an image has no finished scan."),
            (tr("scan on push is off"), tr("the event was lost: events are best effort")),
            (tr("start it: longshore scan run REPOSITORY:TAG"),),
        ),
        Explanation(
            "monitor-scan-failed",
            3,
            tr("The scan of an image failed, or its findings are no longer available."),
            (tr("a quota is used up"), tr("the image is too old or too large for the scanner")),
            (tr("start it again: longshore scan run REPOSITORY:TAG"),),
        ),
        Explanation(
            "monitor-scan-unsupported",
            3,
            tr("ECR does not know this kind of image, so nothing is known of what is in it."),
            (tr("an image from scratch or distroless, with basic scanning"),),
            (tr("use enhanced scanning, or another scanner, for it"),),
        ),
        Explanation(
            "monitor-no-backup",
            3,
            tr("A live-* tag says that an image runs, and there is no backup-* tag beside it."),
            (tr("the release before was not kept"),),
            (tr("make one: longshore tags protect REPOSITORY live-prod --as backup-TIME"),),
        ),
    ]


def _of_protection() -> list[Explanation]:
    return [
        Explanation(
            "monitor-lifecycle-missing",
            3,
            tr("A repository has no lifecycle policy any more, or never had the wanted one."),
            (tr("somebody deleted it"), tr("the plan was never applied")),
            (tr("see what differs: longshore plan"),),
        ),
        Explanation(
            "monitor-lifecycle-changed",
            3,
            tr("A lifecycle policy is another one than longshore.yaml wants, or than last time."),
            (tr("somebody changed it in the console"),),
            (tr("see what differs: longshore plan"),),
        ),
        Explanation(
            "monitor-tags-mutable",
            3,
            tr("Tags can be moved that were fixed, so an image may be replaced under its name."),
            (tr("somebody changed the repository's settings"),),
            (tr("see what differs: longshore plan"),),
        ),
        Explanation(
            "monitor-public",
            3,
            tr("A repository's policy allows something to everyone."),
            (tr("a statement with the principal * and no condition that narrows it"),),
            (tr("name the accounts, or add a condition on aws:PrincipalOrgID"),),
        ),
        Explanation(
            "monitor-protected-gone",
            3,
            tr("A live-* or rollback-* tag that was there at the last check is gone; said once."),
            (tr("a lifecycle rule or somebody deleted it"), tr("the environment was given up")),
            (tr("put it back: longshore tags protect REPOSITORY DIGEST --as live-prod"),),
        ),
        Explanation(
            "monitor-repository-gone",
            3,
            tr("A repository that was there at the last check is gone; said once."),
            (tr("somebody deleted it"),),
            (tr("CloudTrail's DeleteRepository event says who"),),
        ),
    ]


def _of_metrics() -> list[Explanation]:
    return [
        Explanation(
            "monitor-pull-spike",
            3,
            tr("A repository was pulled far more often in an hour than it usually is."),
            (
                tr("a runtime that restarts again and again"),
                tr("a pipeline without a cache"),
                tr("somebody copies everything"),
            ),
            (tr("CloudTrail's BatchGetImage events say who pulled"),),
        ),
        Explanation(
            "monitor-heartbeat",
            3,
            tr("`longshore monitor publish` ran before, and not in the last three hours."),
            (tr("its schedule is off, or it fails"),),
            (tr("run it by hand: longshore monitor publish --yes"),),
        ),
    ]
