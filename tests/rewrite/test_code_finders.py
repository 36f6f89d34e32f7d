"""Images that programs name: tests with containers, infrastructure as code, pipelines."""

from __future__ import annotations

import pytest

from longshore.rewrite.finders.code_values import program, readings
from longshore.rewrite.source import read_source
from longshore.rewrite.syntax.program_text import LANGUAGES, lex
from tests.rewrite.found import found, mentions

JAVA = """\
import org.testcontainers.containers.*;
/* new GenericContainer<>("comment:1") */
class T {
  // new GenericContainer<>("comment:2")
  static final String IMAGE = "redis:7";
  static final DockerImageName MYSQL = DockerImageName.parse("mysql:8");
  @Container GenericContainer<?> a = new GenericContainer<>(IMAGE);
  PostgreSQLContainer<?> b = new PostgreSQLContainer<>(
      DockerImageName.parse("timescale/timescaledb:1").asCompatibleSubstituteFor("postgres"));
  Object c = new MySQLContainer(MYSQL);
  Object d = new KafkaContainer("7.5.0");
  Object e = new GenericContainer<>("nginx:" + VERSION).withNetworkAliases("db:1");
  Object f = new GenericContainer<>(String.format("a/b:%s", v));
  Object g = DockerImageName.parse("mongo").withTag("6");
  Object h = new DockerComposeContainer(new File("compose.yml"));
  String url = "jdbc:tc:postgresql:15:///db"; String host = "kafka:9092";
  Object i = client.getContainer("shop:1");
  Object j = new GenericContainer<>(unknown);
}
"""


