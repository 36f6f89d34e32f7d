"""What an error answer of an AWS API means, and what to do about it. Pure.

From the answer's `Error.Code`: expired or unknown credentials, a denial with the IAM action that
lacks, throttling, quotas. Other codes are kept as they are (`aws_code`) and named in kebab case:
RepositoryNotFoundException is `repository-not-found`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from longshore.errors import AwsError, LimitError, LoginError, LongshoreError, Where
from longshore.remote.refusals import shown_text
from longshore.text import tr

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_INVALID = {
    *("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"),
    *("InvalidAccessKeyId", "MissingAuthenticationToken", "MissingAuthenticationTokenException"),
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}
_THROTTLED = {
    *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled"),
    *("TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "RequestThrottledException"),
}
_BROKEN = {"ServerException", "InternalFailure", "InternalError", "ServiceUnavailable"}


def aws_refusal(
    response: Mapping[str, Any], operation: str, action: str, resource: str
) -> LongshoreError:
    """The error that an answer stands for."""
    said = response.get("Error") or {}
    aws_code = str(said.get("Code") or "").rpartition("#")[2]
    message = shown_text(str(said.get("Message") or ""))
    status = int((response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0)
    where = Where(resource=resource) if resource else None
    if aws_code in _EXPIRED:
        return LoginError(
            tr("the AWS credentials have expired"),
            tr("get new ones (for example aws sso login), then run the same command again"),
            code="token-expired",
        )
    if aws_code in _INVALID:
        return _invalid(aws_code, message)
    if aws_code in _THROTTLED or status == 429:
        return LimitError(
            tr("AWS slows {operation} down: {message}", operation=operation, message=message),
            tr("run the same command again in a minute; it resumes"),
            code="aws-throttled",
            where=where,
        )
    if aws_code == "LimitExceededException":
        return LimitError(
            tr("a quota of AWS is reached: {message}", message=message),
            tr("ask for more in Service Quotas, or remove what is not needed"),
            code="aws-quota",
            where=where,
        )
    code, hint = _code_and_hint(aws_code, status, action, where.resource if where else None)
    return AwsError(
        tr("AWS refused {operation}: {message}", operation=operation, message=message or aws_code),
        hint,
        operation=operation,
        aws_code=aws_code,
        iam_action=action,
        temporary=aws_code in _BROKEN or status >= 500,
        code=code,
        where=where,
    )


def _invalid(aws_code: str, message: str) -> LoginError:
    if "expired" in message.lower() or "not yet current" in message.lower():
        return LoginError(
            tr("AWS does not accept the signature's time: {message}", message=message),
            tr("set this machine's clock right, then try again"),
            code="clock-skew",
        )
    return LoginError(
        tr("AWS does not know these credentials ({code})", code=aws_code),
        tr(
            "check AWS_ACCESS_KEY_ID and AWS_PROFILE; aws sts get-caller-identity shows who you are"
        ),
        code="credentials-invalid",
    )


def _code_and_hint(
    aws_code: str, status: int, action: str, resource: str | None
) -> tuple[str, str]:
    if aws_code in _DENIED:
        hint = tr("allow the caller {action}, in an IAM policy", action=action)
        return "access-denied", hint
    if aws_code in _BROKEN or status >= 500:
        return "aws-broken", tr("run the same command again later")
    if re.fullmatch(r"([A-Z][a-z0-9]+)+Exception", aws_code):
        words = re.findall(r"[A-Z][a-z0-9]+", aws_code.removesuffix("Exception"))
        return "-".join(words).lower(), _hint(aws_code, resource or "NAME")
    return "aws-error", tr("see what AWS says above")


def _hint(aws_code: str, resource: str) -> str:
    hints = {
        "RepositoryNotFoundException": tr(
            "create it: longshore repo create {name}, or longshore apply", name=resource
        ),
        "ImageTagAlreadyExistsException": tr("use a new tag, or except it from immutability"),
        "RepositoryNotEmptyException": tr("look at its images first: longshore tags ls"),
        "InvalidParameterException": tr("correct the value that AWS names"),
        "KmsException": tr("check that the KMS key exists and that you may use it"),
    }
    return hints.get(aws_code, tr("see what AWS says above"))
