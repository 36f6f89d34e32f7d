"""Codes of `iam check`: what each finding means and what to do. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_wide(), *_never(), *_half(), *_open(), *_trust(), *_ends()]


def _of(code: str, meaning: str, causes: tuple[str, ...], *what_to_do: str) -> Explanation:
    return Explanation(f"iam-{code}", None, meaning, causes, (*what_to_do, _paste()))


def _paste() -> str:
    return tr("the finding has the corrected statement, ready to paste")


def _wide() -> list[Explanation]:
    return [
        _of(
            "wide-action",
            tr("A wildcard among the actions allows deletion, or a change of who may do what."),
            (tr("ecr:* was quicker to write"),),
            tr("name the actions: `longshore iam policy ROLE` prints those of a role"),
        ),
        _of(
            "any-resource",
            tr("Actions on repositories are allowed on all of them, other accounts' too."),
            (tr("GetAuthorizationToken needs *, and the others stand in its statement"),),
            tr("leave GetAuthorizationToken alone on *; name repositories for all else"),
        ),
        _of(
            "allow-not-action",
            tr("Allow with NotAction allows all that it does not name, in every service."),
            (tr("Deny was meant"),),
            tr("deny what is named, and allow what is needed by name"),
        ),
        _of(
            "allow-not-resource",
            tr("Allow with NotResource allows it on all that it does not name."),
            (tr("Deny was meant"),),
            tr("deny what is named, and allow what is needed by name"),
        ),
        _of(
            "allow-not-principal",
            tr("Allow with NotPrincipal lets in everybody else, even who is not signed in."),
            (tr("Deny was meant"),),
            tr("name who is let in"),
        ),
        _of(
            "more-than-needed",
            tr("The policies allow what the work of the role (--for) never asks for."),
            (tr("the role was once used for more"), tr("another role was meant: see --for")),
            tr("take those actions out, or give them to a role of their own"),
        ),
    ]


def _never() -> list[Explanation]:
    return [
        _of(
            "unknown-action",
            tr("IAM takes the policy, but there is no such action, so nothing is allowed by it."),
            (tr("a misspelt name"), tr("the name of an API's client: get_image")),
            tr("use the name that is near, if that was meant"),
        ),
        _of(
            "literal-wildcard",
            tr("StringEquals compares literally: a * in it is only itself."),
            (tr("StringLike was meant"),),
            tr("use StringLike, or write the values out"),
        ),
        _of(
            "old-version",
            tr("Without the version 2012-10-17 IAM does not fill in ${...}."),
            (tr("Version is missing"),),
            tr("begin the policy with that version"),
        ),
        _of(
            "too-long",
            tr("The policy is longer than AWS takes."),
            (tr("one ARN for each repository"), tr("indentation, which ECR counts")),
            tr("name repositories by a prefix with a *, or split the policy"),
        ),
        _of(
            "not-a-repository",
            tr("The ARN is not one of a repository, so the statement allows nothing on it."),
            (tr("the registry's ARN"), tr("the address for docker instead of an ARN")),
            tr("arn:aws:ecr:REGION:ACCOUNT:repository/NAME"),
        ),
        _of(
            "token-on-repository",
            tr("GetAuthorizationToken knows no repository; limited to one, no login succeeds."),
            (tr("all actions were limited to the repository at once"),),
            tr("give it a statement of its own, with Resource *"),
        ),
        _of(
            "needs-any-resource",
            tr("A right about the registry was limited to a repository, so it is never given."),
            (tr("all actions were limited to the repository at once"),),
            tr("give it a statement of its own, with Resource *"),
        ),
        _of(
            "resource-not-taken",
            tr("A repository's policy names a Resource; ECR refuses that."),
            (tr("it was copied from a role's policy"),),
            tr("leave Resource out: the policy is about its repository"),
        ),
        _of(
            "right-not-here",
            tr("A repository's policy cannot give this right; it is none on a repository."),
            (tr("GetAuthorizationToken was to be given to another account"),),
            tr("the caller's own policy gives it, in the caller's own account"),
        ),
    ]


def _half() -> list[Explanation]:
    return [
        _of(
            "push-without-get",
            tr("A push asks first whether the image is there, by BatchGetImage."),
            (tr("the name sounds like pulling"),),
            tr("allow ecr:BatchGetImage on the same repositories"),
        ),
        _of(
            "half-a-push",
            tr("Some of the actions of a push are missing."),
            (),
            tr("`longshore iam policy push` prints them all"),
        ),
        _of(
            "half-a-pull",
            tr("Layers may be fetched, but not the manifest that says which."),
            (),
            tr("allow ecr:BatchGetImage on the same repositories"),
        ),
        _of(
            "cache-without-import",
            tr("A pull through a cache brings the image in, which is a right of its own."),
            (tr("pulls of images that are there already work without it"),),
            tr("allow ecr:BatchImportUpstreamImage on the cache's prefix"),
        ),
        _of(
            "missing-action",
            tr("The work of the role (--for) needs actions that no statement allows."),
            (tr("they are allowed by a policy that was not given to the check"),),
            tr("give all policies of the role to one check, or add the statement"),
        ),
        _of(
            "one-side-only",
            tr("From another account both sides must allow: the caller's and the repository's."),
            (tr("only one of them was changed"),),
            tr("add the statement to the side that lacks it"),
        ),
        _of(
            "other-side",
            tr("A repository of another account is named, and its policy was not looked at."),
            (),
            tr("give the repository's policy to the same check"),
        ),
    ]


def _open() -> list[Explanation]:
    return [
        _of(
            "public",
            tr("The principal is everybody, and no condition says of which organization."),
            (tr("a condition with IfExists or a negated one, which strangers meet"),),
            tr("compare aws:PrincipalOrgID, or name the accounts"),
        ),
        _of(
            "any-source",
            tr("An AWS service is let in without saying for whom it acts."),
            (tr("another account can let the service come here in its name"),),
            tr("compare aws:SourceAccount or aws:SourceArn"),
        ),
        _of(
            "other-account",
            tr("Another account is let in. That may be meant."),
            (tr("a former partner or account"),),
            tr("look whether it is one of yours; reading is enough for most"),
        ),
        _of(
            "principal-gone",
            tr("The policy names a user or role that was deleted."),
            (tr("it was made again: the new one is another principal"),),
            tr("name the ARN again"),
        ),
        _of(
            "principal-wildcard",
            tr("AWS takes no * inside a principal's ARN."),
            (),
            tr("compare aws:PrincipalArn with ArnLike instead"),
        ),
        _of(
            "locks-out",
            tr("Whoever sets this policy cannot set another one afterwards."),
            (tr("a Deny for everybody on ecr:*"),),
            tr("leave SetRepositoryPolicy out of the Deny; ECR refuses it without force"),
        ),
    ]


def _trust() -> list[Explanation]:
    return [
        _of(
            "trust-no-subject",
            tr("Runs of every repository on GitHub may take the role."),
            (tr("no condition on sub"), tr("ForAllValues or IfExists, met by an absent claim")),
            tr("`longshore iam trust OWNER/REPOSITORY` prints a good policy"),
        ),
        _of(
            "trust-wide-subject",
            tr("The comparison of sub fits runs or repositories that were not meant."),
            (tr("repo:OWNER/* or repo:OWNER/REPOSITORY:*"),),
            tr("name branches, tags or environments"),
        ),
        _of(
            "trust-subject",
            tr("The sub of GitHub's tokens begins with repo:, so nobody gets in."),
            (),
            tr("repo:OWNER/REPOSITORY:ref:refs/heads/main"),
        ),
        _of(
            "trust-no-audience",
            tr("Tokens that a job asked for another service are taken too."),
            (),
            tr("compare aud with sts.amazonaws.com"),
        ),
        _of(
            "trust-audience",
            tr("The policy wants an audience that GitHub's action for AWS does not ask for."),
            (tr("the audience of a private setting"),),
            tr("compare aud with sts.amazonaws.com, or set `audience` in the workflow"),
        ),
        _of(
            "trust-provider",
            tr("The principal is not the ARN of an identity provider."),
            (tr("only the provider's address was given"),),
            tr("the ARN ends in oidc-provider/token.actions.githubusercontent.com"),
        ),
        _of(
            "trust-action",
            tr("The statement trusts a provider, but not with the action that tokens come with."),
            (tr("sts:AssumeRole is for users and roles"),),
            tr("allow sts:AssumeRoleWithWebIdentity"),
        ),
        _of(
            "trust-claim",
            tr("The condition is about a key that STS never has, so nobody gets in."),
            (tr("a claim that STS does not pass on"), tr("the key without its issuer")),
            tr("use sub, aud, repository_id, ref, environment or another that STS knows"),
        ),
        _of(
            "trust-everyone",
            tr("Everybody with an AWS account may take the role."),
            (),
            tr("name the accounts or roles"),
        ),
    ]


def _ends() -> list[Explanation]:
    return [
        Explanation(
            "iam-unsafe",
            3,
            tr("`iam check` found something of medium severity or higher."),
            (),
            (_paste(), tr("`longshore explain CODE` says more about the code of a finding")),
        ),
        Explanation(
            "iam-unchecked",
            1,
            tr("`iam check` could not look at everything; what it saw is no finding."),
            (tr("the caller may not read a policy"), tr("a file that cannot be read")),
            (tr("allow the action that the answer names, or leave that part out"),),
        ),
    ]
