"""Containers for the tests."""

import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.postgres import PostgresContainer
from testcontainers.redis import RedisContainer

LOCALSTACK_IMAGE = "localstack/localstack:3.5"


@pytest.fixture(scope="session")
def database():
    with PostgresContainer("postgres:15-alpine") as postgres:
        yield postgres.get_connection_url().replace("postgres:5432", "db:5432")


@pytest.fixture
def cache():
    with RedisContainer(image="redis:7.2") as redis:
        yield redis


@pytest.fixture
def aws():
    container = DockerContainer(LOCALSTACK_IMAGE).with_exposed_ports(4566)
    container.with_env("HOST", "aws:4566")
    with container:
        yield container
