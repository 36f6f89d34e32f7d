"""Images that a Kubernetes cluster runs, or may go back to, asked through the user's kubectl. I/O.

Pods say by digest what runs; their owners' templates say what would be started anew. Old
ReplicaSets and ControllerRevisions are what `kubectl rollout undo` goes back to. kubectl is asked
to read only, with a list of arguments and no shell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from longshore.facts import InUse, Unread, UsesSeen
from longshore.remote.programs import run_program
from longshore.remote.workloads import Watched, seen_uses
from longshore.text import tr

BY = "kubernetes"
RESOURCES = (
    *("pods", "deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps"),
    *("controllerrevisions.apps", "replicationcontrollers", "jobs.batch", "cronjobs.batch"),
)
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_TIMEOUT_S = 90.0


@dataclass(frozen=True)
class ClusterLook:
    """A cluster: a context of kubectl (empty: the current one), and its file if not the usual."""

    context: str = ""
    kubeconfig: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: str = "."

    @property
    def name(self) -> str:
        """The cluster in words."""
        return self.context or tr("the current context")


def read_cluster(look: ClusterLook, watched: Watched) -> UsesSeen:
    """All uses of the target's images in the cluster. kubectl's failure is something unread."""
    chosen = [f"--context={look.context}"] if look.context else []
    chosen += [f"--kubeconfig={look.kubeconfig}"] if look.kubeconfig else []
    kinds = ",".join(RESOURCES)
    argv = ["kubectl", *chosen, "--request-timeout=60s", "get", kinds, "-A", "-o", "json"]
    done = run_program(argv, look.environ, look.folder, _TIMEOUT_S)
    items = _items(done.stdout)  # kubectl prints what it may read, also when it may not read all
    why = done.why or (tr("kubectl's answer is not a list in JSON") if items is None else "")
    unread = UsesSeen(unread=(Unread(BY, look.name, why),)) if why else UsesSeen()
    return find_uses(items or [], look.name, watched) + unread


def find_uses(items: list[dict[str, Any]], cluster: str, watched: Watched) -> UsesSeen:
    """The uses in a list of objects, as `kubectl get -o json` prints it."""
    uses: list[InUse | None] = []
    for item in items:
        where = _place(item, cluster)
        statuses = _mapping(item.get("status"))
        for status in (one for key in _STATUSES for one in _list(statuses.get(key))):
            uses.append(_running(status, where, watched))
        for spec in _pod_specs(item):
            for container in (one for key in _CONTAINERS for one in _list(spec.get(key))):
                uses.append(watched.use(str(container.get("image") or ""), BY, where))
    found = seen_uses(uses)
    return UsesSeen(tuple(dict.fromkeys(found.uses)))


def _running(status: Mapping[str, Any], where: str, watched: Watched) -> InUse | None:
    """What runs, by digest: `docker-pullable://HOST/NAME@DIGEST`, or without the scheme.

    Some runtimes give the digest of the image's config, which names no manifest: then the tag of
    `image` is all that is known.
    """
    running = str(status.get("imageID") or "").rpartition("://")[2]
    if "/" in running and "@" in running:
        return watched.use(running, BY, where)
    return watched.use(str(status.get("image") or ""), BY, where)


def _pod_specs(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The pod specifications of an object: its own, its template's, or a revision's."""
    kind, spec = item.get("kind"), _mapping(item.get("spec"))
    if kind == "Pod":
        yield spec
    elif kind == "CronJob":
        spec = _mapping(_mapping(spec.get("jobTemplate")).get("spec"))
    elif kind == "ControllerRevision":
        spec = _mapping(_mapping(item.get("data")).get("spec"))
    yield _mapping(_mapping(spec.get("template")).get("spec"))


def _place(item: Mapping[str, Any], cluster: str) -> str:
    """`prod: Deployment shop/web`."""
    about = _mapping(item.get("metadata"))
    name = f"{about.get('namespace', '')}/{about.get('name', '')}".lstrip("/")
    place = f"{cluster}: {item.get('kind', '')} {name}"
    is_past = item.get("kind") == "ControllerRevision" or (
        item.get("kind") == "ReplicaSet" and not _mapping(item.get("spec")).get("replicas")
    )
    return tr("{place} (for a rollback)", place=place) if is_past else place


def _items(text: str) -> list[dict[str, Any]] | None:
    """The objects of a List; None when the text is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return None
    return _list(document["items"])


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
