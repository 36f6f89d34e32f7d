"""What the workflows depend on: login, branches, base image, features. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from longshore.errors import RefusedError
from longshore.policy.build_tags import TagRules
from longshore.rewrite.generate.actions_pins import Pins
from longshore.text import tr

Auth = Literal["oidc", "keys"]
BUILDKIT = "docker.io/moby/buildkit"
BUILDKIT_TAG = "buildx-stable-1"
BINFMT = "docker.io/tonistiigi/binfmt"
NATIVE = "linux/amd64"
RUNNER = "ubuntu-24.04"
PUBLIC = "public.ecr.aws/docker/library"
FIVE = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCOUNT_ID",
    "AWS_REGION",
    "ECR_REPOSITORY",
)
KEYS = FIVE[:2]
_GIT = re.compile(r"git\+(?P<url>https://[^@\s]+)@(?P<commit>[0-9a-f]{40})\Z")


@dataclass(frozen=True)
class BaseImage:
    """The image that the final stage begins with, by its short name on Docker Hub.

    `mirror` is the target's repository that holds a copy of it; empty when there is none.
    """

    name: str
    tag: str
    mirror: str = ""

    @property
    def prefix(self) -> str | None:
        """What stands between the registry and the name, with a slash; None without a mirror."""
        path = f"/{self.mirror}"
        return path[: -len(self.name)][:-1] if path.endswith(f"/{self.name}") else None


@dataclass(frozen=True)
class PipelineOptions:
    """Everything that the two workflows depend on.

    `features` are the commands that this longshore has; `names` maps a value that the pipeline
    needs to the name under which it is stored; `gate` is how many findings of a severity pass.
    `mirrors` maps images of Docker Hub to the target's repositories that hold them.
    """

    pins: Pins
    branches: tuple[str, ...] = ("main",)
    auth: Auth = "oidc"
    role: str = "github-actions"
    names: Mapping[str, str] = field(default_factory=dict)
    plain: bool = False
    install: str | None = None
    features: frozenset[str] = frozenset()
    rules: TagRules = field(default_factory=TagRules)
    gate: Mapping[str, int] = field(default_factory=dict)
    base: BaseImage | None = None
    mirrors: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[str, ...] = ()
    dockerfile: str = "Dockerfile"
    wanted_platforms: tuple[str, ...] = ()

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that are built; none when the images for that are not at the target."""
        wanted = self.wanted_platforms
        able = BUILDKIT in self.mirrors and (not self.emulates or BINFMT in self.mirrors)
        return wanted if able and wanted != (NATIVE,) else ()

    @property
    def emulates(self) -> bool:
        """Whether a wanted platform is not the runner's own."""
        return any(one != NATIVE for one in self.wanted_platforms)

    def needed(self) -> tuple[str, ...]:
        """The values that must be stored at GitHub, the first user's five or fewer."""
        return FIVE if self.auth == "keys" else FIVE[2:]

    def stored(self, name: str) -> str:
        """The name under which a value is stored."""
        return self.names.get(name, name)

    def value(self, name: str) -> str:
        """The expression of a value. A secret key is a secret; the others may be variables too."""
        stored = self.stored(name)
        if name in KEYS:
            return f"${{{{ secrets.{stored} }}}}"
        return f"${{{{ vars.{stored} || secrets.{stored} }}}}"


def check_install(options: PipelineOptions) -> None:
    """Raise RefusedError when the pipeline would have to install longshore from nowhere."""
    if options.plain or options.install:
        return
    raise RefusedError(
        tr("where the pipeline gets longshore from is not set"),
        tr("set ci.install to a commit or to a wheel with its hash, or use --plain"),
        code="no-install",
    )


def install_commands(install: str) -> list[str]:
    """The shell lines that install longshore, exactly the one that the file names."""
    pip = "python -m pip install --quiet"
    if found := _GIT.match(install):
        return [
            'git init --quiet "$RUNNER_TEMP/longshore"',
            'cd "$RUNNER_TEMP/longshore"',
            f"git fetch --quiet --depth 1 {found['url']} {found['commit']}",
            "git checkout --quiet FETCH_HEAD",
            f"{pip} --require-hashes -r requirements/core.txt",
            f"{pip} --no-deps .",
        ]
    if install.endswith(".txt"):
        return [f"{pip} --require-hashes -r {install}"]
    return [f'{pip} "longshore @ {install}"']
