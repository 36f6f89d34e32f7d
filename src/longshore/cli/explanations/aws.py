"""Error codes of AWS and of the target account. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_place(), *_logins(), *_policies(), *_calls()]


def _place() -> list[Explanation]:
    return [
        Explanation(
            "wrong-account",
            3,
            tr("The AWS credentials belong to another account than the target names."),
            (tr("another profile is active (AWS_PROFILE)"), tr("a misspelt account in the file")),
            (
                tr("`aws sts get-caller-identity` shows whose credentials are used"),
                tr("choose the profile, or another target with --target"),
            ),
        ),
        Explanation(
            "no-region",
            2,
            tr("Nobody said which AWS Region is meant."),
            (),
            (tr("name it: --region, AWS_REGION, or `region` of the target in longshore.yaml"),),
        ),
        Explanation(
            "no-account",
            2,
            tr("A document names an AWS account, and nobody said which."),
            (),
            (tr("name it: --account, or `account` of the target in longshore.yaml"),),
        ),
        Explanation(
            "bad-severity",
            2,
            tr("Limits of findings were given in a form that cannot be read."),
            (),
            (tr("severities with numbers, by commas: high=0,medium=10"),),
        ),
        Explanation(
            "iam-policy-invalid",
            2,
            tr("A text is no IAM policy document; the message names each place."),
            (tr("a misspelt member"), tr("Allow or Deny in another spelling")),
            (tr("correct the place that is named; IAM itself would refuse it as well"),),
        ),
        Explanation(
            "iam-unknown-operator",
            2,
            tr("A condition has an operator that IAM does not have; nothing is guessed about it."),
            (),
            (tr("StringEquals, StringLike, ArnLike, Bool, IpAddress and their kin are known"),),
        ),
        Explanation(
            "iam-no-repository",
            2,
            tr("A policy was asked for without a repository; it would be one for all of them."),
            (),
            (tr("name the repositories; a name may end in *"),),
        ),
        Explanation(
            "github-ids-missing",
            2,
            tr("Newer repositories on GitHub send their numbers in the token's `sub`."),
            (),
            (
                tr("give --owner-id and --repository-id"),
                tr("`gh api repos/OWNER/REPOSITORY --jq '.owner.id, .id'` tells both"),
            ),
        ),
        Explanation(
            "trust-nobody",
            2,
            tr("A trust policy was asked for that would let no run in."),
            (),
            (tr("name branches, tags (--release) or environments"),),
        ),
        Explanation(
            "trust-everybody",
            2,
            tr("A trust policy was asked for that lets every run in, also of pull requests."),
            (),
            (tr("name branches, tags (--release) or environments"),),
        ),
        Explanation(
            "local-and-target",
            2,
            tr("--local and a target of AWS were asked for at once."),
            (),
            (tr("leave one of them out"),),
        ),
        Explanation(
            "wrong-region",
            2,
            tr("The embedded servers are in another Region than asked for."),
            (),
            (tr("leave --region out, or start them with `longshore local up --region`"),),
        ),
        Explanation(
            "bad-region",
            2,
            tr("The text is not an AWS Region."),
            (),
            (tr("a Region looks like ap-northeast-2"),),
        ),
        Explanation(
            "wrong-place",
            3,
            tr("The registry is at AWS, but AWS_ENDPOINT_URL leads to this machine."),
            (tr("a shell in which `longshore local env` was evaluated"),),
            (tr("unset AWS_ENDPOINT_URL, or open a new shell"),),
        ),
    ]


def _logins() -> list[Explanation]:
    who = tr("`aws sts get-caller-identity` shows who you are to AWS")
    return [
        Explanation(
            "no-credentials",
            4,
            tr("There are no AWS credentials; nothing was tried without them."),
            (tr("no variables, no profile, no role"), tr("a login that has ended")),
            (
                tr("`aws configure` or `aws sso login`"),
                tr("to try without an account: `longshore local up`, then --local"),
            ),
        ),
        Explanation(
            "no-profile",
            4,
            tr("The AWS profile does not exist."),
            (tr("a misspelt AWS_PROFILE"),),
            (tr("`aws configure list-profiles` lists them"),),
        ),
        Explanation(
            "credentials-invalid",
            4,
            tr("AWS does not know these credentials, or the signature is wrong."),
            (tr("a deleted access key"), tr("a secret key with a letter too few")),
            (who, tr("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_PROFILE")),
        ),
        Explanation(
            "clock-skew",
            4,
            tr("The clock of this machine is too far from AWS's."),
            (),
            (tr("set the clock right, for example with NTP"),),
        ),
        Explanation(
            "access-denied",
            1,
            tr("AWS knows the caller and does not allow this."),
            (tr("an IAM policy without the action"), tr("a policy of the organization")),
            (who, tr("allow the action that the hint names")),
        ),
    ]


def _policies() -> list[Explanation]:
    return [
        Explanation(
            "lifecycle-policy-invalid",
            2,
            tr("ECR would refuse this lifecycle policy; the message has ECR's words."),
            (
                tr("a rule for `any` that is not the last"),
                tr("two rules with one priority"),
                tr("`tagged` without a list of patterns or prefixes"),
            ),
            (tr("mend the rule that the message names"),),
        ),
    ]


def _calls() -> list[Explanation]:
    return [
        Explanation(
            "aws-error",
            1,
            tr("An AWS API refused a call; the message has its words."),
            (),
            (tr("--json shows operation, code and the IAM action that the call needs"),),
        ),
        Explanation(
            "aws-broken",
            1,
            tr("AWS itself failed."),
            (),
            (tr("run the same command again later; https://health.aws.amazon.com tells more"),),
        ),
        Explanation(
            "aws-unreachable",
            1,
            tr("The AWS API cannot be reached."),
            (
                tr("no network, or a proxy that is not set"),
                tr("a Region that does not exist"),
                tr("AWS_ENDPOINT_URL leads to servers that do not run any more"),
            ),
            (tr("check network, Region and AWS_ENDPOINT_URL"),),
        ),
        Explanation(
            "aws-throttled",
            6,
            tr("AWS asks for fewer requests in a short time."),
            (),
            (tr("run the same command again in a minute; it goes on where it stopped"),),
        ),
        Explanation(
            "aws-quota",
            6,
            tr("A quota of the AWS account is reached."),
            (),
            (tr("ask for more in Service Quotas, or remove what is not needed"),),
        ),
    ]
