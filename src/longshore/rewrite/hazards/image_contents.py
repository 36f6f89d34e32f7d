"""Checks of what the final image holds: build tools, test packages, missing updates. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from longshore.rewrite.hazards.dockerfiles import BuiltImage, built_images, commands_of, last_of
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.hazards.neighbours import is_renewed
from longshore.rewrite.syntax.dockerfile import Instruction, Stage
from longshore.text import tr

_TOOLS = frozenset(
    {
        *("build-essential", "build-base", "gcc", "g++", "make", "cmake", "musl-dev", "libc6-dev"),
        *("clang", "cargo", "autoconf", "automake", "gcc-c++", "libffi-dev", "python3-dev"),
        *("default-jdk", "default-jdk-headless"),
    }
)
_INSTALLERS = frozenset({"apt-get", "apt", "apk", "yum", "dnf", "microdnf"})
_COMPILERS = re.compile(
    r"\b(?:go (?:build|install)|cargo (?:build|install)|mvnw? .*\b(?:package|install)\b|"
    r"gradlew? .*\b(?:build|bootJar|assemble)\b|dotnet publish)\b"
)
_SDKS = frozenset({"golang", "rust", "maven", "gradle", "gcc"})
_UPGRADE_WORDS = frozenset(
    {
        *("upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade", "upgrade-minimal"),
        *("update-minimal", "-U", "--upgrade"),
    }
)
_DEVELOPER_WORDS = frozenset(
    {
        *("dev", "develop", "nodemon", "watch", "--watch", "--reload", "test", "pytest", "jest"),
        *(
            "ng",
            "vite",
            "webpack-dev-server",
            "react-scripts",
            "storybook",
            "cypress",
            "playwright",
        ),
    }
)
_MOST_READ = 2000  # characters of one command
_DISTRIBUTIONS = frozenset(
    {
        *("node", "python", "golang", "rust", "ruby", "php", "perl", "openjdk", "eclipse-temurin"),
        *("amazoncorretto", "debian", "ubuntu", "alpine", "centos", "rockylinux", "almalinux"),
        *("fedora", "amazonlinux", "buildpack-deps", "nginx", "httpd", "tomcat", "caddy", "redis"),
        *("postgres", "mysql", "mariadb", "mongo", "rabbitmq", "haproxy", "traefik", "memcached"),
    }
)


def _starts(image: BuiltImage) -> bool:
    return last_of(image.inherited(image.final), "CMD", "ENTRYPOINT") is not None


def _build_tools(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        if len(image.dockerfile.stages) != 1 or image.for_developers or not _starts(image):
            continue
        found = _first_tool(image)
        if found is not None:
            yield BUILD_TOOLS.at(
                image.file,
                found[0].span,
                tr(
                    "what builds the application ({tool}) stays in the image that runs: it is "
                    "larger to pull and store, and offers an intruder a compiler",
                    tool=found[1],
                ),
                tr(
                    "build in a first stage (`FROM … AS build`) and take over only the result: "
                    "`COPY --from=build …` into a small base"
                ),
            )


def _first_tool(image: BuiltImage) -> tuple[Instruction, str] | None:
    sdk = image.official_base(image.final) in _SDKS
    for one in image.final.instructions:
        if one.keyword != "RUN":
            continue
        commands = commands_of(one)
        removes = any(_removes(words) for words in commands)
        for words in commands:
            found = _COMPILERS.search(" ".join(words)[:_MOST_READ]) if sdk else None
            if found:
                return one, " ".join(found[0].split()[:2])
            tool = "" if removes else _installed_tool(words)
            if tool:
                return one, tool
    return None


def _removes(words: list[str]) -> bool:
    """Whether packages go away again, or are marked so that they can (`apk add -t deps`)."""
    gone = {"del", "purge", "autoremove", "remove", "-t", "--virtual"}
    marked = any(word.startswith("--virtual=") for word in words)
    return bool(_INSTALLERS.intersection(words[:3])) and (marked or bool(gone & set(words)))


def _installed_tool(words: list[str]) -> str:
    if not _INSTALLERS.intersection(words[:3]) or not {"install", "add"} & set(words):
        return ""
    return next((word for word in words if word.partition("=")[0] in _TOOLS), "")


def _no_updates(surveyed: Surveyed) -> Iterator[Hazard]:
    images = [one for one in built_images(surveyed) if _wants_updates(one)]
    if not images or is_renewed(surveyed.tree):
        return
    for image in images:
        yield NO_UPDATES.at(
            image.file,
            image.chain(image.final)[0].start.span,
            tr(
                "no security update reaches this image: its packages stay as the base had them, no "
                "bot renews the base, and no workflow builds on a schedule"
            ),
            tr(
                "rebuild weekly on a schedule with `--pull`, let Renovate or Dependabot renew the "
                "base's digest, or run the package manager's upgrade in the final stage"
            ),
        )


def _wants_updates(image: BuiltImage) -> bool:
    if image.for_developers or not _starts(image):
        return False
    if image.official_base(image.final) not in _DISTRIBUTIONS:
        return False
    runs = (one for one in image.inherited(image.final) if one.keyword == "RUN")
    return not any(_upgrades(words) for one in runs for words in commands_of(one))


def _upgrades(words: list[str]) -> bool:
    """Whether a command brings installed packages up to date."""
    if "unattended-upgrade" in words or "unattended-upgrades" in words:
        return True
    program = next((word for word in words[:3] if word in _INSTALLERS), "")
    if program in ("yum", "dnf", "microdnf") and "update" in words:
        return True
    return bool(program) and bool(_UPGRADE_WORDS.intersection(words)) and "pip" not in words


def _development(surveyed: Surveyed) -> Iterator[Hazard]:
    for image in built_images(surveyed):
        if image.for_developers or not _starts(image) or _serves_developers(image):
            continue
        found = _with_development(image, image.final, frozenset())
        if found is not None:
            yield DEVELOPMENT.at(
                image.file,
                found[0].span,
                tr(
                    "`{command}` brings development dependencies into the image, such as test "
                    "runners and linters: more to pull, more holes to patch",
                    command=found[1],
                ),
                _remedy(found[1]),
            )


def _serves_developers(image: BuiltImage) -> bool:
    starts = last_of(image.inherited(image.final), "CMD", "ENTRYPOINT")
    words = re.findall(r"[A-Za-z-]+", starts.arguments.text if starts else "")
    return bool(_DEVELOPER_WORDS & set(words))


def _with_development(
    image: BuiltImage, stage: Stage, seen: frozenset[int]
) -> tuple[Instruction, str] | None:
    """The instruction that leaves development dependencies in a stage, and its command."""
    found: tuple[Instruction, str] | None = None
    production = False
    for one in image.inherited(stage):
        if one.keyword in ("ENV", "ARG"):
            production = production or any(
                each.name.text == "NODE_ENV" and each.value and "prod" in each.value.text
                for each in one.assignments
            )
        elif one.keyword == "RUN":
            found = _after_run(one, found, production)
        elif one.keyword == "COPY" and (word := one.flag("from")) is not None:
            taken = image.dockerfile.stage(word.text)
            if taken and taken.index not in seen | {stage.index} and _takes_modules(one):
                below = _with_development(image, taken, seen | {stage.index})
                found = (one, below[1]) if below else found
    return found


def _takes_modules(one: Instruction) -> bool:
    return any(word.text.rstrip("/").endswith("node_modules") for word in one.words[:-1])


def _after_run(
    one: Instruction, found: tuple[Instruction, str] | None, production: bool
) -> tuple[Instruction, str] | None:
    for words in commands_of(one):
        text = " ".join(words)[:_MOST_READ]
        if _PRUNES.search(text):
            found = None
        elif found is None and (command := _installs_development(words, text, production)):
            found = (one, command)
    return found


_PRUNES = re.compile(
    r"\b(?:npm|pnpm) prune\b|--production\b|--omit[= ]dev|\bfocus\b|rm -r?f?r? .*node_modules"
)
_KEEPS_OUT = re.compile(
    r"--omit[= ]dev|--production\b|--only[= ]prod|--prod\b|\s-P\b|NODE_ENV=prod|--no-dev\b|"
    r"--only[= ]main|--without[= ]\S*dev|--only-group|--no-default-groups|--global\b|\s-g\b"
)
_DEVELOPMENT_FILE = re.compile(
    r"(?:^|/)(?:requirements[/._-]?(?:dev|test|local)\w*|(?:dev|test)[_-]requirements)[\w.-]*\.(?:txt|in)\Z"
)


def _installs_development(words: list[str], text: str, production: bool) -> str:
    """The command when it installs a project's development dependencies; else empty."""
    if _KEEPS_OUT.search(text):
        return ""
    words = [word for word in words if "=" not in word.partition("/")[0] or word.startswith("-")]
    bare = [word for word in words if not word.startswith("-")]
    if bare[:1] == ["sudo"]:
        bare = bare[1:]
    if bare[:1] and bare[0] in ("npm", "yarn", "pnpm"):
        whole = bare[1:] in (["install"], ["ci"], ["i"], ["clean-install"])
        whole = whole or (bare[0] == "yarn" and len(bare) == 1)
        return " ".join(bare) if whole and not production else ""
    if bare[:2] in (["poetry", "install"], ["uv", "sync"]) and len(bare) == 2:
        return " ".join(bare)
    if bare[:2] == ["pipenv", "install"] and ("--dev" in words or "-d" in words):
        return "pipenv install --dev"
    if "pip" in bare[:4] or "pip3" in bare[:4]:
        return next((f"pip install -r {word}" for word in bare if _is_development(word)), "")
    return ""


