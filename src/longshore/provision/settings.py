"""What `longshore.yaml` says, as frozen values. Pure.

`parse_config` makes these from text. A value that is None was not written: longshore does not
manage that setting. Places (`where`) serve later messages and do not count in comparisons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from longshore.errors import UsageError, Where
from longshore.facts import TargetKind
from longshore.oci.platforms import Platform
from longshore.oci.reference import Reference
from longshore.policy.gate import DEFAULT_RULES, GateRules
from longshore.policy.lifecycle.intent import Intent
from longshore.policy.tags import TagFilter
from longshore.text import tr

LOCAL_ACCOUNT = "123456789012"
LOCAL_REGION = "ap-northeast-2"
NOWHERE = Where()
ALL_TAGS = TagFilter()
PairsOfText = tuple[tuple[str, str], ...]


class Expanded(str):
    """A value in which `${ENV}` was filled in; `raw` is what the file says and what is shown."""

    __slots__ = ("raw",)
    raw: str

    def __new__(cls, value: str, raw: str) -> Expanded:
        made = super().__new__(cls, value)
        made.raw = raw
        return made


def as_written(value: str) -> str:
    """The value as the file has it: plans, reports and `config show` never fill in `${ENV}`."""
    return value.raw if isinstance(value, Expanded) else value


@dataclass(frozen=True)
class Target:
    """Where images go: an ECR registry, or the embedded one (`local`)."""

    name: str
    kind: TargetKind
    account: str
    region: str
    profile: str | None = None
    fips: bool = False
    dualstack: bool = False
    where: Where = field(default=NOWHERE, compare=False, repr=False)


LOCAL_TARGET = Target("local", "local", LOCAL_ACCOUNT, LOCAL_REGION)


@dataclass(frozen=True)
class Credentials:
    """Where a registry's login is to be found; never the secret itself.

    `docker-config`: as docker, podman and skopeo find it. `env`: the variable `password_env` holds
    the password. `file`: a file holds it. `helper`: docker-credential-HELPER is asked.
    """

    kind: Literal["docker-config", "anonymous", "env", "file", "helper"] = "docker-config"
    username: str = ""
    password_env: str = ""
    password_file: str = ""
    helper: str = ""


@dataclass(frozen=True)
class Source:
    """A registry that images come from.

    `pulls`: how many pulls it allows per window; `auto` asks its headers. `registry` and `api` are
    other addresses that answer in its name (a mirror, or the embedded Docker Hub).
    """

    host: str
    credentials: Credentials = Credentials()
    pulls: int | Literal["auto", "unlimited"] = "auto"
    registry: str | None = None
    api: str | None = None
    where: Where = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class ImageRule:
    """One source repository, which of it moves, and the name of its target repository."""

    source: Reference
    target: str
    tags: TagFilter = ALL_TAGS
    platforms: tuple[Platform, ...] = ()
    referrers: bool = True
    mode: Literal["copy", "cache"] = "copy"
    where: Where = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Mutability:
    """Whether tags may move, and the tag patterns for which the contrary holds (at most five)."""

    default: Literal["mutable", "immutable"]
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Encryption:
    """How images are encrypted at rest; fixed when the repository is made."""

    kind: Literal["AES256", "KMS"] = "AES256"
    key: str | None = None


@dataclass(frozen=True)
class Lifecycle:
    """Which lifecycle policy a repository has; exactly one of the three, or none at all."""

    preset: str | None = None
    file: str | None = None
    intent: Intent | None = None
    where: Where = field(default=NOWHERE, compare=False, repr=False)

    @property
    def is_none(self) -> bool:
        """Whether the repository is to have no policy."""
        return not (self.preset or self.file or self.intent)


@dataclass(frozen=True)
class Access:
    """Who pushes and pulls: ARNs, account numbers, or names of roles that longshore knows."""

    push: tuple[str, ...] = ()
    pull: tuple[str, ...] = ()


@dataclass(frozen=True)
class RepositorySettings:
    """A target repository."""

    name: str
    mutability: Mutability | None = None
    scan: bool | None = None
    encryption: Encryption | None = None
    lifecycle: Lifecycle | None = None
    access: Access | None = None
    tags: PairsOfText = ()
    where: Where = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class RegistrySettings:
    """Settings of the whole registry: one per account and region."""

    blob_mounting: bool | None = None


@dataclass(frozen=True)
class TagStrategy:
    """How builds are tagged. `markers` None: as the repositories' lifecycle wants (`tag_rules`).

    `repository` is the one at which `tags compute` looks for what is there already.
    """

    strategy: Literal["standard"] = "standard"
    main: tuple[str, ...] = ("main", "master")
    develop: tuple[str, ...] = ("develop",)
    latest: Literal["newest-release", "main", "never"] = "newest-release"
    pull_requests: Literal["build", "push"] = "push"
    pull_request_commits: bool = False
    markers: Literal["all", "needed", "none"] | None = None
    sha_length: int = 7
    feature: Literal["class", "slug"] = "class"
    component: str = ""
    component_prefix: bool = True
    ladder: bool = False
    repository: str | None = None


@dataclass(frozen=True)
class KubernetesPlaces:
    """Clusters, by kubectl's contexts. A `kubeconfig` may name programs: only apply reads it."""

    contexts: tuple[str, ...] = ()
    kubeconfig: str | None = None


