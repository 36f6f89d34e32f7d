"""A Dockerfile for a Node or Python project: small, patched, not root, with a health check. Pure.

Two stages: one that installs and builds, one that runs. The base comes from the registry that
`BASE_REGISTRY` names; without it from public copies of the official images, so that a build needs
no account and no Docker Hub. `dumb-init` is process 1 and passes signals on. The health check uses
the language itself, no other program.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from longshore.rewrite.generate.emitted import Emitted, Remark
from longshore.rewrite.generate.options import PUBLIC
from longshore.rewrite.generate.project import Project
from longshore.text import tr

PATH = "Dockerfile"
# Official images with Debian 12, and versions that got security fixes in November 2026.
_FIRST_ON_BOOKWORM = {"node": 16, "python": 7}
_OLDEST_MAINTAINED = {"node": 22, "python": 11}
_GUESSES = {
    "version": lambda: tr("the language's version"),
    "command": lambda: tr("the command that starts it"),
    "port": lambda: tr("the port"),
    "health": lambda: tr("the path of the health check"),
}


def base_image(project: Project) -> tuple[str, str]:
    """Name and tag of the image that both stages begin with."""
    version, number = project.version, _number(project)
    if project.alpine:
        return project.kind, f"{version}-alpine"
    if number < _FIRST_ON_BOOKWORM[project.kind]:
        return project.kind, f"{version}-slim"
    slim = "bookworm-slim" if project.kind == "node" else "slim-bookworm"
    return project.kind, f"{version}-{slim}"


def _number(project: Project) -> int:
    """The major version of Node, the minor one of Python 3."""
    return int(project.version.rpartition(".")[2])


def render_dockerfile(project: Project, path: str = PATH) -> Emitted:
    """The Dockerfile of a project."""
    body = _node(project) if project.kind == "node" else _python(project)
    name, tag = base_image(project)
    lines = [
        "# Where the base image comes from: public copies, or the pipeline's own registry.",
        f"ARG BASE_REGISTRY={PUBLIC}",
        "",
        f"FROM ${{BASE_REGISTRY}}/{name}:{tag} AS base",
        *_patched(project),
        "WORKDIR /app",
        "",
        *body,
    ]
    remarks = [_guess(name) for name in project.guessed]
    if not project.locked:
        said = tr("there is no lock file, so each build may install other versions")
        remarks.append(Remark("no-lock-file", said))
    if _number(project) < _OLDEST_MAINTAINED[project.kind]:
        said = tr(
            "{kind} {version} gets no security updates any more",
            kind=project.kind,
            version=project.version,
        )
        remarks.append(Remark("end-of-life", said))
    return Emitted(path, "\n".join(lines) + "\n", remarks=tuple(remarks))


def equal_checks(project: Project) -> dict[str, Any]:
    """The health check again for those who do not read HEALTHCHECK: ECS and Kubernetes."""
    return {
        "ecs": {
            "healthCheck": {
                "command": ["CMD", *_check(project)],
                "interval": 30,
                "timeout": 5,
                "retries": 3,
                "startPeriod": 10,
            }
        },
        "kubernetes": {
            name: {
                "httpGet": {"path": project.health, "port": project.port},
                "periodSeconds": period,
            }
            for name, period in (("livenessProbe", 30), ("readinessProbe", 10))
        },
    }


def _patched(project: Project) -> list[str]:
    """Security updates and an init, in the stage that both others begin with."""
    if project.alpine:
        return [
            "# Versions come with the base image; updates are wanted.",
            "# hadolint ignore=DL3018",
            "RUN apk upgrade --no-cache && apk add --no-cache dumb-init",
        ]
    return [
        "# Versions come with the base image; updates are wanted.",
        "# hadolint ignore=DL3008",
        "RUN apt-get update \\",
        " && apt-get upgrade -y \\",
        " && apt-get install -y --no-install-recommends dumb-init \\",
        " && rm -rf /var/lib/apt/lists/*",
    ]


def _node(project: Project) -> list[str]:
    files, everything, production = _node_install(project)
    lines = ["FROM base AS build", f"COPY {files} ./"]
    if project.build:
        lines += [f"RUN {everything}", "COPY . .", _node_build(project), f"RUN {production}"]
    else:
        lines += [f"RUN {production}", "COPY . ."]
    return [
        *lines,
        "",
        "FROM base",
        f"ENV NODE_ENV=production PORT={project.port}",
        "COPY --from=build /app ./",
        "USER 1000:1000",
        *_end(project),
    ]


def _node_install(project: Project) -> tuple[str, str, str]:
    """Which files it reads; how all is installed; how only what production needs is left."""
    if project.install == "yarn":
        files = "package.json yarn.lock"
        base = "yarn install --frozen-lockfile"
        return files, base, f"{base} --production && yarn cache clean"
    if project.install == "pnpm":
        files = "package.json pnpm-lock.yaml"
        base = "corepack enable && pnpm install --frozen-lockfile"
        return files, base, f"{base} --prod"
    verb = "npm ci" if project.locked else "npm install"
    clean = "npm cache clean --force"
    prune = "npm prune --omit=dev" if project.build else f"{verb} --omit=dev"
    return "package*.json", verb, f"{prune} && {clean}"


def _node_build(project: Project) -> str:
    return {"yarn": "RUN yarn build", "pnpm": "RUN pnpm run build"}.get(
        project.install, "RUN npm run build"
    )


def _python(project: Project) -> list[str]:
    venv = "python -m venv --without-pip /opt/venv && pip --python /opt/venv/bin/python install"
    if project.build:
        install = ["COPY . .", f"RUN {venv} --no-cache-dir ."]
    else:
        install = ["COPY requirements.txt ./", f"RUN {venv} --no-cache-dir -r requirements.txt"]
    user = "RUN useradd --uid 10001 --user-group --no-create-home app"
    if project.alpine:
        user = "RUN addgroup -g 10001 app && adduser -D -H -u 10001 -G app app"
    return [
        "FROM base AS build",
        *install,
        "",
        "FROM base",
        user,
        "ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \\",
        f"    PORT={project.port}",
        "COPY --from=build /opt/venv /opt/venv",
        "COPY . .",
        "USER 10001:10001",
        *_end(project),
    ]


def _end(project: Project) -> list[str]:
    return [
        f"EXPOSE {project.port}",
        "HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \\",
        f"  CMD {_words(_check(project))}",
        'ENTRYPOINT ["dumb-init", "--"]',
        f"CMD {_words(project.command)}",
    ]


def _check(project: Project) -> list[str]:
    address = f"http://127.0.0.1:{project.port}{project.health}"
    if project.kind == "node":
        script = (
            f"require('http').get('{address}', r => process.exit(r.statusCode < 400 ? 0 : 1))"
            ".on('error', () => process.exit(1))"
        )
        return ["node", "-e", script]
    return ["python", "-c", f"import urllib.request as r; r.urlopen('{address}', timeout=4)"]


def _words(words: Sequence[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)


def _guess(name: str) -> Remark:
    said = tr("{what} is a guess: look at it", what=_GUESSES[name]())
    return Remark(f"guessed-{name}", said)