def test_java() -> None:
    assert found("src/T.java", JAVA) == [
        "6 pull mysql:8",
        "7 pull IMAGE = redis:7",
        "9 pull timescale/timescaledb:1",
        '12 pull "nginx:" + VERSION = nginx:?',
        "13 pull a/b:%s = a/b:?",
        "14 pull mongo = mongo:6",
    ]
    made = mentions("src/T.java", JAVA)
    assert {one.pulled for one in made} == {"test"}
    assert [one.text for one in made[1].pieces] == ["redis:7"]
    assert [(one.part, one.text) for one in made[3].pieces] == [("repository", "nginx")]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "a.kt",
            'import org.testcontainers.X\nval a = GenericContainer<Nothing>("b:1")',
            ["2 pull b:1"],
        ),
        (
            "a.kt",
            'import testcontainers\nval a = PostgreSQLContainer("x/y:$v")',
            ["2 pull x/y:$v = x/y:?"],
        ),
        (
            "a.groovy",
            "import org.testcontainers.X\ndef a = new GenericContainer('b:1')",
            ["2 pull b:1"],
        ),
        (
            "a.scala",
            'import com.dimafeng.testcontainers._\nGenericContainer.Def(dockerImage = "b:1")',
            ["2 pull b:1"],
        ),
        (
            "a.java",
            "import org.testcontainers.X;\nclass P extends PostgreSQLContainer<P> {"
            ' P() { super("p/q:1"); } }',
            ["2 pull p/q:1"],
        ),
        (
            "a.java",
            'import com.github.dockerjava.X;\nd.pullImageCmd("b:1").exec();',
            ["2 pull b:1"],
        ),
        ("a.java", 'class A { Object a = new AppContainer("b:1"); }', []),
        (
            "a_test.go",
            'import "github.com/testcontainers/testcontainers-go"\n'
            'req := testcontainers.ContainerRequest{\n Image: "b:1",\n Name: "c:2",\n}',
            ["3 pull b:1"],
        ),
        (
            "a_test.go",
            'import "github.com/testcontainers/testcontainers-go/modules/postgres"\n'
            'c, err := postgres.Run(ctx,\n "p:16",\n)\nt.Run("x:1", func() {})',
            ["3 pull p:16"],
        ),
        (
            "a_test.go",
            'import "github.com/testcontainers/testcontainers-go"\n'
            'postgres.RunContainer(ctx, testcontainers.WithImage("docker.io/p:15"))',
            ["2 pull docker.io/p:15"],
        ),
        (
            "a_test.go",
            'import "github.com/ory/dockertest/v3"\nr, err := pool.Run("postgres", "15", nil)\n'
            'pool.RunWithOptions(&dockertest.RunOptions{\n Repository: "redis",\n Tag: "7",\n})',
            ["2 pull postgres = postgres:15", "4 pull redis = redis:7"],
        ),
        (
            "a.go",
            'import "github.com/docker/docker/client"\ncli.ImagePull(ctx, "b:1", o)\n'
            'cli.ContainerCreate(ctx, &container.Config{Image: "c"}, nil)',
            ["2 pull b:1", "3 pull c"],
        ),
        ("a.go", 'p := Person{Image: "me:1"}', []),
        ("a.go", 'import "github.com/docker/docker/client"\ncli.ImagePull(ctx, "myimage", o)', []),
        (
            "test_a.py",
            "from testcontainers.postgres import PostgresContainer\n"
            '"""PostgresContainer("doc:1")"""\n'
            'with PostgresContainer("p:15") as p, DockerContainer(image="r") as r:\n    pass',
            ["3 pull p:15", "3 pull r"],
        ),
        (
            "a.py",
            'import docker\nc = docker.from_env()\nc.containers.run("alpine", "echo hi")\n'
            'c.images.pull("redis", tag="7")\nc.containers.get("shop:1")\n'
            'c.images.build(tag="own:1")',
            ["3 pull alpine", "4 pull redis = redis:7"],
        ),
        ("a.py", 'thing(image="nginx:1")\nplt.imread(image="a/b.png")', []),
        (
            "a.py",
            'import testcontainers\nIMAGE = os.getenv("I", "b:1")\nGenericContainer(IMAGE)',
            ["3 pull IMAGE = b:1"],
        ),
        (
            "a.py",
            'import testcontainers\nTAG = "2"\nDockerContainer(f"b:{TAG}")',
            ["3 pull b:{TAG} = b:2"],
        ),
        (
            "a.test.ts",
            "import { GenericContainer } from 'testcontainers';\n"
            "new GenericContainer('b:1'); new PostgreSqlContainer(`p:${v}`);\n"
            "const h = 'kafka:9092';",
            ["2 pull b:1", "2 pull p:${v} = p:?"],
        ),
        (
            "a.js",
            "const Docker = require('dockerode');\ndocker.pull('b:1', cb);\n"
            "docker.createContainer({ Image: 'ubuntu', Cmd: ['a:1'] });",
            ["2 pull b:1", "3 pull ubuntu"],
        ),
        (
            "A.cs",
            'using Testcontainers.X;\nvar a = new ContainerBuilder().WithImage("b:1").Build();\n'
            'var c = new PostgreSqlBuilder("p:15"); var d = new UriBuilder("x/y:1");',
            ["2 pull b:1", "3 pull p:15"],
        ),
        (
            "a.rs",
            'use testcontainers::*;\nlet a = GenericImage::new("redis", "7").start();',
            ["2 pull redis = redis:7"],
        ),
        (
            "a.rb",
            "require 'testcontainers'\nTestcontainers::DockerContainer.new('b:1')",
            ["2 pull b:1"],
        ),
        ("A.php", "<?php use Testcontainers\\X;\nnew GenericContainer('b:1');", ["2 pull b:1"]),
        ("a.exs", 'alias Testcontainers.Container\nContainer.new("b:1")', ["2 pull b:1"]),
    ],
)
def test_containers_of_tests(path: str, text: str, expected: list[str]) -> None:
    assert found(path, text + "\n") == expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "stack.ts",
            'import * as ecs from "aws-cdk-lib/aws-ecs";\n'
            'ecs.ContainerImage.fromRegistry("amazon/sample"); const a = "x:1";',
            ["2 pull amazon/sample"],
        ),
        (
            "stack.py",
            'import aws_cdk as cdk\necs.ContainerImage.from_registry("a/b")',
            ["2 pull a/b"],
        ),
        (
            "main.go",
            'import "github.com/aws/aws-cdk-go/awscdk/v2"\n'
            'x := awsecs.ContainerImage_FromRegistry(jsii.String("a/b"), nil)',
            ["2 pull a/b"],
        ),
        (
            "index.ts",
            'import * as k8s from "@pulumi/kubernetes";\n'
            'new k8s.apps.v1.Deployment("d", { spec: {\n'
            ' containers: [{ name: "n", image: "nginx" }] } });\n'
            'new digitalocean.Droplet("v", { image: "ubuntu-22-04-x64" });\n'
            'new hcloud.Server("v", { image: "u:1" });',
            ["3 pull nginx"],
        ),
        (
            "__main__.py",
            "import pulumi_kubernetes as k8s\n"
            'k8s.core.v1.ContainerArgs(name="n", image="nginx:1")\n'
            'gcp.compute.Instance("v", image="debian-cloud/debian-11")',
            ["2 pull nginx:1"],
        ),
        (
            "main.go",
            'import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"\n'
            'x := &corev1.ContainerArgs{\n Image: pulumi.String("nginx"),\n}',
            ["3 pull nginx"],
        ),
        (
            "dag.py",
            "from airflow import DAG\n"
            "t = KubernetesPodOperator(\n task_id='x:1',\n image='ubuntu',\n)\n"
            "BashOperator(image='no:1')",
            ["4 pull ubuntu"],
        ),
        (
            "main.go",
            'import "dagger/mod/internal/dagger"\nreturn dag.Container().\n\tFrom("alpine").\n'
            '\tWithExec([]string{"a:1"})',
            ["3 pull alpine"],
        ),
        (
            "main.py",
            'from dagger import dag\ndag.container().from_("python:3").publish("ttl.sh/a:1")',
            ["2 pull python:3", "2 push ttl.sh/a:1"],
        ),
        (
            "index.ts",
            'import { dag } from "@dagger.io/dagger"\nArray.from("a:1"); Buffer.from("b:2")',
            [],
        ),
    ],
)
def test_infrastructure_and_pipelines(path: str, text: str, expected: list[str]) -> None:
    assert found(path, text + "\n") == expected


