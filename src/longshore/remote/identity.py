"""Who the AWS credentials are: sts:GetCallerIdentity. I/O."""

from __future__ import annotations

from longshore.facts import Identity
from longshore.remote.aws import AwsSession

# GetCallerIdentity needs no permission; it is named for the table all the same.
IAM_ACTIONS = {"read_identity": "sts:GetCallerIdentity"}


def read_identity(session: AwsSession) -> Identity:
    """Account, ARN and user id. Raises LoginError without valid credentials."""
    action = IAM_ACTIONS["read_identity"]
    found = session.client("sts").call("GetCallerIdentity", {}, action=action)
    return Identity(
        account=str(found["Account"]), arn=str(found["Arn"]), user_id=str(found.get("UserId", ""))
    )
