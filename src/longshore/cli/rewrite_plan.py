"""A proved rewrite of a tree: decisions, patch, and what the target must hold. I/O.

Reads files only; whether the images are at the target is asked by `check_target`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.rewrite_digests import NO_PINS, Pins, ask_digests, count_pinned
from longshore.cli.targeting import choose_target
from longshore.cli.trees import Scanned
from longshore.errors import RefusedError, UsageError
from longshore.oci.reference import Reference
from longshore.policy.naming import suggest_names
from longshore.provision.settings import LOCAL_ACCOUNT, LOCAL_REGION
from longshore.remote.addresses import dns_suffix_of, ecr_host
from longshore.rewrite.check import Failed
from longshore.rewrite.edits import ChangedFile
from longshore.rewrite.places import OFFICIAL, Destination, Wish
from longshore.rewrite.plan import Decision, Needed, RewritePlan
from longshore.rewrite.readers import NO_READERS, Readers
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.cli.stores import Opener
    from longshore.provision.settings import Config
    from longshore.rewrite.generate.options import PipelineOptions
    from longshore.rewrite.lint import Linted, Ran
    from longshore.rewrite.pinning import Asked
    from longshore.rewrite.uses import Use

Look = Callable[[Sequence[ChangedFile]], "Linted"]
_NAMING_KINDS = ("gha-input", "gha-env", "gha-matrix", "bake")


@dataclass(frozen=True)
class Rewrite:
    """One tree's rewrite, checked: what changes, what stays, what failed its proof."""

    scanned: Scanned
    destination: Destination
    plan: RewritePlan
    changes: tuple[ChangedFile, ...]
    failed: tuple[Failed, ...] = ()
    pins: Pins = NO_PINS
    linters: tuple[Ran, ...] = ()
    readers: Readers = NO_READERS
    embedded: bool = False

    def as_json(self) -> dict[str, Any]:
        """`longshore.rewrite/1` without what was done."""
        return {
            "tree": self.scanned.name,
            "host": self.destination.host,
            "embedded": self.embedded,
            "mapping": [
                {"image": one.image, "target": one.target, "tags": list(one.tags)}
                for one in self.plan.needed
            ],
            "decisions": [one.as_json() for one in self.plan.decisions],
            "steps": [
                {"file": one.file, "line": one.line, "what": one.what}
                for one in self.plan.step_changes
            ],
            "files": [one.path for one in self.changes],
            "failed": [
                {"file": one.file, "line": one.line, "reason": one.reason} for one in self.failed
            ],
            "pins": self.pins.as_json(),
            "linters": [one.as_json() for one in self.linters],
            "also_named": self.readers.as_json(),
            "hub_pulls_left": len(self.plan.left),
        }


def plan_tree(
    scanned: Scanned,
    config: Config,
    destination: Destination,
    digests: Mapping[Asked, str] | None = None,
    look: Look | None = None,
) -> Rewrite:
    """Decide, splice in memory, read again, and leave out what does not prove right.

    `look` asks linters about the edited files.
    """
    from longshore.rewrite.decide import decide
    from longshore.rewrite.lint import Linted
    from longshore.rewrite.looking import find_uses
    from longshore.rewrite.pinning import pinned
    from longshore.rewrite.prove import prove
    from longshore.rewrite.readers import find_readers

    uses = scanned.result.uses
    settings = config.rewrite
    wish = Wish(settings.map, settings.skip, settings.public_default)
    decisions = decide(scanned.tree, uses, wish, destination)
    if digests:
        decisions = pinned(decisions, digests)
    options = _options(config)

    def around(decisions: Sequence[Decision]) -> RewritePlan:
        from longshore.rewrite.job_steps import plan_steps

        steps = plan_steps(scanned.tree, uses, decisions, destination, options)
        return RewritePlan(steps.decisions, steps.edits, steps.changes)

    said: list[Linted] = []

    def more(changes: Sequence[ChangedFile]) -> Sequence[Failed]:
        said.append(look(changes) if look is not None else Linted())
        return said[-1].failed

    proved = prove(scanned.tree, uses, decisions, around, find_uses, destination.registry, more)
    linters = said[-1].ran if said else ()
    readers = find_readers(scanned.tree, uses, proved.plan.decisions)
    made = Rewrite(scanned, destination, proved.plan, proved.changes, proved.failed)
    return replace(made, linters=linters, readers=readers)


def with_digests(
    made: Rewrite, config: Config, opener: Opener, registry: str, look: Look | None = None
) -> Rewrite:
    """The same rewrite with digests beside the tags, as the target holds them now."""
    from longshore.rewrite.pinning import wanted_digests

    asked = wanted_digests(made.plan.decisions)
    digests = ask_digests(opener, asked, registry)
    again = plan_tree(made.scanned, config, made.destination, digests, look) if digests else made
    absent = tuple(f"{one.repository}:{one.tag}" for one in asked if one not in digests)
    return replace(again, pins=Pins(True, count_pinned(again.plan.decisions), absent))


