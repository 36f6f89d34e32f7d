"""Files that hold commands: which finder takes them, what is found, at which line."""
# ruff: noqa: E101

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders import script_kinds
from longshore.rewrite.finders.finder import TreeOfTexts
from longshore.rewrite.finders.registry import finders_for, sightings
from longshore.rewrite.mentions import OPEN, Mention
from longshore.rewrite.source import SourceFile, read_source


def file_of(path: str, text: str) -> SourceFile:
    file = read_source(path, text.encode("utf-8", "surrogateescape"))
    assert file is not None
    return file


def mentions(path: str, text: str, **others: str) -> list[Mention]:
    file = file_of(path, text)
    files = {path: file} | {name: file_of(name, one) for name, one in others.items()}
    found = sightings(file, TreeOfTexts(files, {}), finders_for(path))
    kept = [one for one in found if isinstance(one, Mention)]
    for one in kept:
        assert file.cut(one.span) == one.text
    return sorted(kept, key=lambda one: (one.span, one.expanded))


def rows(path: str, text: str, role: str = "pull", **others: str) -> list[tuple[int, str]]:
    file = file_of(path, text)
    return [
        (file.place(one.span.start)[0], one.expanded.replace(OPEN, "?"))
        for one in mentions(path, text, **others)
        if one.role == role
    ]


MAKEFILE = r"""# docker pull nope
IMG ?= node:18
REG := docker.io/acme
APP = $(REG)/app
DOCKER ?= docker
DOCKER_RUN = $(DOCKER) run --rm -v "$(CURDIR)":/w \
	-w /w
VERSION := $(shell docker run --rm alpine:3 cat /x)
LINT_IMAGE=golangci/golangci-lint:v1.50
export PG_IMAGE := postgres:14  # the db
define tool
	docker run -v $(1) acme/tool:$(V) $(2)
endef
define HELP
docker run nope
endef
all: x ; @docker pull inline:1
x:
	@docker pull $(IMG)
	-$(DOCKER_RUN) ruby:3 bundle
	@for i in a:1 b:2; do docker pull $$i; done
	$(call tool,x,y)
	$(SUDO) docker push $(APP):$(VERSION)
	$(DOCKER) build -t $(APP):latest -f $< . && \
	  docker pull cont:1
	@echo "docker pull nope"
	docker run --rm $(if $(X),-it) busybox:1 sh
	docker run -u $$(id -u):$$(id -g) z:1
	$(info $(HELP))
"""


def test_makefile() -> None:
    assert rows("Makefile", MAKEFILE) == [
        (8, "alpine:3"),
        (9, "golangci/golangci-lint:v1.50"),
        (10, "postgres:14"),
        (12, "acme/tool:?"),
        (17, "inline:1"),
        (19, "node:18"),
        (20, "ruby:3"),
        (21, "a:1"),
        (21, "b:2"),
        (25, "cont:1"),
        (27, "busybox:1"),
        (28, "z:1"),
    ]
    assert rows("Makefile", MAKEFILE, "push") == [(23, "docker.io/acme/app:?")]
    found = {one.text: one for one in mentions("Makefile", MAKEFILE)}
    assert found["$(IMG)"].pieces[0].text == "node:18"
    assert found["$(APP):latest"].built
    assert {one.kind for one in found.values()} == {"makefile"}


def test_a_makefile_knows_what_it_includes() -> None:
    text = "include common.mk .env\nx:\n\tdocker run $(IMG) && docker run $(DB)\n"
    others = {"common.mk": "IMG = node:18\n", ".env": 'DB="redis:7"\n'}
    assert rows("Makefile", text, **others) == [(3, "node:18"), (3, "redis:7")]


@pytest.mark.parametrize(
    "text",
    [
        "x:\n\tdocker build -t app . && docker rm app\n",
        "docker:\n\tmake image\nimage: docker\n",
        "IMAGE_TAG = a:1\nIMAGE_DIR = a/b\nDOCKER_IMAGE_CMD = docker images\n",
        "x:\n\t@echo docker pull a:1\n\t# docker pull b:1\n",
        "ifeq ($(X),docker run a:1)\nendif\n",
        "define HELP\n\tdocker run a:1\nendef\nx:\n\t$(info $(HELP))\n",
    ],
)
def test_makefiles_that_pull_nothing(text: str) -> None:
    assert rows("Makefile", text) == []