def _is_development(word: str) -> bool:
    return _DEVELOPMENT_FILE.search(word) is not None


def _remedy(command: str) -> str:
    program = command.split()[0]
    remedies: dict[str, Iterable[str]] = {
        "npm": ("npm ci --omit=dev",),
        "yarn": ("yarn install --production", "yarn workspaces focus --production"),
        "pnpm": ("pnpm install --prod",),
        "poetry": ("poetry install --only main",),
        "uv": ("uv sync --no-dev",),
        "pipenv": ("pipenv install --deploy",),
        "pip": ("pip install -r requirements.txt",),
    }
    better = " / ".join(f"`{one}`" for one in remedies.get(program, ()))
    return tr(
        "install without them in the final stage: {better}; what the build needs belongs in a "
        "stage of its own",
        better=better,
    )


BUILD_TOOLS = Check(
    "build-tools-in-image",
    "medium",
    tr("A single stage builds and runs the application"),
    _build_tools,
)
DEVELOPMENT = Check(
    "development-dependencies",
    "medium",
    tr("Development dependencies are in the final image"),
    _development,
)
NO_UPDATES = Check(
    "no-security-updates",
    "low",
    tr("Security updates reach the image neither by upgrade nor by rebuild"),
    _no_updates,
)
CHECKS = (BUILD_TOOLS, DEVELOPMENT, NO_UPDATES)
