"""Error codes of registries and of the way to them. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_logins(), *_limits(), *_refusals(), *_uploads(), *_network(), *_unsafe()]


def _logins() -> list[Explanation]:
    return [
        Explanation(
            "not-logged-in",
            4,
            tr("There are no credentials for what was asked, or nothing of that name exists."),
            (
                tr("no AWS credentials: none in the environment, the profile or the instance"),
                tr("no docker login for this registry"),
                tr("registries answer so for private and for missing repositories alike"),
            ),
            (
                tr("AWS: `aws sts get-caller-identity` shows who you are; `aws configure`"),
                tr("ECR from docker: `longshore login`"),
                tr("other registries: `docker login HOST`; longshore reads docker's logins"),
                tr("to try without an account: `longshore local up`, then --local"),
            ),
        ),
        Explanation(
            "login-refused",
            4,
            tr("The registry does not accept the credentials that were given."),
            (tr("a changed password or revoked token"), tr("no access to this repository")),
            (tr("log in again, or ask the owner for access"),),
        ),
        Explanation(
            "token-expired",
            4,
            tr("The login has expired."),
            (tr("an ECR password lives twelve hours"), tr("temporary AWS credentials ran out")),
            (
                tr("`longshore login`; with --helper nothing expires any more"),
                tr("renew the AWS credentials: `aws sso login`"),
            ),
        ),
        Explanation(
            "denied",
            1,
            tr("The registry knows who you are and does not allow this."),
            (
                tr("a missing IAM action"),
                tr("a repository policy"),
                tr("another account's registry"),
            ),
            (tr("allow the action that the message names"),),
        ),
    ]


def _limits() -> list[Explanation]:
    return [
        Explanation(
            "limit",
            6,
            tr("A limit or quota is used up."),
            (),
            (tr("wait until the time in the message and run the same command again"),),
        ),
        Explanation(
            "hub-pull-limit",
            6,
            tr("Docker Hub's pulls for this address or account are used up for now."),
            (
                tr("without a login the limit counts for everybody behind your address"),
                tr("each manifest read counts as one pull"),
            ),
            (
                tr("log in (`docker login`) for a higher limit"),
                tr("or wait: what is copied stays copied, the same command goes on"),
            ),
        ),
        Explanation(
            "address-expired",
            1,
            tr("A registry sent longshore elsewhere for a layer, and was refused there."),
            (
                tr("such addresses are good for some minutes only; longshore asks for new ones"),
                tr("a proxy between here and the layer store refuses the request"),
            ),
            (tr("run the same command again: it goes on where it stopped"),),
        ),
        Explanation(
            "own-pull-limit",
            6,
            tr("This run has pulled as many manifests as longshore.yaml allows it."),
            (tr("`sources.HOST.pulls` is a number"),),
            (
                tr("run the same command again: it goes on where it stopped"),
                tr("or raise the number, or set it to auto"),
            ),
        ),
        Explanation(
            "too-many-requests",
            6,
            tr("The registry asks for fewer requests in a short time."),
            (),
            (tr("run the same command again later; it goes on where it stopped"),),
        ),
    ]


def _refusals() -> list[Explanation]:
    return [
        Explanation(
            "registry-error",
            1,
            tr("The registry answered with an error that has no closer name."),
            (),
            (tr("the message has its words and status"),),
        ),
        Explanation(
            "registry-broken",
            1,
            tr("The registry itself failed (a status of 500 or above)."),
            (tr("an outage"), tr("a proxy before the registry")),
            (tr("run the same command again later; it goes on where it stopped"),),
        ),
        Explanation(
            "repository-not-found",
            1,
            tr("There is no repository of this name in this registry."),
            (
                tr("a misspelt name"),
                tr("another Region or account: AWS_REGION"),
                tr("not made yet"),
            ),
            (
                tr("`longshore repo ls` lists the repositories of the target"),
                tr("`longshore repo create NAME`, or `longshore apply`, makes it"),
            ),
        ),
        Explanation(
            "name-invalid",
            1,
            tr("The registry does not take this repository name."),
            (),
            (tr("ECR: 2 to 256 small letters, digits, and . _ - / between them"),),
        ),
        Explanation(
            "unsupported-media-type",
            1,
            tr("The registry does not take a manifest of this kind."),
            (tr("a signature or attestation in an unusual form"),),
            (tr("leave referrers out (`referrers: false`), or rebuild with standard types"),),
        ),
        Explanation(
            "unsupported",
            1,
            tr("The registry lacks this part of the protocol."),
            (),
            (),
        ),
        Explanation(
            "tag-delete-unsupported",
            1,
            tr("The registry cannot remove a single tag."),
            (),
            (tr("remove it in the registry's own console"),),
        ),
        Explanation(
            "too-large",
            1,
            tr("A blob or manifest is larger than the registry, or a proxy before it, takes."),
            (),
            (tr("leave the tag out, or raise the limit of the proxy"),),
        ),
        Explanation(
            "namespace-needed",
            1,
            tr("Docker Hub lists the repositories of one namespace only."),
            (),
            (tr("name one, such as docker.io/acme"),),
        ),
    ]


def _uploads() -> list[Explanation]:
    again = tr("run the same command again: what arrived whole is not sent twice")
    return [
        Explanation(
            "upload-lost", 1, tr("The registry forgot an upload before its end."), (), (again,)
        ),
        Explanation(
            "upload-invalid", 1, tr("The registry refused a part of an upload."), (), (again,)
        ),
        Explanation(
            "digest-invalid",
            1,
            tr("The registry received other bytes than were sent."),
            (tr("a proxy that changes what passes"),),
            (again,),
        ),
        Explanation(
            "bad-upload-answer",
            1,
            tr("The registry did not say where to upload to."),
            (tr("it is no registry, or a proxy before it drops headers"),),
            (tr("check the registry's address"),),
        ),
    ]


def _network() -> list[Explanation]:
    return [
        Explanation(
            "no-connection",
            1,
            tr("No connection to the host came about."),
            (
                tr("no network, or a proxy that is not set (HTTPS_PROXY)"),
                tr("a private subnet without endpoints for ecr.api, ecr.dkr and S3"),
            ),
            (tr("try `curl -I https://HOST/v2/` from the same machine"),),
        ),
        Explanation(
            "connection-broken",
            1,
            tr("The connection broke again and again."),
            (),
            (tr("run the same command again; it goes on where it stopped"),),
        ),
        Explanation(
            "host-not-found",
            1,
            tr("The host's name has no address."),
            (tr("a misspelt registry"), tr("a wrong Region in the host's name")),
            (tr("check the name"),),
        ),
        Explanation(
            "bad-certificates",
            1,
            tr("The certificate file cannot be used."),
            (tr("SSL_CERT_FILE names a file that is missing or is no PEM file"),),
            (tr("mend the path, or unset it"),),
        ),
        Explanation(
            "certificate",
            1,
            tr("The host's certificate is not trusted."),
            (tr("a proxy that opens TLS, with a certificate of its own"),),
            (tr("name its certificate authority with SSL_CERT_FILE"),),
        ),
        Explanation(
            "bad-answer",
            1,
            tr("The registry answered with something that cannot be understood."),
            (tr("it is no registry, or a proxy answers in its place"),),
            (tr("check the registry's address"),),
        ),
        Explanation(
            "bad-token-answer",
            1,
            tr("The registry's token service gave no token."),
            (),
            (tr("run the same command again later"),),
        ),
    ]


def _unsafe() -> list[Explanation]:
    return [
        Explanation(
            "plain-http",
            3,
            tr("The registry would be spoken to without encryption."),
            (tr("an internal registry without TLS"),),
            (tr("use https; plain HTTP is taken for loopback hosts only, unless told"),),
        ),
        Explanation(
            "bad-redirect",
            1,
            tr("The registry redirects in a way that is not safe to follow."),
            (tr("from https to http"), tr("in a circle")),
            (tr("check the registry's address and its proxy's settings"),),
        ),
        Explanation(
            "unsafe-realm",
            3,
            tr("The registry wants its password sent to an address without encryption."),
            (),
            (tr("ask the owner of the registry; a token service must use https"),),
        ),
    ]
