"""The rules for tags that the file asks for. Pure.

Markers are on every image where a repository of the file has the standard lifecycle policy, or a
family of its own that asks for them: joint limits go by them. Elsewhere they are only where the
policy's plain rules reach no tag.
"""

from __future__ import annotations

from longshore.policy.build_tags import TagRules
from longshore.policy.families import MarkerMode
from longshore.provision.settings import Config


def tag_rules(config: Config | None) -> TagRules:
    """What section `tags` says; the defaults without a file."""
    if config is None:
        return TagRules()
    written = config.tags
    return TagRules(
        main=written.main,
        develop=written.develop,
        latest=written.latest,
        push_pull_requests=written.pull_requests == "push",
        pull_request_commits=written.pull_request_commits,
        markers=written.markers or default_markers(config),
        sha_length=written.sha_length,
        feature=written.feature,
        component=written.component,
        component_prefix=written.component_prefix,
        ladder=written.ladder,
    )


def default_markers(config: Config) -> MarkerMode:
    """Which images get markers when the file does not say so."""
    policies = [one.lifecycle for one in config.repositories.values() if one.lifecycle]
    wanted = any(one.preset or (one.intent and one.intent.asks_for_markers) for one in policies)
    return "all" if wanted else "needed"
