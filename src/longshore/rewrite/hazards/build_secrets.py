"""Checks for secrets that a build writes into its image: ENV values, build arguments. Pure.

The name decides; no value is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.rewrite.hazards.dockerfiles import BuiltImage, built_images
from longshore.rewrite.hazards.hazard import Check, Hazard, Surveyed
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.dockerfile import Assignment, Instruction
from longshore.text import tr

_SECRET = re.compile(
    r"(?:.*_)?(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_?KEY|SECRET_?KEY_BASE|TOKEN|API_?KEY|"
    r"ACCESS_?KEY|SECRET_ACCESS_KEY|PRIVATE_?KEY|CREDENTIALS?|AWS_ACCESS_KEY_ID)\Z"
)
_PUBLIC = re.compile(r"(?:.*_)?PUBLIC(?:_.*)?\Z|.*PUBLISHABLE.*|CSRF_TOKEN\Z|NO_TOKEN\Z")
_MOST_READ = 300  # characters of a value
_PLACEHOLDER = re.compile(
    r"(?:|0|1|true|false|none|null|yes|no|x+|\*+|\.+|<.*>|.*(?:change|replace).?(?:me|this|it).*|"
    r".*(?:dummy|fake|placeholder|example|unused|not.?(?:a.)?(?:real|secret|set|used)).*|"
    r"(?:your|my)[-_].*|test(?:ing)?|build|insecure|todo|/.*|file:.*)\Z",
    re.IGNORECASE | re.DOTALL,
)


def _in_environment(surveyed: Surveyed) -> Iterator[Hazard]:
    for image, one, setting in _settings(surveyed, "ENV"):
        value = setting.value.text.strip("\"'")[:_MOST_READ] if setting.value else ""
        if _PLACEHOLDER.match(value):
            continue
        yield IN_ENVIRONMENT.at(
            image.file,
            _place(one, setting),
            tr(
                "{name} is written into the image's configuration: everybody who can pull the "
                "image can read it, and deleting it later does not help",
                name=setting.name.text,
            ),
            tr(
                "give it when the container starts (a secret of the orchestrator), or to one step "
                "of the build with `RUN --mount=type=secret,id=…`; replace the value now in use"
            ),
        )


def _in_arguments(surveyed: Surveyed) -> Iterator[Hazard]:
    for image, one, setting in _settings(surveyed, "ARG"):
        value = setting.value.text.strip("\"'")[:_MOST_READ] if setting.value else None
        if value is not None and _PLACEHOLDER.match(value) and value:
            continue
        yield IN_ARGUMENTS.at(
            image.file,
            _place(one, setting),
            tr(
                "build arguments are kept in the image's history, in the build cache and in "
                "provenance: {name} can be read there",
                name=setting.name.text,
            ),
            tr(
                "pass it as a build secret: `RUN --mount=type=secret,id={name} …`, and "
                "`--secret id={name}` for the build",
                name=setting.name.text.lower(),
            ),
        )


def _settings(
    surveyed: Surveyed, keyword: str
) -> Iterator[tuple[BuiltImage, Instruction, Assignment]]:
    for image in built_images(surveyed):
        if image.for_developers:
            continue
        seen: set[str] = set()
        for one in image.dockerfile.instructions:
            for setting in one.assignments if one.keyword == keyword else ():
                name = setting.name.text.upper()
                if _SECRET.match(name) and not _PUBLIC.match(name) and name not in seen:
                    seen.add(name)
                    yield image, one, setting


def _place(one: Instruction, setting: Assignment) -> Span:
    return one.locate(setting.name) or one.span


IN_ENVIRONMENT = Check("secret-in-image", "high", tr("A secret is set with ENV"), _in_environment)
IN_ARGUMENTS = Check(
    "secret-build-argument", "medium", tr("A secret is passed as a build argument"), _in_arguments
)
CHECKS = (IN_ENVIRONMENT, IN_ARGUMENTS)
