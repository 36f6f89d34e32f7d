"""The shape of `longshore.yaml` as a whole, and its JSON Schema. Pure."""

from __future__ import annotations

import json
from typing import Any

from longshore.provision.document import Node
from longshore.provision.protect_section import protect
from longshore.provision.registry_sections import images, registry, sources, targets
from longshore.provision.repository_section import repositories
from longshore.provision.scan_section import scan
from longshore.provision.settings import Config
from longshore.provision.shapes import Reading, Schema, Shape, Whole
from longshore.provision.structures import Key, Struct
from longshore.provision.team_sections import alerts, ci, deploy, rewrite, tags
from longshore.text import tr

VERSION = 1


def config_shape() -> Struct[Config]:
    """All keys of the file."""
    return Struct(
        Config,
        {
            "version": Key(_Version(), "The version of this format", required=True),
            "targets": Key(targets(), "Where to; the first is the default", required=True),
            "sources": Key(sources(), "Registries with limits, and where their logins are found"),
            "images": Key(images(), "What moves, and under which name"),
            "repositories": Key(repositories(), "Target repositories by name"),
            "registry": Key(registry(), "Settings of the whole registry"),
            "tags": Key(tags(), "How builds are tagged"),
            "protect": Key(protect(), "What counts as in use"),
            "rewrite": Key(rewrite(), "How references in the tree change"),
            "ci": Key(ci(), "The pipeline"),
            "deploy": Key(deploy(), "Places that releases are deployed to"),
            "scan": Key(scan(), "What the scan gate lets pass, and waivers"),
            "alerts": Key(alerts(), "Who is told, and from which values on"),
        },
    )


def schema_text() -> str:
    """The JSON Schema, as `longshore config schema` prints it."""
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "longshore.yaml",
        **config_shape().schema(),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Version(Shape[int]):
    def __init__(self) -> None:
        self.wanted = str(VERSION)

    def read(self, node: Node, reading: Reading) -> int | None:
        version = Whole(1).read(node, reading)
        if version is not None and version != VERSION:
            message = tr("version {version} is not known here", version=version)
            reading.fail(node.where, message, tr("write version: 1, or update longshore"))
            return None
        return version

    def schema(self) -> Schema:
        return {"const": VERSION}