@dataclass(frozen=True)
class EcsPlaces:
    """Clusters of ECS (none: all), and how many revisions back count as in use."""

    clusters: tuple[str, ...] = ()
    revisions: int = 3


@dataclass(frozen=True)
class Protection:
    """What counts as in use. `command` prints image references; it is run only by apply, deploy."""

    in_use: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    kubernetes: KubernetesPlaces = KubernetesPlaces()
    ecs: EcsPlaces = EcsPlaces()


@dataclass(frozen=True)
class RewriteSettings:
    """How references in the tree change: pattern to a mode (`mirror`, `keep`, ...) or a name.

    `prefix` is the first part of the repository names of mirrored and cached images.
    `public_default`: the registry is a variable whose default is Docker Hub, where one can stand.
    """

    map: PairsOfText = ()
    prefix: str = "docker-hub"
    pin_digests: bool = False
    public_default: bool = False
    skip: tuple[str, ...] = ()


@dataclass(frozen=True)
class CiSettings:
    """The pipeline. `secrets` maps what it needs to the names under which they are stored.

    `install` says where the pipeline gets longshore from, pinned: a commit, a wheel with its
    hash, or a requirements file with hashes. `role` is the role's name with `auth: oidc`.
    """

    provider: Literal["github"] = "github"
    branches: tuple[str, ...] = ("main",)
    auth: Literal["oidc", "keys"] = "oidc"
    secrets: PairsOfText = ()
    install: str | None = None
    role: str = "github-actions"


@dataclass(frozen=True)
class Environment:
    """One place that a release is deployed to."""

    name: str
    kind: Literal["hosts", "ecs"]
    hosts: tuple[str, ...] = ()
    proxy: Literal["nginx", "haproxy", "traefik"] = "nginx"
    compose: str | None = None
    service: str | None = None
    health: str | None = None
    cluster: str | None = None
    where: Where = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Alerts:
    """Who is told, and from which values on. `scan` maps a severity to the findings allowed."""

    subscribers: tuple[str, ...] = ()
    storage_gb: float | None = None
    scan: tuple[tuple[str, int], ...] = ()
    pulls_anomaly: float | None = None


@dataclass(frozen=True)
class Config:
    """The whole file. `text` is as written, `filename` as given."""

    targets: Mapping[str, Target]
    sources: Mapping[str, Source] = field(default_factory=dict)
    images: tuple[ImageRule, ...] = ()
    repositories: Mapping[str, RepositorySettings] = field(default_factory=dict)
    registry: RegistrySettings = RegistrySettings()
    tags: TagStrategy = TagStrategy()
    protect: Protection = Protection()
    rewrite: RewriteSettings = RewriteSettings()
    ci: CiSettings = CiSettings()
    deploy: Mapping[str, Environment] = field(default_factory=dict)
    scan: GateRules = DEFAULT_RULES
    alerts: Alerts = Alerts()
    version: int = 1
    filename: str = field(default="longshore.yaml", compare=False)
    text: str = field(default="", compare=False, repr=False)

    @property
    def unused(self) -> tuple[str, ...]:
        """Sections that say something which no command of this version acts on."""
        plain = Config(self.targets)
        names = ("deploy",)
        return tuple(name for name in names if getattr(self, name) != getattr(plain, name))

    def target(self, name: str | None = None) -> Target:
        """The named target; the first one without a name. Raises UsageError."""
        if name is None:
            return next(iter(self.targets.values()))
        if found := self.targets.get(name):
            return found
        if name == LOCAL_TARGET.name:
            return LOCAL_TARGET
        near = get_close_matches(name, self.targets, n=1) or list(self.targets)
        raise UsageError(
            tr("there is no target '{name}' in {file}", name=name, file=self.filename),
            tr("use --target {name}", name=near[0]),
            code="unknown-target",
            where=Where(self.filename),
        )