def test_tabs_before_the_first_rule_are_no_recipe() -> None:
    text = (
        "ifdef X\n\tBUILD := docker build\nelse\n\tBUILD := docker build -q\nendif\n"
        "x:\n\t$(BUILD) -t a/b .\n"
    )
    assert rows("Makefile", text, "build-output") == [(7, "a/b")]


JENKINSFILE = r"""
// image 'foo:1'
def img = "node:18"
pipeline {
  agent { docker { image 'maven:3' ; args '-v x:y' } }
  environment { DB_IMAGE = 'postgres:14'; OTHER="acme/x:${BUILD_NUMBER}" }
  stages { stage('docker') { agent { docker 'golang:1' }
   steps {
     sh 'docker pull redis:7'
     sh '''
        docker run --rm ${img} npm ci
     '''
     sh "docker run -v \$PWD:/x ${env.OTHER} x; docker push acme/app:${env.TAG}"
     sh(script: "docker build -t acme/local:${TAG} .", returnStdout: true)
     script { docker.image('alpine:3').inside('-u root') { sh 'ls' }
       docker.image(img).inside { }
       docker.withRegistry('https://index.docker.io/v1/', 'c') { docker.build("acme/b:${X}") }
       docker.withRegistry('', 'c') { }
       docker.withRegistry('https://r.example.com', 'c') { }
       withDockerRegistry(credentialsId: 'c', url: 'https://index.docker.io/v1/') { }
       withDockerRegistry([credentialsId: 'c']) { echo 'docker pull nope' }
       image 'no:1'
     }
   } } }
}
podTemplate(containers: [containerTemplate(name: 'x', image: 'busybox:1')]) { }
podTemplate(yaml: '''
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: kaniko/executor:v1
''')
"""


def test_jenkinsfile() -> None:
    assert rows("ci/Jenkinsfile", JENKINSFILE) == [
        (5, "maven:3"),
        (6, "postgres:14"),
        (7, "golang:1"),
        (9, "redis:7"),
        (11, "node:18"),
        (13, "acme/x:?"),
        (15, "alpine:3"),
        (16, "node:18"),
        (26, "busybox:1"),
        (33, "kaniko/executor:v1"),
    ]
    assert rows("Jenkinsfile", JENKINSFILE, "login") == [
        (17, "docker.io"),
        (18, "docker.io"),
        (19, "r.example.com"),
        (20, "docker.io"),
        (21, "docker.io"),
    ]
    assert rows("Jenkinsfile", JENKINSFILE, "push") == [(13, "acme/app:?")]
    agents = [one for one in mentions("Jenkinsfile", JENKINSFILE) if one.pulled == "job-start"]
    assert len(agents) == 4
    assert "${env.OTHER}" in {one.text for one in mentions("Jenkinsfile", JENKINSFILE)}


