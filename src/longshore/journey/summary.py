"""What a migration did, as facts: one value, shown as JSON, lines or Markdown. Pure.

Nothing stands here that was not done, read or measured in this run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from longshore.oci.store import PullAllowance
from longshore.text import tr
from longshore.transfer.plan import PairPlan


@dataclass(frozen=True)
class Moved:
    """One repository: where it came from, where it lives now, how many tags."""

    source: str
    target: str
    tags: int
    skipped: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Tags that stayed out come with their reason."""
        return {
            "source": self.source,
            "target": self.target,
            "tags": self.tags,
            "skipped": [{"tag": tag, "reason": reason} for tag, reason in self.skipped],
        }


@dataclass(frozen=True)
class TreeMoved:
    """What becomes of the source tree: places and files that change, pulls of a pipeline run.

    `left` are places that stay at Docker Hub: place, text, reason. `written`: files that were
    edited in this run; empty when the patch was only shown or saved.
    """

    tree: str
    places: int
    files: tuple[str, ...]
    before: int
    after: int
    left: tuple[tuple[str, str, str], ...] = ()
    written: tuple[str, ...] = ()
    patch: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The key `tree` of the answer."""
        return {
            "tree": self.tree,
            "places": self.places,
            "files": list(self.files),
            "pulls_per_run": {"before": self.before, "after": self.after},
            "left": [
                {"place": place, "text": text, "reason": reason}
                for place, text, reason in self.left
            ],
            "written": list(self.written),
            "patch": self.patch,
        }

    def lines(self) -> list[str]:
        """What a terminal shows."""
        lines = [
            tr(
                "tree: {places} places in {files} files change; Docker Hub pulls of a pipeline "
                "run: {before} before, {after} after",
                places=self.places,
                files=len(self.files),
                before=self.before,
                after=self.after,
            )
        ]
        if self.written:
            lines.append(tr("tree: files written: {files}", files=", ".join(self.written)))
        elif self.patch:
            lines.append(tr("tree: the patch is {file}", file=self.patch))
        for place, text, reason in self.left:
            lines.append(f"tree: {place}  {text}  {tr('stays: {why}', why=reason)}")
        return lines


@dataclass(frozen=True)
class Summary:
    """The whole run. `copy` and `verify` are those commands' answers."""

    place: Mapping[str, Any]
    moved: tuple[Moved, ...]
    applied: int
    copy: Mapping[str, Any]
    verify: Mapping[str, Any]
    seconds: float
    allowance: PullAllowance | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    tree: TreeMoved | None = None

    def as_json(self) -> dict[str, Any]:
        """`longshore.migrate/1`."""
        left = None if self.allowance is None else self.allowance.remaining
        limit = None if self.allowance is None else self.allowance.limit
        kept = {name: one for name, one in self.verify.items() if name not in ("schema", "items")}
        return {
            "schema": "longshore.migrate/1",
            "repositories": [one.as_json() for one in self.moved],
            "applied": self.applied,
            "copy": {name: one for name, one in self.copy.items() if name != "schema"},
            "verify": kept,
            "pulls": {"used": self.copy["source"]["pulls"], "left": left, "limit": limit},
            "secrets": dict(self.secrets),
            "tree": self.tree.as_json() if self.tree else None,
            "seconds": round(self.seconds, 3),
        }


def moved(plans: Sequence[PairPlan]) -> tuple[Moved, ...]:
    """What the plans say of each repository."""
    return tuple(
        Moved(
            plan.pair.source,
            plan.pair.target,
            len(plan.wanted),
            tuple((step.source_tag, step.reason) for step in plan.steps if step.action == "skip"),
        )
        for plan in plans
    )


def summary_lines(summary: Summary, human: Mapping[str, str]) -> list[str]:
    """About a dozen lines; `human` has sizes and times ready to show: bytes, seconds."""
    verify, tags = summary.verify, summary.copy["tags"]
    lines = [
        tr("{source} -> {target}  {tags} tags", source=one.source, target=one.target, tags=one.tags)
        + (tr(", {count} stay out", count=len(one.skipped)) if one.skipped else "")
        for one in summary.moved
    ]
    return [
        *lines,
        tr(
            "{applied} changes at AWS; {copied} tags copied, {unchanged} there already; "
            "{bytes} moved",
            applied=summary.applied,
            copied=tags["copied"],
            unchanged=tags["unchanged"],
            bytes=human["bytes"],
        ),
        tr(
            "proved: {equal} tags equal, {missing} missing, {different} different; "
            "{referrers} signatures and SBOMs",
            equal=verify["equal"],
            missing=verify["missing"],
            different=verify["different"],
            referrers=verify["referrers"],
        ),
        _pulls(summary),
        *(summary.tree.lines() if summary.tree else ()),
        tr("took {seconds}", seconds=human["seconds"]),
    ]


def _pulls(summary: Summary) -> str:
    used = summary.copy["source"]["pulls"]
    if summary.allowance is None:
        return tr("Docker Hub pulls: {used} used; no limit seen", used=used)
    return tr(
        "Docker Hub pulls: {used} used, {left} of {limit} left",
        used=used,
        left=summary.allowance.remaining,
        limit=summary.allowance.limit,
    )


def summary_markdown(summary: Summary, human: Mapping[str, str]) -> str:
    """The summary as a page for the team; foreign names are kept from being markup."""
    place = summary.place
    embedded = " (EMBEDDED)" if place.get("embedded") else ""
    lines = [
        f"# {tr('Migration summary')}{embedded}",
        "",
        f"- {tr('Account')}: {_code(place.get('account'))}",
        f"- {tr('Region')}: {_code(place.get('region'))}",
        f"- {tr('Registry')}: {_code(place.get('registry'))}",
        "",
        f"## {tr('Where the images live now')}",
        "",
        f"| {tr('before')} | {tr('now')} | {tr('tags')} |",
        "|---|---|---:|",
        *[f"| {_code(one.source)} | {_code(one.target)} | {one.tags} |" for one in summary.moved],
        "",
        f"## {tr('What was done and proved')}",
        "",
        *[f"- {_text(line)}" for line in summary_lines(summary, human)[len(summary.moved) :]],
    ]
    stayed = [(one.source, tag, why) for one in summary.moved for tag, why in one.skipped]
    if stayed:
        lines += ["", f"## {tr('What stayed out')}", ""]
        lines += [f"- {_code(f'{source}:{tag}')}: {_text(why)}" for source, tag, why in stayed]
    if summary.secrets:
        lines += ["", f"## {tr('What the pipeline needs')}", ""]
        lines += [f"- {_code(f'{name}={value}')}" for name, value in summary.secrets.items()]
    return "\n".join(lines) + "\n"


def _code(value: object) -> str:
    text = " ".join(str(value).split()).replace("`", "'").replace("|", "\\|")
    return f"`{text}`"


def _text(text: str) -> str:
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, "\\" + mark)
    return text
