"""What a job starts before its first step: its container and its services. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.finders.workflow_places import Places, Sort
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import Span
from longshore.rewrite.syntax.expressions import Table, Text, Value, options_of
from longshore.rewrite.syntax.workflow import Container, Job
from longshore.rewrite.syntax.workflow_scope import Reading
from longshore.rewrite.syntax.yaml_nodes import Scalar

CONTAINER = Sort("gha-container", "pull", "job-start", open_too=True)
SERVICE = Sort("gha-service", "pull", "job-start", open_too=True)
_COMMAND = "docker create "


def job_mentions(places: Places, job: Job) -> Iterator[Mention]:
    """The images of a job's container and services."""
    if job.container is not None:
        yield from _image(places, job.container, CONTAINER)
    for service in job.services:
        yield from _image(places, service, SERVICE)
        yield from _in_options(places, service)
    if isinstance(job.services_node, Scalar):
        yield from _dynamic_services(places, job.services_node)


def _image(places: Places, container: Container, sort: Sort) -> Iterator[Mention]:
    image = container.image
    if "${{" in image.value:
        tables = _tables(places.scope.values(image))
        if tables:
            yield from _images_of(places, image, tables, sort)
            return
    yield from places.value(image, sort)


def _dynamic_services(places: Places, node: Scalar) -> Iterator[Mention]:
    tables = _tables(places.scope.values(node))
    services = [
        one for table in tables for value in table.entries.values() for one in _tables([value])
    ]
    yield from _images_of(places, node, services, SERVICE)


def _images_of(places: Places, node: Scalar, tables: list[Table], sort: Sort) -> Iterator[Mention]:
    """The `image` of mappings that an expression gives: a matrix value, or literal JSON."""
    readings: dict[tuple[str, int], Reading] = {}
    for table in tables:
        for one in options_of(table.get("image") or Text(())):
            if isinstance(one, Text) and one.text.strip():
                source = id(one.fragments[0].source)
                before = readings.get((one.text, source))
                readings[one.text, source] = Reading(one, 1 + (before.times if before else 0))
    yield from places.of_readings(node, (0, len(node.value)), readings.values(), sort)


def _tables(values: list[Value]) -> list[Table]:
    return [one for value in values for one in options_of(value) if isinstance(one, Table)]


def _in_options(places: Places, service: Container) -> Iterator[Mention]:
    """An image behind `--entrypoint` in the options: the only way to give a service a command."""
    for options, times in _options(places, service):
        yield from _behind_entrypoint(places, options, times)


def _options(places: Places, service: Container) -> list[tuple[Scalar, int]]:
    """The scalars that give the options (as written, or values of the matrix), and how often."""
    if service.options is None:
        return []
    found: dict[int, tuple[Scalar, int]] = {}
    for reading in places.scope.readings(service.options):
        for source in {id(one.source): one.source for one in reading.text.fragments}.values():
            if source is not None and "--entrypoint" in source.value:
                before = found.get(id(source), (source, 0))[1]
                found[id(source)] = (source, before + reading.times)
    return list(found.values())


def _behind_entrypoint(places: Places, options: Scalar, times: int) -> Iterator[Mention]:
    def locate(start: int, end: int) -> Span | None:
        shift = len(_COMMAND)
        return options.locate(start - shift, end - shift) if start >= shift else None

    text = _COMMAND + options.value.replace("\n", " ")
    script = Script(text, locate, SERVICE.kind, "job-start", places.job, times)
    for mention in mentions_in(script):
        yield replace(mention, text=places.file.cut(mention.span), value=mention.expanded)
