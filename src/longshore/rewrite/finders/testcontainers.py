"""Containers that tests start from code: Testcontainers, dockertest, Docker's own libraries. Pure.

Only in files that mention such a library. A module without an image argument has a default of its
own and is not reported; `asCompatibleSubstituteFor("postgres")` names what is not pulled.
"""

from __future__ import annotations

import re

from longshore.rewrite.finders.code_rules import CallRule, CodeKind, FieldRule, rule

KIND = "code-testcontainers"
_JVM = frozenset({"java", "kotlin", "scala", "groovy"})
_SUBSTITUTE = re.compile(r"asCompatibleSubstituteFor|isCompatibleWith|assertCompatible")
_GENERIC = r"(?:FixedHostPort)?GenericContainer|DockerContainer|GenericContainer\.Def"
_MODULE = r"(?!(?:Docker)?Compose|ApplicationC|WebC|IoC|Spring|Mock)[A-Z]\w*Container(?:Spec|Def)?"
_PULL_NAMES = ("image", "dockerImage", "dockerImageName", "imageName", "image_name", "docker_image")
_PARSE = CallRule(rule("parse"), path=re.compile(r"DockerImageName\Z"), not_within=_SUBSTITUTE)

_TESTCONTAINERS_JVM = CodeKind(
    KIND,
    "test",
    re.compile(r"testcontainers|DockerImageName|\bGenericContainer\b"),
    (
        _PARSE,
        CallRule(rule("DockerImageName"), new=True, tag=1, not_within=_SUBSTITUTE),
        CallRule(rule(_GENERIC), keywords=_PULL_NAMES),
        CallRule(rule(_MODULE), keywords=_PULL_NAMES, bare=False),
        CallRule(rule("Def"), path=re.compile(r"Container\Z"), keywords=_PULL_NAMES, bare=False),
        CallRule(rule("super"), keywords=(), bare=False),
        CallRule(rule("RemoteDockerImage"), keywords=()),
        CallRule(rule("pullImageCmd|createContainerCmd"), keywords=()),
        CallRule(
            rule("from"), path=re.compile(r"(?:\A|\.)(?:builder|b|it|dockerfile)\Z"), bare=False
        ),
    ),
    languages=_JVM,
)
_DOCKER_JVM = CodeKind(
    KIND,
    "test",
    re.compile(r"dockerjava|com\.spotify\.docker|DockerClient\b|mandas\.docker"),
    (
        CallRule(rule("pullImageCmd|createContainerCmd"), keywords=()),
        CallRule(rule("pull"), path=re.compile(r"[dD]ocker(?:Client)?\Z"), keywords=(), bare=False),
        CallRule(rule("image"), path=re.compile(r"ContainerConfig"), keywords=()),
    ),
    languages=_JVM,
)
_GO = CodeKind(
    KIND,
    "test",
    re.compile(r"testcontainers-go"),
    (
        CallRule(
            rule("Run"), path=re.compile(r"\A[a-z]\w*\Z"), argument=1, keywords=(), bare=False
        ),
        CallRule(rule("WithImage"), keywords=()),
    ),
    (
        FieldRule(rule("Image"), re.compile(r"\A[^|]*(?:ContainerRequest|Config)\b")),
        FieldRule(rule("[iI]mage"), re.compile("."), certain=True),
    ),
    frozenset({"go"}),
)
_DOCKERTEST = CodeKind(
    KIND,
    "test",
    re.compile(r"ory(?:-am)?/dockertest|ory/dockertest"),
    (CallRule(rule("Run"), path=re.compile(r"[pP]ool\Z"), keywords=(), tag=1),),
    (FieldRule(rule("Repository"), re.compile(r"\A[^|]*RunOptions\b"), tag_name="Tag"),),
    frozenset({"go"}),
)
_DOCKER_GO = CodeKind(
    KIND,
    "test",
    re.compile(r"docker/docker/|moby/moby/|fsouza/go-dockerclient"),
    (CallRule(rule("ImagePull"), argument=1, keywords=()),),
    (FieldRule(rule("Image"), re.compile(r"\A[^|]*\b(?:container|docker)\.Config\b")),),
    frozenset({"go"}),
    # The engine's own source imports itself everywhere: calls, fields, names that are given values.
    re.compile(
        r"ImagePull|(?:container|docker)\.Config\b"
        r"|(?:[iI]mage|IMAGE)\w*(?:[ \t]+[\w.\[\]*]+)?[ \t]*:?=(?!=)"
    ),
)
_PYTHON = CodeKind(
    KIND,
    "test",
    re.compile(r"\btestcontainers\b"),
    (
        CallRule(rule(_GENERIC), keywords=_PULL_NAMES),
        CallRule(rule(_MODULE), keywords=_PULL_NAMES, bare=True),
    ),
    languages=frozenset({"python"}),
)
_DOCKER_PYTHON = CodeKind(
    KIND,
    "test",
    re.compile(
        r"^[ \t]*(?:import|from)[ \t]+(?:docker|podman|aiodocker|python_on_whales)\b"
        r"|docker\.from_env|DockerClient",
        re.MULTILINE,
    ),
    (
        CallRule(rule("run|create"), path=re.compile(r"containers?(?:\.|\Z)(?!.*\()"), bare=True),
        CallRule(
            rule("pull"),
            path=re.compile(r"(?:images?|api|docker)\Z"),
            keywords=("repository", "x"),
            tag=1,
            tag_keywords=("tag",),
        ),
        CallRule(rule("run|create"), path=re.compile(r"\Adocker\Z"), bare=True),
        CallRule(rule("create_container|ContainerSpec"), path=re.compile(r".")),
    ),
    (FieldRule(rule("Image"), re.compile(r"\A[^|]*\b(?:config|create)\b")),),
    frozenset({"python"}),
)
_NODE = CodeKind(
    KIND,
    "test",
    re.compile(r"testcontainers|\bGenericContainer\("),
    (
        CallRule(rule(_GENERIC), new=True),
        CallRule(rule(_MODULE), new=True, bare=False),
        CallRule(rule("withImage")),
    ),
    languages=frozenset({"script"}),
)
_DOCKERODE = CodeKind(
    KIND,
    "test",
    re.compile(r"dockerode|node-docker-api|docker-cli-js"),
    (
        CallRule(rule("pull"), path=re.compile(r"[dD]ocker\Z"), keywords=()),
        CallRule(rule("run"), path=re.compile(r"[dD]ocker\Z"), keywords=(), bare=True),
        CallRule(rule("createImage"), path=re.compile(r"[dD]ocker\Z"), argument=None),
    ),
    (
        FieldRule(
            rule("Image"), re.compile(r"\A[^|]*\|[^|]*createContainer|\A[^|]*createContainer")
        ),
        FieldRule(rule("fromImage"), re.compile(r"."), tag_name="tag"),
    ),
    frozenset({"script"}),
)
_DOTNET = CodeKind(
    KIND,
    "test",
    re.compile(
        r"Testcontainers|FluentDocker|Docker\.DotNet|DistributedApplication|Aspire"
        r"|\b(?:PostgreSql|MsSql|MySql|MariaDb|Redis|RabbitMq|MongoDb|Kafka|Elasticsearch|LocalStack"
        r"|Minio|Keycloak|Azurite|Oracle|CosmosDb|ClickHouse|Neo4j|Nats|Container)Builder\("
    ),
    (
        CallRule(rule("WithImage"), tag=1),
        CallRule(rule("ContainerBuilder|DockerImage"), new=True, bare=True),
        CallRule(
            rule(
                r"(?!String|Uri|Url|Path|\w*Connection|\w*Address|Command|Query|Host)[A-Z]\w*Builder"
            ),
            new=True,
            certain=True,
        ),
        CallRule(rule("UseImage"), keywords=()),
        CallRule(
            rule("AddContainer"), argument=1, keywords=("image",), tag=2, tag_keywords=("tag",)
        ),
    ),
    (
        FieldRule(rule("FromImage"), re.compile(r"ImagesCreateParameters"), tag_name="Tag"),
        FieldRule(rule("Image"), re.compile(r"CreateContainerParameters")),
    ),
    frozenset({"csharp"}),
)
_RUST = CodeKind(
    KIND,
    "test",
    re.compile(r"testcontainers|bollard|dockertest"),
    (
        CallRule(rule("new"), path=re.compile(r"GenericImage\Z"), keywords=(), tag=1),
        CallRule(rule("with_repository"), keywords=()),
    ),
    (FieldRule(rule("from_image"), re.compile(r"CreateImageOptions"), tag_name="tag"),),
    frozenset({"rust"}),
)
_RUBY = CodeKind(
    KIND,
    "test",
    re.compile(r"[Tt]estcontainers|Docker::(?:Image|Container)"),
    (CallRule(rule("new"), path=re.compile(r"Container\Z")),),
    (
        FieldRule(rule("fromImage"), re.compile(r"create"), tag_name="tag"),
        FieldRule(rule("Image"), re.compile(r"create")),
    ),
    frozenset({"ruby"}),
)
_PHP = CodeKind(
    KIND,
    "test",
    re.compile(r"[Tt]estcontainers"),
    (
        CallRule(rule(_MODULE), new=True, bare=True),
        CallRule(rule("make|run"), path=re.compile(r"Container\Z"), bare=True),
    ),
    languages=frozenset({"php"}),
)
_ELIXIR = CodeKind(
    KIND,
    "test",
    re.compile(r"[Tt]estcontainers|Excontainers"),
    (
        CallRule(rule("new"), path=re.compile(r"Container\Z"), bare=True),
        CallRule(rule("with_image")),
    ),
    languages=frozenset({"elixir"}),
)
_BUILDKIT_GO = CodeKind(
    "code-buildkit",
    "build",
    re.compile(r"moby/buildkit/client/llb"),
    (CallRule(rule("Image"), path=re.compile(r"\Allb\Z"), keywords=(), bare=True),),
    languages=frozenset({"go"}),
)
KINDS = (
    *(
        _TESTCONTAINERS_JVM,
        _DOCKER_JVM,
        _GO,
        _DOCKERTEST,
        _DOCKER_GO,
        _BUILDKIT_GO,
        _PYTHON,
        _DOCKER_PYTHON,
    ),
    *(_NODE, _DOCKERODE, _DOTNET, _RUST, _RUBY, _PHP, _ELIXIR),
)
