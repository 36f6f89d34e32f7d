"""From config and target to what ought to be at AWS. Pure.

Repositories are those under `repositories`, and those that `images` copies into; the latter are
made with ECR's defaults when the config says nothing about them. What the config does not say is
not managed: it is left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from longshore.errors import ConfigError, Problem
from longshore.policy.families import MarkerMode
from longshore.policy.lifecycle.compile import Compiled, compile_intent, compile_standard
from longshore.policy.lifecycle.grammar import find_flaws
from longshore.policy.lifecycle.preset import Families
from longshore.provision.access import named_roles, statements_for
from longshore.provision.alerts import alert_resources
from longshore.provision.resources import (
    BLOB_MOUNTING,
    MANAGED,
    AccountSetting,
    Desired,
    LifecyclePolicy,
    Note,
    Place,
    Repository,
    RepositoryPolicy,
    Resource,
    resource_name,
)
from longshore.provision.settings import (
    CiSettings,
    Config,
    Lifecycle,
    Mutability,
    RepositorySettings,
    TagStrategy,
    Target,
)
from longshore.provision.tag_rules import default_markers
from longshore.text import tr


def desired(
    config: Config,
    target: Target,
    policy_files: Mapping[str, str] | None = None,
    *,
    endpoint: str | None = None,
) -> Desired:
    """What the config asks of the target.

    `policy_files` has the texts of the lifecycle files that the config names, by their path there
    (`read_policy_files`). Raises ConfigError for a policy that ECR would refuse.
    """
    place = Place(target.name, target.kind, target.account, target.region, endpoint)
    resources: list[Resource] = []
    notes: list[Note] = []
    problems: list[Problem] = []
    families = families_of(config.tags, config.ci, default_markers(config))
    for settings in _all_settings(config):
        resources.append(_repository(settings))
        if settings.lifecycle is not None:
            made = _compile(settings.lifecycle, families, policy_files or {}, problems)
            resources.append(LifecyclePolicy(settings.name, made.text))
            name = resource_name("lifecycle", settings.name)
            notes += [Note(name, message) for message in made.notes]
        if settings.access is not None:
            statements = statements_for(settings.access, target.region)
            resources.append(RepositoryPolicy(settings.name, statements))
        notes += _notes(settings)
    if problems:
        raise ConfigError(problems)
    if config.registry.blob_mounting is not None:
        value = "ENABLED" if config.registry.blob_mounting else "DISABLED"
        resources.append(AccountSetting(BLOB_MOUNTING, value))
    names = sorted({one.name for one in resources if isinstance(one, Repository)})
    alerts, said = alert_resources(config.alerts, names, place)
    return Desired(place, (*resources, *alerts), (*notes, *_cache_notes(config), *said))


def ecr_mutability(mutability: Mutability) -> tuple[str, tuple[str, ...]]:
    """ECR's word for the setting, and the exclusion filters.

    >>> ecr_mutability(Mutability("immutable", ("latest",)))
    ('IMMUTABLE_WITH_EXCLUSION', ('latest',))
    """
    exclusions = tuple(sorted(set(mutability.exceptions)))
    word = mutability.default.upper()
    return (f"{word}_WITH_EXCLUSION" if exclusions else word), exclusions


def _all_settings(config: Config) -> list[RepositorySettings]:
    found = {settings.name: settings for settings in config.repositories.values()}
    for rule in config.images:
        if rule.mode == "copy":
            found.setdefault(rule.target, RepositorySettings(rule.target, where=rule.where))
    return [found[name] for name in sorted(found)]


def _repository(settings: RepositorySettings) -> Repository:
    mutability, exclusions = (
        ecr_mutability(settings.mutability) if settings.mutability else (None, ())
    )
    encryption = settings.encryption
    return Repository(
        settings.name,
        mutability,
        exclusions,
        settings.scan,
        encryption.kind if encryption else None,
        encryption.key if encryption else None,
        tuple(sorted((MANAGED, *settings.tags))),
        settings.where,
    )


def compile_for(
    settings: RepositorySettings,
    tags: TagStrategy,
    ci: CiSettings,
    policy_files: Mapping[str, str] | None = None,
    *,
    markers: MarkerMode | None = None,
) -> Compiled:
    """What the repository's `lifecycle` means: the policy for ECR, the prune rules, and notes.

    `markers` is what holds where `tags` does not say it. Raises ConfigError for a policy file that
    ECR would refuse.
    """
    problems: list[Problem] = []
    families = families_of(tags, ci, markers)
    lifecycle = settings.lifecycle or Lifecycle()
    made = _compile(lifecycle, families, policy_files or {}, problems)
    if problems:
        raise ConfigError(problems)
    return made


def compile_repository(
    config: Config, name: str, policy_files: Mapping[str, str] | None = None
) -> Compiled | None:
    """The same for a repository of the config; None when the config says nothing of its lifecycle.

    Raises ConfigError.
    """
    settings = config.repositories.get(name)
    if settings is None or settings.lifecycle is None:
        return None
    markers = default_markers(config)
    return compile_for(settings, config.tags, config.ci, policy_files, markers=markers)


def families_of(tags: TagStrategy, ci: CiSettings, markers: MarkerMode | None = None) -> Families:
    """What the standard policy must know of this team's pipeline."""
    return Families(
        tags.main,
        tags.develop,
        ci.branches,
        tags.markers or markers or "all",
        bool(tags.component) and tags.component_prefix,
    )


def _compile(
    lifecycle: Lifecycle,
    families: Families,
    files: Mapping[str, str],
    problems: list[Problem],
) -> Compiled:
    if lifecycle.is_none:
        return Compiled(None)
    if lifecycle.preset:
        return compile_standard(families)
    if lifecycle.intent:
        return compile_intent(lifecycle.intent, families)
    path = lifecycle.file or ""
    text = files.get(path)
    if text is None:
        message = tr("the policy file '{path}' was not read", path=path)
        problems.append(Problem(lifecycle.where, message))
        return Compiled(None)
    flaws = find_flaws(text)
    problems += [
        Problem(
            lifecycle.where,
            tr("ECR refuses {file}: {path}: {why}", file=path, path=flaw.path, why=flaw.detail),
            "lifecycle-policy-invalid",
        )
        for flaw in flaws
    ]
    return Compiled(None) if flaws else Compiled(json.loads(text))


def _notes(settings: RepositorySettings) -> Iterator[Note]:
    roles = named_roles(settings.access) if settings.access else ()
    if roles:
        message = tr(
            "access: {roles}: named roles are not provisioned yet; nothing is granted to them",
            roles=", ".join(roles),
        )
        yield Note(resource_name("repository-policy", settings.name), message)


def _cache_notes(config: Config) -> Iterator[Note]:
    for rule in config.images:
        if rule.mode == "cache":
            message = tr("mode cache: pull-through rules are not provisioned yet; nothing is made")
            yield Note(f"ecr/pull-through-cache/{rule.source.name}", message)
