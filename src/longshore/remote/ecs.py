"""Images that Amazon ECS uses, or may go back to. I/O.

Running tasks say by digest what runs. Services say which task definitions they want, and their
service revisions which digests these meant; the last revisions are what a service rolls back to.
Of every family the newest task definition counts, for a schedule may start it; of families that
run the last `revisions`. `IAM_ACTIONS` names what each call must be allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

from longshore.facts import InUse, Unread, UsesSeen
from longshore.remote.aws import AwsSession
from longshore.remote.workloads import Watched, attempt, each, seen_uses, texts
from longshore.text import tr

BY = "ecs"
IAM_ACTIONS = {
    "ListClusters": "ecs:ListClusters",
    "ListServices": "ecs:ListServices",
    "DescribeServices": "ecs:DescribeServices",
    "ListServiceDeployments": "ecs:ListServiceDeployments",
    "DescribeServiceRevisions": "ecs:DescribeServiceRevisions",
    "ListTasks": "ecs:ListTasks",
    "DescribeTasks": "ecs:DescribeTasks",
    "ListTaskDefinitionFamilies": "ecs:ListTaskDefinitionFamilies",
    "ListTaskDefinitions": "ecs:ListTaskDefinitions",
    "DescribeTaskDefinition": "ecs:DescribeTaskDefinition",
}
_SERVICES, _TASKS, _REVISIONS = 10, 100, 20  # how many a Describe call takes


@dataclass(frozen=True)
class EcsLook:
    """Where to look: these clusters (none: all), and so many revisions back."""

    clusters: tuple[str, ...] = ()
    revisions: int = 3


def read_ecs(session: AwsSession, watched: Watched, look: EcsLook | None = None) -> UsesSeen:
    """All uses of the target's images in the session's account and Region."""
    return _Ecs(session, watched, look or EcsLook()).read()


class _Ecs:
    def __init__(self, session: AwsSession, watched: Watched, look: EcsLook) -> None:
        self._client = session.client("ecs")
        self._watched, self._look = watched, look
        self._where = tr("ECS in {region}", region=session.region)
        self._definitions: set[str] = set()  # ARNs that services and tasks name

    def read(self) -> UsesSeen:
        """Clusters first, for they say which families run; then the task definitions."""
        clusters: list[str] = list(self._look.clusters)

        def listed() -> UsesSeen:
            clusters.extend(self._arns("ListClusters", "clusterArns", {}))
            return UsesSeen()

        found = UsesSeen() if clusters else attempt(BY, self._where, listed)
        for cluster in dict.fromkeys(clusters):
            found += attempt(BY, cluster, partial(self._tasks, cluster))
            found += attempt(BY, cluster, partial(self._services, cluster))
        return found + self._task_definitions()

    # --- what runs --------------------------------------------------------------------------------

    def _tasks(self, cluster: str) -> UsesSeen:
        arns = self._arns("ListTasks", "taskArns", {"cluster": cluster})
        uses: list[InUse | None] = []
        for some in _in_parts(arns, _TASKS):
            answer = self._call("DescribeTasks", {"cluster": cluster, "tasks": some}, cluster)
            for task in answer.get("tasks", ()):
                self._definitions.update(texts(task, "taskDefinitionArn"))
                uses += self._images(str(task["taskArn"]), task.get("containers", ()))
        return seen_uses(uses)  # a task that is missing by now has ended

    def _services(self, cluster: str) -> UsesSeen:
        arns = self._arns("ListServices", "serviceArns", {"cluster": cluster})
        found = UsesSeen()
        for some in _in_parts(arns, _SERVICES):
            asked = {"cluster": cluster, "services": some}
            answer = self._call("DescribeServices", asked, cluster)
            services = [
                one for one in answer.get("services", ()) if one.get("status") != "INACTIVE"
            ]
            for service in services:
                for part in (
                    service,
                    *service.get("deployments", ()),
                    *service.get("taskSets", ()),
                ):
                    self._definitions.update(texts(part, "taskDefinition"))
            for part in each(self._guarded_revisions, services):
                found += part
            found += _failures(answer)
        return found

    def _guarded_revisions(self, service: Mapping[str, Any]) -> UsesSeen:
        return attempt(BY, str(service["serviceArn"]), lambda: self._revisions(service))

    def _revisions(self, service: Mapping[str, Any]) -> UsesSeen:
        """The revisions that run, and the last ones: what a rollback goes back to."""
        arns = [
            arn for one in service.get("currentServiceRevisions", ()) for arn in texts(one, "arn")
        ]
        if (service.get("deploymentController") or {}).get("type", "ECS") == "ECS":
            asked = {"service": service["serviceArn"], "cluster": service["clusterArn"]}
            pages = self._pages("ListServiceDeployments", asked, str(service["serviceArn"]))
            past = chain.from_iterable(page.get("serviceDeployments", ()) for page in pages)
            known = (arn for one in past for arn in texts(one, "targetServiceRevisionArn"))
            arns += islice(dict.fromkeys(islice(known, 100)), self._look.revisions)
        uses: list[InUse | None] = []
        for some in _in_parts(dict.fromkeys(arns), _REVISIONS):
            answer = self._call("DescribeServiceRevisions", {"serviceRevisionArns": some}, "")
            for one in answer.get("serviceRevisions", ()):
                uses += self._images(str(one["serviceRevisionArn"]), one.get("containerImages", ()))
                self._definitions.update(texts(one, "taskDefinition"))
        return seen_uses(uses)

    # --- task definitions -------------------------------------------------------------------------

    def _task_definitions(self) -> UsesSeen:
        """Those that are named, the last of their families, and the newest of all others."""
        running = {_family(arn) for arn in self._definitions}
        families: list[str] = []

        def listed() -> UsesSeen:
            asked = {"status": "ACTIVE"}
            families.extend(self._arns("ListTaskDefinitionFamilies", "families", asked))
            return UsesSeen()

        found = attempt(BY, self._where, listed)
        for part in each(
            lambda family: self._family(family, self._look.revisions if family in running else 1),
            dict.fromkeys([*sorted(running), *families]),
        ):
            found += part
        for part in each(self._definition, sorted(self._definitions)):
            found += part
        return UsesSeen(tuple(dict.fromkeys(found.uses)), found.unread)

    def _family(self, family: str, count: int) -> UsesSeen:
        """Notes the newest task definitions of a family."""

        def newest() -> UsesSeen:
            asked = {"familyPrefix": family, "status": "ACTIVE", "sort": "DESC"}
            arns = self._arns("ListTaskDefinitions", "taskDefinitionArns", asked)
            self._definitions.update(islice((arn for arn in arns if _family(arn) == family), count))
            return UsesSeen()

        return attempt(BY, family, newest)

    def _definition(self, arn: str) -> UsesSeen:
        def read() -> UsesSeen:
            answer = self._call("DescribeTaskDefinition", {"taskDefinition": arn}, arn)
            definition = answer.get("taskDefinition") or {}
            return seen_uses(self._images(arn, definition.get("containerDefinitions", ())))

        return attempt(BY, arn, read)

    # --- calls ------------------------------------------------------------------------------------

    def _images(self, where: str, containers: Iterable[Mapping[str, Any]]) -> list[InUse | None]:
        return [
            self._watched.use(str(one["image"]), BY, where, str(one.get("imageDigest") or ""))
            for one in containers
            if one.get("image")
        ]

    def _call(self, operation: str, asked: Mapping[str, Any], resource: str) -> dict[str, Any]:
        action = IAM_ACTIONS[operation]
        return self._client.call(operation, asked, action=action, resource=resource)

    def _pages(
        self, operation: str, asked: Mapping[str, Any], resource: str
    ) -> Iterator[dict[str, Any]]:
        action = IAM_ACTIONS[operation]
        return self._client.pages(operation, asked, action=action, resource=resource)

    def _arns(self, operation: str, key: str, asked: Mapping[str, Any]) -> Iterator[str]:
        pages = self._pages(operation, asked, str(asked.get("cluster", "")))
        return (str(arn) for page in pages for arn in page.get(key, ()))


def _family(arn: str) -> str:
    """The family of a task definition.

    >>> _family("arn:aws:ecs:us-east-1:123456789012:task-definition/web:7")
    'web'
    """
    return arn.rpartition("/")[2].partition(":")[0]


def _failures(answer: Mapping[str, Any]) -> UsesSeen:
    return UsesSeen(
        unread=tuple(
            Unread(BY, str(one.get("arn", "")), str(one.get("reason", "")))
            for one in answer.get("failures", ())
        )
    )


def _in_parts(items: Iterable[str], most: int) -> Iterator[Sequence[str]]:
    rest = iter(items)
    while part := list(islice(rest, most)):
        yield part
