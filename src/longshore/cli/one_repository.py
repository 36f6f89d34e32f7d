"""Brings one repository to what is wanted: reads it, plans, shows, asks, applies. I/O.

The quick way of `repo create` and `lifecycle apply`; it plans and applies with the same parts as
`longshore plan` and `longshore apply`, and asks AWS about that one repository only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.wiring import OpenTarget
from longshore.errors import AwsError, UsageError
from longshore.facts import RepositorySeen
from longshore.policy.naming import check_name
from longshore.provision.changes import Change, Plan
from longshore.provision.resources import Actual, Desired, Place, Resource
from longshore.text import tr


@dataclass(frozen=True)
class Outcome:
    """What had to change, and whether it was done."""

    planned: Plan
    applied: bool

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes of the plan."""
        return self.planned.changes


def check_repository_name(name: str) -> None:
    """Raise UsageError, with a better name, for one that ECR refuses."""
    verdict = check_name(name)
    if not verdict.legal:
        raise UsageError(
            tr("ECR does not take the name '{name}': {why}", name=name, why=verdict.reason),
            tr("for example: {name}", name=verdict.suggestion),
            code="name-invalid",
        )


def read_repository(target: OpenTarget, name: str) -> RepositorySeen | None:
    """The repository with its lifecycle policy and tags, or None when there is none."""
    try:
        (seen,) = target.ecr.describe_repositories([name])
    except AwsError as error:
        if error.aws_code == "RepositoryNotFoundException":
            return None
        raise
    return replace(
        seen,
        lifecycle_policy=target.ecr.get_lifecycle_policy(name),
        tags=target.ecr.list_tags_for_resource(seen.arn),
    )


def plan_one(
    target: OpenTarget, seen: RepositorySeen | None, resources: tuple[Resource, ...]
) -> Plan:
    """What must change so that the repository is as wanted."""
    from longshore.provision.plan import plan

    endpoint = target.endpoint
    place = Place(
        target.name, endpoint.kind, endpoint.account, endpoint.region, endpoint.aws_endpoint
    )
    found = {seen.name: seen} if seen else {}
    return plan(Desired(place, resources), Actual(found))


def carry_out(
    app: App, target: OpenTarget, planned: Plan, question: str, *, dry_run: bool
) -> Outcome:
    """Show the plan, ask, apply. Raises RefusedError when the answer is no."""
    from longshore.provision.apply import apply
    from longshore.provision.journal import Journal
    from longshore.provision.render import render_plan

    if not planned.changes:
        return Outcome(planned, applied=False)
    caller = tr("caller: {arn}", arn=target.identity.arn)
    lines = [caller, *render_plan(planned).rstrip().splitlines()]
    for line in lines:
        app.output.say(line)
    if dry_run:
        return Outcome(planned, applied=False)
    app.output.confirm(question, lines if app.settings.quiet else ())
    endpoint = target.endpoint
    file = f"{endpoint.kind}-{endpoint.account}-{endpoint.region}.journal"
    with Journal(wiring.state_dir(app.environ) / "one-repository" / file) as journal:
        for event in apply(planned, target.ecr, journal):
            app.output.show(event)
    return Outcome(planned, applied=True)
