"""Images that AWS Lambda uses: functions of package type Image, every published version. I/O.

A published version is bound to the digest that its tag meant when it was made
(`Code.ResolvedImageUri`) and may be invoked by its number at any time, so all versions count.
Aliases say in the place of use which versions they name. `IAM_ACTIONS` names what each call must be
allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from longshore.errors import AwsError
from longshore.facts import InUse, UsesSeen
from longshore.remote.aws import AwsClient, AwsSession
from longshore.remote.workloads import Watched, attempt, each, seen_uses
from longshore.text import tr

BY = "lambda"
IAM_ACTIONS = {
    "ListFunctions": "lambda:ListFunctions",
    "ListAliases": "lambda:ListAliases",
    "GetFunction": "lambda:GetFunction",
}
_PAGE = 50


def read_functions(session: AwsSession, watched: Watched) -> UsesSeen:
    """All uses of the target's images in the session's account and Region."""
    client = session.client("lambda")
    versions: list[dict[str, Any]] = []

    def listed() -> UsesSeen:
        asked = {"FunctionVersion": "ALL", "MaxItems": _PAGE}
        for one in _items(client, "ListFunctions", "Functions", asked, ""):
            versions.extend([one] if one.get("PackageType") == "Image" else [])
        return UsesSeen()

    found = attempt(BY, tr("Lambda in {region}", region=session.region), listed)
    names = list(dict.fromkeys(str(one["FunctionName"]) for one in versions))
    aliases = dict(zip(names, each(lambda name: _aliases(client, name), names), strict=True))
    for part in each(lambda one: _version(client, watched, one, aliases), versions):
        found += part
    return found


def _version(
    client: AwsClient,
    watched: Watched,
    version: Mapping[str, Any],
    aliases: Mapping[str, Mapping[str, str]],
) -> UsesSeen:
    name, number = str(version["FunctionName"]), str(version.get("Version") or "$LATEST")
    arn = str(version.get("FunctionArn") or name)
    alias = aliases.get(name, {}).get(number, "")
    where = tr("{arn} (alias {alias})", arn=arn, alias=alias) if alias else arn

    def read() -> UsesSeen:
        asked = {"FunctionName": name, "Qualifier": number}
        code = _call(client, "GetFunction", asked, arn).get("Code") or {}
        named = [str(code[key]) for key in ("ResolvedImageUri", "ImageUri") if code.get(key)]
        uses: list[InUse | None] = [watched.use(uri, BY, where) for uri in named[:1]]
        return seen_uses(uses)

    return attempt(BY, where, read)


def _aliases(client: AwsClient, name: str) -> dict[str, str]:
    """Version to alias names; only words for the place of use, so a failure says nothing."""
    found: dict[str, list[str]] = {}
    try:
        for one in _items(client, "ListAliases", "Aliases", {"FunctionName": name}, name):
            weights = (one.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
            for version in (str(one.get("FunctionVersion", "")), *weights):
                found.setdefault(version, []).append(str(one.get("Name", "")))
    except AwsError:
        return {}
    return {version: ", ".join(names) for version, names in found.items()}


def _items(
    client: AwsClient, operation: str, key: str, asked: Mapping[str, Any], resource: str
) -> Iterator[dict[str, Any]]:
    """All items of a list; Lambda's pages go by Marker and NextMarker."""
    marker: dict[str, str] = {}
    seen: set[str] = set()
    while True:
        page = _call(client, operation, {**asked, **marker}, resource)
        yield from page.get(key, ())
        following = str(page.get("NextMarker") or "")
        if not following:
            return
        if following in seen:
            raise AwsError(
                tr("{operation} gives the same page again and again", operation=operation),
                tr("run the same command again"),
                operation=operation,
                iam_action=IAM_ACTIONS[operation],
                code="bad-answer",
            )
        seen.add(following)
        marker = {"Marker": following}


def _call(
    client: AwsClient, operation: str, asked: Mapping[str, Any], resource: str
) -> dict[str, Any]:
    return client.call(operation, asked, action=IAM_ACTIONS[operation], resource=resource)
