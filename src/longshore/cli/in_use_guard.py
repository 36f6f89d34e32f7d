"""Looks at a repository before it gets a lifecycle policy: its images, and which are in use. I/O.

A listing that fails, that is empty though something runs from it, or that lacks which index a
running manifest belongs to, says nothing about safety: it counts as something unread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.in_use import IMAGES, Uses, find_held, gather_uses
from longshore.cli.lifecycle_images import read_images
from longshore.errors import AwsError
from longshore.facts import ImageSeen, Unread
from longshore.policy.in_use import Found
from longshore.policy.lifecycle.evaluate import Evaluation, evaluate
from longshore.policy.lifecycle.grammar import Policy, parse_policy
from longshore.policy.reach import LOOK_AHEAD, Ahead, judge
from longshore.provision.guards import Guarded, policies_to_guard, with_guards
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.provision.changes import Plan
    from longshore.provision.settings import Config


@dataclass(frozen=True)
class LookedAt:
    """A repository with what its policy would do to it now, and to what is in use."""

    images: tuple[ImageSeen, ...]
    evaluation: Evaluation
    guarded: Guarded
    remarks: tuple[str, ...] = ()


def look_at(
    target: wiring.OpenTarget,
    uses: Uses,
    name: str,
    policy: Policy,
    *,
    read_indexes: bool = False,
    ahead: Ahead = LOOK_AHEAD,
) -> LookedAt:
    """Read the repository's images and judge the policy. What AWS refuses is unread."""
    now = wiring.target_now(target)
    images: tuple[ImageSeen, ...] = ()
    remarks: tuple[str, ...] = ()
    failed: list[Unread] = []
    try:
        images, remarks = read_images(target, name, policy, read_indexes=read_indexes)
        failed += _emptied(target, name, images)
    except AwsError as error:
        failed.append(Unread(IMAGES, name, f"{error.what} ({error.hint})", name))
    found = find_held(uses, name, images, now)
    evaluation = evaluate(policy, images, now)
    guarded = Guarded(
        name,
        judge(policy, images, found, now, ahead),
        (*uses.unread_of(name), *(failed or _not_listed(found, images, remarks))),
        None if failed else sum(one.action != "keep" for one in evaluation.verdicts),
        uses.looked,
        uses.not_looked,
    )
    return LookedAt(images, evaluation, guarded, remarks)


def _emptied(target: wiring.OpenTarget, name: str, images: tuple[ImageSeen, ...]) -> list[Unread]:
    """An empty listing is believed only when ECR's other listing is empty too. Raises AwsError."""
    if images:
        return []
    listed = {digest for digest, _ in target.ecr.list_images(name)}
    if not listed:
        return []
    why = tr(
        "DescribeImages shows no image and ListImages shows {count}: one of the answers is stale",
        count=len(listed),
    )
    return [Unread(IMAGES, name, why, name)]


def guard_policies(
    app: App,
    target: wiring.OpenTarget,
    config: Config | None,
    policies: Mapping[str, str],
    *,
    run_commands: bool,
) -> list[Guarded]:
    """What is to be said of each repository that gets a policy; asks nobody when none does."""
    if not policies:
        return []
    uses = gather_uses(app, target, config, run_commands=run_commands)
    return [
        look_at(target, uses, name, parse_policy(text)).guarded
        for name, text in sorted(policies.items())
    ]


def guard_one(app: App, target: wiring.OpenTarget, planned: Plan, *, run_commands: bool) -> Plan:
    """The plan of one repository, with what is refused about its lifecycle policy."""
    policies = policies_to_guard(planned)
    if not policies:
        return planned
    config = wiring.find_config(app.settings, app.environ)
    found = guard_policies(app, target, config, policies, run_commands=run_commands)
    return with_guards(planned, found)


def _not_listed(
    found: Found, images: tuple[ImageSeen, ...], remarks: tuple[str, ...]
) -> Iterator[Unread]:
    name = found.repository
    if not images and found.absent:
        where = found.absent[0].where
        why = tr("the listing is empty, but {place} names an image in it", place=where)
        yield Unread(IMAGES, name, why, name)
    if any(_may_be_of_an_index(found, one.image) for one in found.direct):
        for remark in remarks:
            yield Unread(IMAGES, name, remark, name)


def _may_be_of_an_index(found: Found, image: ImageSeen) -> bool:
    """Whether a running image without a tag is in no index that is known."""
    known = any(image.digest in held.image.children for held in found.held.values())
    return not image.tags and not known