def _options(config: Config) -> PipelineOptions:
    from longshore.cli.emitting import read_pins
    from longshore.rewrite.generate.options import PipelineOptions

    ci = config.ci
    return PipelineOptions(
        read_pins(), auth=ci.auth, role=ci.role, names=dict(ci.secrets), branches=ci.branches
    )


def destination_of(app: App, config: Config, uses: Sequence[Use]) -> Destination:
    """The target as patches name it: ECR's own host, also for the embedded servers."""
    choice = choose_target(app.settings, config, app.environ)
    account, region = choice.account, choice.region
    if choice.way != "aws":
        state = _running(app)
        account = account or (state.account if state else LOCAL_ACCOUNT)
        region = region or (state.region if state else LOCAL_REGION)
    if not account or not region:
        raise UsageError(
            tr("the target {name} does not say its account and Region", name=choice.name),
            tr("write them under targets in {file}", file=config.filename),
            code="target-incomplete",
        )
    host = ecr_host(
        account, region, dns_suffix_of(region), fips=choice.fips, dualstack=choice.dualstack
    )
    cached = frozenset(rule.source.name for rule in config.images if rule.mode == "cache")
    return Destination(host, _repositories(config, uses), config.rewrite.prefix, cached)


def _running(app: App) -> Any:
    from longshore.errors import LongshoreError

    try:
        return wiring.running_local(app.environ)
    except LongshoreError:
        return None


def _repositories(config: Config, uses: Sequence[Use]) -> Mapping[str, str]:
    """Names at the target: as the rules say; the team's own images by their own names."""
    own = {str(use.image) for use in uses if _is_own(use)}
    references = [Reference("docker.io", name.partition("/")[2]) for name in sorted(own)]
    named = dict(suggest_names(references))
    return named | {rule.source.name: rule.target for rule in config.images}


def _is_own(use: Use) -> bool:
    """Whether the team publishes the image: it is pushed, or an action makes tags for it.

    `docker tag` says nothing: it renames other people's images too.
    """
    role, kind = use.mention.role, use.mention.kind
    named = role == "push" or (role == "tag" and kind in _NAMING_KINDS)
    official = (use.image or "").startswith(OFFICIAL)
    return named and use.status == "hub" and use.image is not None and not official


def missing_rules(config: Config, plan: RewritePlan) -> list[Needed]:
    """What the plan needs and no image rule copies (by name; tags by the rule's own filter)."""
    from longshore.oci.store import TagSeen
    from longshore.policy.tags import select_tags

    rules = {rule.source.name: rule for rule in config.images if rule.mode == "copy"}
    found = []
    for one in plan.needed:
        rule = rules.get(one.image)
        if rule is None:
            found.append(one)
            continue
        verdicts = select_tags(rule.tags, [TagSeen(tag=tag) for tag in one.tags])
        left = tuple(verdict.tag for verdict in verdicts if not verdict.keep)
        if left and rule.tags.allow:
            found.append(replace(one, tags=left))
    return found


def check_target(opener: Opener, plan: RewritePlan, registry: str) -> list[str]:
    """The references that the plan needs and the target does not hold. Asks the target only."""
    missing: list[str] = []
    for one in plan.needed:
        path = one.target.partition("/")[2]
        store = opener.target(Reference(registry, path))
        wanted = [*one.tags, *one.digests]
        missing += [
            f"{path}{'@' if ':' in name else ':'}{name}"
            for name in wanted
            if store.resolve(name) is None
        ]
        if not wanted and not store.list_tags():
            missing.append(path)
    return missing


def refuse_missing(missing: Sequence[str]) -> None:
    """Raise RefusedError unless the target holds everything."""
    if not missing:
        return
    some = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
    raise RefusedError(
        tr("{count} images are not at the target yet: {names}", count=len(missing), names=some),
        tr(
            "add them with `longshore rewrite --update-config`, copy them with `longshore apply`; "
            "or write all the same with --unchecked"
        ),
        code="images-missing",
    )


def decisions_by_file(decisions: Sequence[Decision]) -> dict[str, list[Decision]]:
    """In the order of files and places."""
    found: dict[str, list[Decision]] = {}
    for one in decisions:
        found.setdefault(one.use.file, []).append(one)
    return found


def state_folder(app: App, folder: Path) -> Path:
    """Where the originals of a tree are kept: outside the tree, for the owner only."""
    from longshore.rewrite.run import tree_id

    return wiring.state_dir(app.environ) / "rewrite" / tree_id(folder)
