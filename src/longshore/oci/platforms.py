"""Platforms: os, architecture, variant, and which of an index's manifests fits. Pure.

OCI image-spec, image-index.md "platform"; normal forms as containerd's `platforms` package.

>>> str(parse_platform("linux/arm64"))
'linux/arm64'
>>> parse_platform("linux/aarch64") == parse_platform("linux/arm64/v8")
True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longshore.errors import UsageError
from longshore.text import tr

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm"}
_DEFAULT_VARIANTS = {("arm64", "v8"): "", ("amd64", "v1"): ""}


@dataclass(frozen=True, order=True)
class Platform:
    """What an image runs on. `unknown/unknown` is how buildx marks attestations."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def is_known(self) -> bool:
        """Whether it is a real platform rather than an attestation's placeholder."""
        return self.os != "unknown"


def _normal(os_name: str, architecture: str, variant: str) -> Platform:
    architecture = _ARCHITECTURES.get(architecture, architecture)
    if architecture == "arm" and not variant:
        variant = "v7"
    variant = _DEFAULT_VARIANTS.get((architecture, variant), variant)
    return Platform(os_name, architecture, variant)


def parse_platform(text: str) -> Platform:
    """Read `os/architecture[/variant]`. Raises UsageError."""
    parts = text.strip().lower().split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(
            tr("'{text}' is not a platform", text=text),
            tr("write it as os/architecture, for example linux/amd64 or linux/arm/v7"),
            code="bad-platform",
        )
    return _normal(parts[0], parts[1], parts[2] if len(parts) == 3 else "")


def platform_from_json(value: Any) -> Platform | None:
    """The platform of an index entry or of a config, or None when it names none."""
    if not isinstance(value, dict) or not value.get("os") or not value.get("architecture"):
        return None
    variant = value.get("variant") or ""
    return _normal(str(value["os"]), str(value["architecture"]), str(variant))