@pytest.mark.parametrize(
    ("language", "text", "strings"),
    [
        ("java", 'a("b\\"c", \'"\', """x "y" z"""); // "no"', ['b\\"c', 'x "y" z']),
        ("python", 'a(\'b\', "c", f\'{d}\', r"""e\nf""") # \'no\'', ["b", "c", "{d}", "e\nf"]),
        ("go", 'a(`b"c`, "d", \'x\') /* "no" */', ['b"c', "d"]),
        ("script", "a(`b${c}`, 'd', \"it's\") // 'no'", ["b${c}", "d", "it's"]),
        ("csharp", 'a($"b{c}", @"d", "e")', ["b{c}", "d", "e"]),
        ("rust", 'a(r#"b"#, "c", \'d\', &\'static x)', ["b", "c"]),
        ("kotlin", 'a("b${c("d")}e", \'"\')', ['b${c("d")}e']),
        ("ruby", "a('b', \"#{c}\") # 'no'", ["b", "#{c}"]),
        ("nix", 'a = "b"; c = \'\'\n d "e"\n\'\'; # "no"', ["b", '\n d "e"\n']),
        ("jsonnet", "{a: 'b', c: @\"d\", // 'no'\n e: |||\n  'f'\n|||}", ["b", "d"]),
    ],
)
def test_strings_of_languages(language: str, text: str, strings: list[str]) -> None:
    code = lex(text, LANGUAGES[language])
    assert [one.text for one in code.tokens if one.kind == "string"] == strings
    for one in code.tokens:
        assert text[one.start : one.end] == one.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 'x:1'\nuse(a)", ["x:1"]),
        ("a = 'x'\na = 'y'\nuse(a)", ["y"]),
        ("use(b or 'x:1')", ["x:1"]),
        ("use('x:1' if c else 'y:2')", ["x:1", "y:2"]),
        ("use('x:' + a)", ["x:?"]),
        ("use('x:' '1')", ["x:1"]),
        ("use('x:%s' % a)", ["x:?"]),
        ("use('{}:1'.format(a))", ["?:1"]),
        ("use(os.environ.get('A', 'x:1'))", ["x:1"]),
        ("a = a\nuse(a)", []),
        ("a = b\nb = a\nuse(a)", []),
        ("use(other.a)\na = 'x'", []),
        ("use(5)", []),
    ],
)
def test_values_of_expressions(text: str, expected: list[str]) -> None:
    file = read_source("a.py", text.encode())
    assert file is not None
    code = program(file, "python")
    opening = next(second for first, second in code.code.calls if code.code.word(first) == "use")
    part = next(iter(code.code.parts(opening)))
    assert [one.value.text.replace("\ufffc", "?") for one in readings(code, *part)] == expected
