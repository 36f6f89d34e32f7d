"""The answer of `tags compute`, as JSON, for $GITHUB_OUTPUT, and as Markdown. Pure.

The answer knows what is at the registry already: `digest` is the image of this very build, where an
earlier run pushed it; then nothing has to be built, and only the missing tags are put on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from longshore.policy.build_tags import Build, BuildTags, Remark
from longshore.policy.image_labels import as_lines, with_keys
from longshore.text import tr

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:])")
_LONGEST = 200


@dataclass(frozen=True)
class There:
    """A tag that the registry has; `revision` is empty when the image names no commit."""

    tag: str
    digest: str
    revision: str


@dataclass(frozen=True)
class Answer:
    """The tags of a build and all that is known about them.

    `releases_from` says where versions were looked for: git, registry, told, nowhere.
    """

    build: Build
    made: BuildTags
    image: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    releases_from: str = "nowhere"
    repository: str = ""
    there: Mapping[str, There] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    @property
    def digest(self) -> str:
        """The image of this very build, where it is at the registry already."""
        held = [self.there[tag] for tag in self.made.immutable if tag in self.there]
        return held[0].digest if held else ""

    @property
    def built(self) -> list[str]:
        """The tags that the build pushes; none when its image is there already."""
        return [] if self.digest else list(self.made.at_once)

    @property
    def after(self) -> list[str]:
        """The tags that are put on the image afterwards, by digest."""
        given = self.made.tags if self.digest else self.made.afterwards
        return [tag for tag in given if tag not in self.there]

    @property
    def all_remarks(self) -> tuple[Remark, ...]:
        """What to know about the tags."""
        return (*self.made.remarks, *self.remarks)

    def named(self, tags: Iterable[str]) -> list[str]:
        """The tags as whole references, where the image's name is known."""
        return [f"{self.image}:{tag}" for tag in tags] if self.image else list(tags)


def document(answer: Answer) -> dict[str, Any]:
    """The answer as JSON."""
    build, made = answer.build, answer.made
    return {
        "schema": "longshore.tags/1",
        "push": made.push,
        "tags": list(made.tags),
        "skipped": [{"tag": one.tag, "reason": one.reason} for one in made.skipped],
        "reasons": {tag.name: tag.reason for tag in made.given},
        "immutable": list(made.immutable),
        "moving": list(made.moving),
        "markers": list(made.markers),
        "family": made.family,
        "exists": [
            {"tag": one.tag, "digest": one.digest, "revision": one.revision or None}
            for one in answer.there.values()
        ],
        "digest": answer.digest or None,
        "after": answer.after,
        "releases_from": answer.releases_from,
        "repository": answer.repository or None,
        "hazards": [{"code": one.code, "message": one.message} for one in answer.all_remarks],
        "references": answer.named(made.tags) if answer.image else [],
        "labels": with_keys(answer.labels),
        "annotations": with_keys(answer.labels),
        "event": build.event,
        "ref": build.ref,
        "sha": build.sha,
    }


def outputs(answer: Answer, delimiter: str) -> str:
    """Lines for $GITHUB_OUTPUT; lists stand between lines that nobody can guess."""
    made = answer.made
    words = {
        "push": _word(made.push),
        "tag": made.own,
        "version": made.own,
        "exists": _word(bool(answer.digest)),
        "digest": answer.digest,
    }
    lists: dict[str, Sequence[str]] = {
        "tags": made.tags,
        "immutable": made.immutable,
        "moving": made.moving,
        "markers": made.markers,
        "references": answer.named(made.tags) if answer.image else [],
        "build": answer.named(answer.built),
        "after": answer.after,
        "labels": as_lines(answer.labels),
        "annotations": as_lines(answer.labels, "manifest:"),
    }
    lines = [f"{name}={value}\n" for name, value in words.items()]
    for name, ones in lists.items():
        lines += [f"{name}<<{delimiter}\n", *(f"{one}\n" for one in ones), f"{delimiter}\n"]
    return "".join(lines)


def summary(answer: Answer) -> str:
    """Markdown for $GITHUB_STEP_SUMMARY; names from outside cannot break out of their cell."""
    made = answer.made
    heading = tr("Tags of this build") if made.push else tr("This build is not pushed")
    lines = [f"### {heading}", ""]
    if made.given:
        lines += [f"| {tr('tag')} | {tr('why')} |", "|---|---|"]
        lines += [_row(tag.name, tag.reason) for tag in made.given]
        lines.append("")
    if made.skipped:
        lines += [f"| {tr('not given')} | {tr('why')} |", "|---|---|"]
        lines += [_row(one.tag, one.reason) for one in made.skipped]
        lines.append("")
    for one in answer.all_remarks:
        lines += [f"- {_cell(one.message)}"]
    return "\n".join(lines).rstrip() + "\n\n"


def _row(tag: str, reason: str) -> str:
    return f"| {_cell(tag)} | {_cell(reason)} |"


def _cell(text: str) -> str:
    """Text in which no character means anything to Markdown or HTML."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return _MARKDOWN.sub(r"\\\1", " ".join(plain.split())[:_LONGEST]).replace("www.", "www\\.")


def _word(value: bool) -> str:
    return "true" if value else "false"
