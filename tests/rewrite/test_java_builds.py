"""Images of Maven and Gradle builds."""

from __future__ import annotations

import pytest

from tests.rewrite.found import found

POM = """\
<project>
  <properties><base.tag>21-jre</base.tag></properties>
  <!-- <plugin><artifactId>jib-maven-plugin</artifactId><from><image>a:1</image></from></plugin> -->
  <build><plugins>
    <plugin><artifactId>jib-maven-plugin</artifactId><configuration>
      <from><image>docker://eclipse-temurin:${base.tag}</image></from>
      <to><image>
        acme/bank:${project.version}
      </image></to>
    </configuration></plugin>
    <plugin><artifactId>spring-boot-maven-plugin</artifactId><configuration><image>
      <name>acme/other</name>
      <builder>paketobuildpacks/builder-jammy-tiny</builder>
    </image></configuration></plugin>
  </plugins></build>
  <icon><image>logo:1</image></icon>
</project>
"""
JIB = """\
def jdk = '21'
jib {
  from { image = "amazoncorretto:$jdk" }  // image = 'a:1'
  container { args = ["${it}"]; labels = [a: 'b:1'] }
  to {
    image = 'acme/bank'
  }
}
image = 'not:this'
"""
KOTLIN = """\
tasks.named<BootBuildImage>("bootBuildImage") {
  builder.set("paketobuildpacks/builder-jammy-base:0.4")
  imageName = "bank:dev"
}
jib.from.image = "busybox"
"""
CASES = [
    (
        "pom.xml",
        POM,
        [
            "6 pull eclipse-temurin:${base.tag} = eclipse-temurin:21-jre",
            "8 push acme/bank:${project.version} = acme/bank:?",
            "13 pull paketobuildpacks/builder-jammy-tiny",
        ],
    ),
    ("pom.xml", POM.replace("jib-", "x-").replace("spring-boot", "y"), []),
    ("build.gradle", JIB, ["3 pull amazoncorretto:$jdk = amazoncorretto:21", "6 push acme/bank"]),
    (
        "build.gradle.kts",
        KOTLIN,
        [
            "2 pull paketobuildpacks/builder-jammy-base:0.4",
            "3 build-output bank:dev",
            "5 pull busybox",
        ],
    ),
    ("a.gradle", "// jib { from { image = 'a:1' } }\n/* jib.from.image = 'a:1' */\n", []),
    ("a.gradle", "jib { " + "{ " * 5000, []),
    ("pom.xml", "<jib-maven-plugin " + "<from><image>" * 5000, []),
]


@pytest.mark.parametrize(("path", "text", "expected"), CASES)
def test_builds(path: str, text: str, expected: list[str]) -> None:
    assert found(path, text) == expected


def test_long_lines_are_read() -> None:
    for text in ("jib " * 20_000, "jib('" * 10_000, "jib {image = " * 5_000):
        assert found("build.gradle", text) == []
    assert found("pom.xml", "jib-maven-plugin <a" * 5_000) == []
