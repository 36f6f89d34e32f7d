"""From the config's image rules to what the copy engine is asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from longshore.errors import UsageError
from longshore.facts import Endpoint
from longshore.oci.reference import Reference
from longshore.oci.store import TagSeen
from longshore.policy.tags import TagFilter, select_tags
from longshore.provision.settings import Config, ImageRule
from longshore.text import tr
from longshore.transfer.plan import Mounting, Pair, Wish


@dataclass(frozen=True)
class ImageWish:
    """One image rule with both ends named, ready to be opened."""

    rule: ImageRule
    source: Reference
    target: Reference
    wish: Wish


def chooser(wanted: TagFilter) -> Callable[[Sequence[TagSeen]], Mapping[str, str]] | None:
    """A tag filter as the function that `gather` asks; None when the filter takes all."""
    if wanted.takes_all:
        return None

    def choose(tags: Sequence[TagSeen]) -> Mapping[str, str]:
        verdicts = select_tags(wanted, tags)
        return {verdict.tag: verdict.reason for verdict in verdicts if not verdict.keep}

    return choose


def image_wishes(
    config: Config, endpoint: Endpoint, mounting: Mounting, only: Sequence[str] = ()
) -> list[ImageWish]:
    """The rules that copy (not those that cache), or those whose source or target is in `only`.

    Raises UsageError when a name in `only` is in no rule.
    """
    _check_only(config, only)
    return [
        _wish(rule, endpoint, mounting)
        for rule in config.images
        if rule.mode == "copy" and (not only or _named(rule, only))
    ]


def _wish(rule: ImageRule, endpoint: Endpoint, mounting: Mounting) -> ImageWish:
    target = Reference(endpoint.registry, rule.target)
    pair = Pair(
        rule.source.name,
        target.name,
        rule.source.registry,
        endpoint.registry,
        tuple(str(platform) for platform in rule.platforms),
        mounting,
    )
    wish = Wish(pair, None, None, chooser(rule.tags), rule.referrers, metered=True, in_order=True)
    return ImageWish(rule, rule.source, target, wish)


def _named(rule: ImageRule, only: Sequence[str]) -> bool:
    return bool({rule.target, rule.source.name, rule.source.repository} & set(only))


def _check_only(config: Config, only: Sequence[str]) -> None:
    for name in only:
        if not any(_named(rule, [name]) for rule in config.images):
            known = ", ".join(rule.target for rule in config.images)
            raise UsageError(
                tr("no image rule of {file} is called '{name}'", file=config.filename, name=name),
                tr("the rules' targets are: {known}", known=known or tr("none")),
                code="unknown-image",
            )
