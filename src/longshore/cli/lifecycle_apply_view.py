"""What `lifecycle apply` shows: images that go, images in use, refusals; text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from longshore.cli.typeset import moment, short_digest, shorten, size, table
from longshore.facts import ImageSeen, InUse
from longshore.policy.lifecycle.evaluate import Evaluation, Verdict, evaluate
from longshore.policy.lifecycle.grammar import Policy
from longshore.policy.reach import Hit
from longshore.provision.changes import Limits
from longshore.provision.guards import Guarded, remedy, unread_words
from longshore.text import tr

_ROWS = 20
_WIDE = 40


@dataclass(frozen=True)
class Going:
    """An image that goes or is archived; `later`: not in the first run, but behind its index."""

    verdict: Verdict
    later: bool = False

    def as_json(self) -> dict[str, Any]:
        """One entry of `expires`."""
        image, rule = self.verdict.image, self.verdict.rule
        return {
            "digest": image.digest,
            "tags": list(image.tags),
            "size": image.size,
            "pushed_at": moment(image.pushed_at) or None,
            "action": self.verdict.action,
            "rule": rule.priority if rule else None,
            "reason": self.verdict.reason,
            "when": "after-its-index" if self.later else "now",
        }


def going(first: Evaluation, images: Sequence[ImageSeen]) -> list[Going]:
    """What the policy takes now, and the manifests that follow once their index is gone."""
    found = [Going(one) for one in first.verdicts if one.action != "keep"]
    if not any(one.verdict.image.children for one in found):
        return found
    taken = {one.verdict.image.digest for one in found}
    readings = replace(first.readings, children_go="same-run")
    then = evaluate(first.policy, images, first.at, readings).verdicts
    more = (one for one in then if one.action != "keep" and one.image.digest not in taken)
    return found + [Going(one, later=True) for one in more]


def question(gone: Sequence[Going]) -> str:
    """The question names how many images go."""
    expire = [one.verdict.image for one in gone if one.verdict.action == "expire"]
    if not gone:
        return tr("Apply it? No image goes by these rules now; later on some may.")
    if len(expire) == 1:
        asked = tr(
            "Apply it? ECR then deletes 1 image ({size}) within a day or two.", **_sizes(expire)
        )
    else:
        asked = tr(
            "Apply it? ECR then deletes {count} images (at most {size}) within a day or two.",
            count=len(expire),
            **_sizes(expire),
        )
    archived = len(gone) - len(expire)
    return asked + (" " + tr("It archives {count}.", count=archived) if archived else "")


def _sizes(images: Sequence[ImageSeen]) -> dict[str, str]:
    return {"size": size(sum(one.size for one in images))}


@dataclass(frozen=True)
class Refused:
    """One thing that is refused: why, the flag that allows it, and what would be better."""

    reason: str
    flag: str
    hit: Hit | None = None
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """One entry of `refused`."""
        found: dict[str, Any] = {"reason": self.reason, "flag": self.flag}
        return found | (_hit_json(self.hit) | {"remedy": self.remedy or None} if self.hit else {})


@dataclass(frozen=True)
class View:
    """All that is to be said of a repository that was looked at."""

    policy: Policy
    images: tuple[ImageSeen, ...]
    gone: Sequence[Going]
    guarded: Guarded
    limits: Limits

    @cached_property
    def guards(self) -> list[Refused]:
        """Everything that a guard says no to, allowed or not."""
        name = self.guarded.name
        unread = [
            Refused(unread_words(one), f"--allow-unread {one.by}") for one in self.guarded.unread
        ]
        hits = self.guarded.judgement.hits
        return unread + [
            Refused(hit.sentence, "--allow-in-use", hit, remedy(hit, name, self.policy))
            for hit in hits
        ]

    @cached_property
    def refused(self) -> list[Refused]:
        """What nobody allowed."""
        return [one for one in self.guards if not self._is_allowed(one)]

    def _is_allowed(self, one: Refused) -> bool:
        if one.hit is not None:
            return self.guarded.name in self.limits.allow_in_use
        return one.flag.rpartition(" ")[2] in self.limits.allow_unread

    def as_json(self) -> dict[str, Any]:
        """The keys of the answer."""
        judgement = self.guarded.judgement
        return {
            "images": None if self.guarded.going is None else len(self.images),
            "expires": [one.as_json() for one in self.gone],
            "in_use": [
                {
                    "digest": held.image.digest,
                    "tags": list(held.image.tags),
                    "via": held.via or None,
                    "uses": [_use_json(use) for use in held.uses],
                }
                for held in judgement.found.held.values()
            ],
            "absent": [_use_json(use) for use in judgement.found.absent],
            "refused": [one.as_json() for one in self.refused],
            "allowed": [one.as_json() for one in self.guards if one not in self.refused],
            "beyond": [_hit_json(hit) for hit in judgement.beyond],
            "looked": list(self.guarded.looked),
            "not_looked": list(self.guarded.not_looked),
        }


def nothing_looked_at() -> dict[str, Any]:
    """The same keys when nothing is to change, and so nothing was looked at."""
    keys = ("expires", "in_use", "absent", "refused", "allowed", "beyond", "looked", "not_looked")
    return {"images": None, **{key: [] for key in keys}}


def looked_lines(view: View) -> list[str]:
    """The images that go, what is in use and where that was looked for, what is refused."""
    return ["", *_going_lines(view), "", *_use_lines(view), *_refusal_lines(view)]


def _going_lines(view: View) -> Iterator[str]:
    if view.guarded.going is None:
        yield tr("which images go is not known: they could not be listed")
        return
    total = len(view.images)
    if not view.gone:
        yield tr("of {total} images none goes by this policy now", total=total)
        return
    words = {"count": len(view.gone), "total": total}
    yield tr("of {total} images {count} go by this policy now:", **words)
    rows = [_row(one) for one in view.gone[:_ROWS]]
    heads = [tr("TAGS"), tr("DIGEST"), tr("SIZE"), tr("RULE"), tr("WHY")]
    yield from (f"  {line}" for line in table(heads, rows, right=[2, 3]))
    if more := len(view.gone[_ROWS:]):
        yield tr("  and {count} more (--json has all)", count=more)


def _row(one: Going) -> tuple[str, str, str, str, str]:
    image, rule = one.verdict.image, one.verdict.rule
    why = one.verdict.reason
    if one.verdict.action == "transition":
        why = tr("archived: {why}", why=why)
    if one.later:
        why = tr("once its index is gone: {why}", why=why)
    return (
        shorten(", ".join(image.tags), _WIDE) or tr("untagged"),
        short_digest(image.digest),
        size(image.size),
        str(rule.priority) if rule else "-",
        why,
    )


def _use_lines(view: View) -> Iterator[str]:
    guarded = view.guarded
    places = [tr("the repository's own tags"), *guarded.looked]
    yield tr("images in use were looked for in: {places}", places=", ".join(places))
    for what in guarded.not_looked:
        yield tr("not looked at: {what}", what=what)
    if not guarded.looked:
        yield tr("nothing says what runs: protect.in_use in longshore.yaml names where to look")
    direct = guarded.judgement.found.direct
    for held in direct[:_ROWS]:
        yield tr("in use: {image}  {place}", image=held.name, place=held.place)
    if more := len(direct[_ROWS:]):
        yield tr("  and {count} more (--json has all)", count=more)
    for use in guarded.judgement.found.absent[:_ROWS]:
        named = use.digest or use.tag or "latest"
        yield tr("{place} names {image}, which is not there", place=use.where, image=named)
    for hit in guarded.judgement.beyond[:_ROWS]:
        yield tr("later: {sentence}", sentence=hit.sentence)


def _refusal_lines(view: View) -> Iterator[str]:
    for one in view.guards[:_ROWS]:
        mark = "!" if one in view.refused else "i"
        yield f"{mark} {one.reason} ({one.flag})"
        if one.remedy and mark == "!":
            yield tr("    protect it: {command}", command=one.remedy)
    if more := len(view.guards[_ROWS:]):
        yield tr("  and {count} more (--json has all)", count=more)


def _hit_json(hit: Hit) -> dict[str, Any]:
    image = hit.held.image
    return {
        "digest": image.digest,
        "tags": list(image.tags),
        "via": hit.held.via or None,
        "where": [use.where for use in hit.held.uses],
        "rule": hit.rule,
        "action": hit.action,
        "when": hit.when,
        "at": moment(hit.at) or None,
        "pushes": hit.pushes if hit.when == "pushes" else None,
        "reading": dict(hit.reading),
        "reason": hit.sentence,
    }


def _use_json(use: InUse) -> dict[str, Any]:
    return {"by": use.by, "where": use.where, "tag": use.tag, "digest": use.digest}