OTHERS = [
    (
        "justfile",
        'img := "node:18"\ntag := env_var_or_default("TAG", "1")\n# docker run nope\n'
        'build t="x":\n    @docker run --rm {{img}} npm ci\n    docker pull a:{{tag}}\n'
        "py:\n    #!/usr/bin/env python\n    docker run nope\n",
        [(5, "node:18"), (6, "a:1")],
    ),
    (
        "Taskfile.yml",
        "version: '3'\nvars:\n  IMG: golang:1\ntasks:\n  a:\n    cmds:\n"
        "      - docker run {{.IMG}} go test\n      - cmd: docker pull redis:7\n      - task: b\n"
        "      - |\n        docker run x/y:{{.V}}\n        echo docker pull z\n"
        "  b: docker pull q:1\n  c: [docker pull w:1]\n",
        [(7, "golang:1"), (8, "redis:7"), (11, "x/y:?"), (13, "q:1"), (14, "w:1")],
    ),
    (
        "web/package.json",
        '{"name": "docker",\n "scripts": {"db": "docker run -d -p 1:1 postgres:14",\n'
        '  "x": "docker run \\"redis:7\\" && echo docker pull y"}}',
        [(2, "postgres:14"), (3, "redis:7")],
    ),
    ("Procfile", "web: docker run -p 1:1 nginx:1\nw: python x.py\n", [(1, "nginx:1")]),
    (
        "app.service",
        "[Unit]\nDescription=docker run nope\n[Service]\n"
        "ExecStartPre=-/usr/bin/docker pull a/x:1\n"
        "ExecStart=/usr/bin/docker run --rm --name %n \\\n  -p 1:1 \\\n  a/x:1 serve\n",
        [(4, "a/x:1"), (7, "a/x:1")],
    ),
    (
        "run.ps1",
        '# docker pull nope\n$Image = "node:18"\nWrite-Host "docker run nope"\n'
        "if ($x) { docker pull $Image }\ndocker run --rm -v ${PWD}:/w `\n  -e A=$env:FOO `\n"
        "  acme/x:$env:TAG test\n",
        [(4, "node:18"), (7, "acme/x:?")],
    ),
    (
        "run.bat",
        "@echo off\r\nrem docker pull nope\r\nset IMG=redis:7\r\n"
        "docker run -v %cd%:/x %IMG% ls\r\ndocker run ^\r\n -it alpine:3\r\n",
        [(4, "redis:7"), (6, "alpine:3")],
    ),
    (
        "Vagrantfile",
        'Vagrant.configure("2") do |config|\n  config.vm.box = "ubuntu/focal64"\n'
        '  config.vm.provision "docker", images: ["redis:7"] do |d|\n    d.run "postgres:14"\n'
        '  end\n  config.vm.provision "shell", inline: "docker pull a:1"\n'
        '  config.vm.provision "shell", inline: <<-SHELL\n    docker pull b:2\n  SHELL\nend\n',
        [(3, "redis:7"), (4, "postgres:14"), (6, "a:1"), (8, "b:2")],
    ),
    (
        "user-data",
        "#cloud-config\nruncmd:\n  - docker run -d nginx:1\nwrite_files:\n- path: /x.sh\n"
        "  content: |\n    #!/bin/sh\n    docker pull x:1\n",
        [(3, "nginx:1"), (8, "x:1")],
    ),
    ("bin/run", "#!/usr/bin/env bash\ndocker run alpine:3\n", [(2, "alpine:3")]),
    ("tests/x.bats", '@test "a" {\n  run docker run a:1\n}\n', [(2, "a:1")]),
    (".husky/pre-commit", "docker run a:1 lint\n", [(1, "a:1")]),
    ("setup.sh.j2", "{% if x %}\ndocker pull a:{{ v }}\n{% endif %}\n", [(2, "a:?")]),
    ("bom.sh", "\ufeffdocker pull a:1\r\ndocker pull b:2\r\n", [(1, "a:1"), (2, "b:2")]),
]


@pytest.mark.parametrize(("path", "text", "found"), OTHERS, ids=[one[0] for one in OTHERS])
def test_other_files(path: str, text: str, found: list[tuple[int, str]]) -> None:
    assert rows(path, text) == found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bin/tool", "#!/usr/bin/python3\ndocker run a:1\n"),
        ("LICENSE", "docker run a:1\n"),
        ("notes.txt", "docker run a:1\n"),
        ("README.md", "```sh\ndocker run a:1\n```\n"),
        ("x.service", "ExecStart=docker run a:1\n"),
        ("package.json", '{"docker": {"image": "a:1"}, "dependencies": {"docker": "a:1"}}'),
    ],
)
def test_what_is_no_script(path: str, text: str) -> None:
    assert rows(path, text) == []


@pytest.mark.parametrize("path", [one[0] for one in OTHERS] + ["Makefile", "Jenkinsfile"])
@pytest.mark.parametrize("text", ["", "\n", "{", "docker", "- [", "\t\\", "'''", "docker run $("])
def test_broken_files_pass(path: str, text: str) -> None:
    mentions(path, text)


SAMPLES = {path: text for path, text, _ in OTHERS} | {
    "Makefile": MAKEFILE,
    "Jenkinsfile": JENKINSFILE,
}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.floats(0, 1),
    st.integers(0, 12),
    st.sampled_from(["", "'", '"', "\n", "${", "$(", "}", ")", "\\", "\t", "{{", "é", "\udc80"]),
)
def test_mutated_files_keep_exact_places(path: str, at: float, cut: int, put: str) -> None:
    text = SAMPLES[path]
    start = int(at * len(text))
    mentions(path, text[:start] + put + text[start + cut :])


def test_marks_lose_nothing() -> None:
    """Each sample passes its finder's marks: what `may_find` refuses is never read."""
    for path, text in SAMPLES.items():
        finders = [one for one in (*script_kinds.NAMED, *script_kinds.SHELL) if one.takes(path)]
        assert any(one.may_find(text.encode()) for one in finders), path
