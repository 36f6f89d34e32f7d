"""The AWS SDK, owned: sessions, clients, and foreign errors turned into ours. I/O.

botocore is imported inside functions, so that commands that need no AWS never load it. Credentials
come by the SDK's standard chain (variables, profile, SSO, container and instance roles, web
identity). Typed fronts: `ecr.py`, `identity.py`.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from longshore import __version__
from longshore.errors import AwsError, LoginError, LongshoreError, UsageError
from longshore.remote.addresses import is_loopback, without_secrets
from longshore.remote.aws_refusals import aws_refusal
from longshore.remote.refusals import shown_text
from longshore.text import tr

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+\Z")


@dataclass(frozen=True)
class AwsKeys:
    """Credentials given outright (the embedded servers'), instead of the standard chain's."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AwsOptions:
    """How to reach AWS. `endpoint_url` is for all services; None means as the SDK is configured.

    `environ` is asked for AWS_REGION, AWS_ENDPOINT_URL* and SSL_CERT_FILE; the SDK's own chain
    reads the process's environment and files by itself.
    """

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    keys: AwsKeys | None = None
    use_fips: bool = False
    use_dualstack: bool = False
    max_attempts: int = 6
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


class AwsSession:
    """One set of credentials in one region; makes clients. Safe for many threads."""

    def __init__(
        self, raw: Any, region: str, options: AwsOptions, partition: tuple[str, str]
    ) -> None:
        self.region = region
        self.options = options
        self._raw = raw
        self._lock = threading.Lock()
        self._clients: dict[str, AwsClient] = {}
        self.partition, self.dns_suffix = partition

    def client(self, service: str) -> AwsClient:
        """The client of a service, made once."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> AwsClient:
        import botocore.config
        import botocore.exceptions

        options, environ = self.options, self.options.environ
        own = environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL")
        config = botocore.config.Config(
            retries={"mode": "standard", "total_max_attempts": options.max_attempts},
            connect_timeout=options.connect_timeout_s,
            read_timeout=options.read_timeout_s,
            max_pool_connections=64,
            use_fips_endpoint=options.use_fips or None,
            use_dualstack_endpoint=options.use_dualstack or None,
            user_agent_extra=f"longshore/{__version__}",
        )
        try:
            raw = self._raw.create_client(
                service,
                region_name=self.region,
                endpoint_url=options.endpoint_url or own,
                verify=environ.get("AWS_CA_BUNDLE") or environ.get("SSL_CERT_FILE"),
                config=config,
            )
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise turned(error, "", "", "") from None
        return AwsClient(raw, service)


class AwsClient:
    """One service's operations by name; dicts in and out, for the typed fronts only."""

    def __init__(self, raw: Any, service: str) -> None:
        self._raw = raw
        self.service = service

    @property
    def endpoint(self) -> str:
        """Where requests go."""
        return str(self._raw.meta.endpoint_url)

    @property
    def is_loopback(self) -> bool:
        """Whether requests stay on this machine."""
        return is_loopback(without_secrets(self.endpoint).split("/")[2])

    def call(
        self, operation: str, parameters: Mapping[str, Any], *, action: str, resource: str = ""
    ) -> dict[str, Any]:
        """Call an operation (`DescribeImages`). Raises AwsError, LoginError, LimitError.

        `action` is the IAM action that the caller needs, `resource` what it is done to.
        """
        import botocore
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            method = getattr(self._raw, botocore.xform_name(operation))
            answer: dict[str, Any] = method(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise turned(error, operation, action, resource) from None
        except ResponseParserError:  # of none of the SDK's own families
            raise _not_aws(operation, action) from None
        return answer

    def pages(
        self, operation: str, parameters: Mapping[str, Any], *, action: str, resource: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Call until no `nextToken` comes; a token that comes twice is an error."""
        seen: set[str] = set()
        more: dict[str, Any] = {}
        while True:
            page = self.call(operation, {**parameters, **more}, action=action, resource=resource)
            yield page
            token = page.get("nextToken")
            if not token:
                return
            if token in seen:
                raise AwsError(
                    tr("{operation} gives the same page again and again", operation=operation),
                    tr("run the same command again"),
                    operation=operation,
                    iam_action=action,
                    code="bad-answer",
                )
            seen.add(token)
            more = {"nextToken": token}


def open_session(options: AwsOptions) -> AwsSession:
    """A session by the options. Raises UsageError without a region, LoginError for a bad profile.

    Whether there are credentials shows at the first call.
    """
    import botocore.exceptions
    import botocore.session

    # At its debug level the SDK logs headers and signatures.
    logging.getLogger("botocore").setLevel(logging.WARNING)
    environ = options.environ
    try:
        raw = botocore.session.Session(profile=options.profile)
        region = (
            options.region
            or environ.get("AWS_REGION")
            or environ.get("AWS_DEFAULT_REGION")
            or raw.get_config_variable("region")
        )
        partition = _partition(raw, region or "")
        if options.keys is not None:
            keys = options.keys
            raw.set_credentials(keys.access_key, keys.secret_key, keys.session_token)
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise turned(error, "", "", "") from None
    if not region:
        raise UsageError(
            tr("no AWS region is set"),
            tr("give --region, for example --region ap-northeast-2, or set AWS_REGION"),
            code="no-region",
        )
    if not _REGION.match(region):
        raise UsageError(
            tr("'{region}' is not an AWS region", region=region),
            tr("a region looks like ap-northeast-2"),
            code="bad-region",
        )
    return AwsSession(raw, region, options, partition)


def _partition(raw: Any, region: str) -> tuple[str, str]:
    """The partition's name and DNS suffix, as the SDK's data says."""
    partitions = raw.get_component("data_loader").load_data("partitions")["partitions"]
    for partition in partitions:
        if region in partition["regions"] or re.match(partition["regionRegex"], region):
            return str(partition["id"]), str(partition["outputs"]["dnsSuffix"])
    return "aws", "amazonaws.com"


def turned(error: Exception, operation: str, action: str, resource: str) -> LongshoreError:
    """A foreign exception as one of ours."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return aws_refusal(response, operation, action, resource)
    return _not_sent(error, operation, action)


def _not_sent(error: Exception, operation: str, action: str) -> LongshoreError:
    """Errors before an answer: no credentials, no such profile, no connection, bad parameters."""
    from botocore import exceptions as sdk

    why = shown_text(str(error))
    if isinstance(error, sdk.NoCredentialsError | sdk.PartialCredentialsError):
        return LoginError(
            tr("no AWS credentials were found"),
            tr("run `aws configure` or `aws sso login`; for a try without an account, use --local"),
            code="no-credentials",
        )
    if isinstance(error, sdk.ProfileNotFound):
        hint = tr("list what there is: aws configure list-profiles")
        return LoginError(tr("{why}", why=why), hint, code="no-profile")
    if isinstance(error, _login_errors(sdk)):
        return LoginError(
            tr("the AWS credentials cannot be read: {why}", why=why),
            tr("log in again, for example with aws sso login"),
            code="token-expired" if "xpired" in why else "no-credentials",
        )
    if isinstance(error, sdk.HTTPClientError | sdk.ConnectionError):
        return AwsError(
            tr("AWS cannot be reached: {why}", why=why),
            tr("check the network, the region and AWS_ENDPOINT_URL"),
            operation=operation,
            iam_action=action,
            temporary=True,
            code="aws-unreachable",
        )
    if isinstance(error, sdk.ParamValidationError):
        return AwsError(
            tr("{operation} cannot be asked like this: {why}", operation=operation, why=why),
            tr("correct the value that is named"),
            operation=operation,
            iam_action=action,
            code="invalid-parameter",
        )
    return AwsError(
        tr("the AWS SDK failed: {why}", why=why),
        tr("check the settings in ~/.aws/config and the AWS_ variables"),
        operation=operation,
        iam_action=action,
        code="aws-error",
    )


def _not_aws(operation: str, action: str) -> AwsError:
    return AwsError(
        tr("what answers {operation} does not speak as AWS does", operation=operation),
        tr("check AWS_ENDPOINT_URL; a proxy may answer in AWS's place"),
        operation=operation,
        iam_action=action,
        code="bad-answer",
    )


def _login_errors(sdk: Any) -> tuple[type[Exception], ...]:
    return (
        sdk.CredentialRetrievalError,
        sdk.SSOError,
        sdk.TokenRetrievalError,
        sdk.NoAuthTokenError,
        sdk.RefreshWithMFAUnsupportedError,
        sdk.ConfigParseError,
    )
