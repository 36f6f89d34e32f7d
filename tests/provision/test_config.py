"""Reading longshore.yaml: what is accepted, and what every mistake says."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import ConfigError, Problem, UsageError
from longshore.oci.platforms import Platform
from longshore.policy.lifecycle.intent import Intent
from longshore.policy.tags import TagFilter
from longshore.provision.config import parse_config
from longshore.provision.document import MAX_CHARACTERS
from longshore.provision.settings import (
    LOCAL_TARGET,
    Access,
    Alerts,
    Config,
    Credentials,
    Encryption,
    Expanded,
    Mutability,
    Protection,
    as_written,
)

EXAMPLE = (Path(__file__).parent / "example.yaml").read_text("utf-8")
HEAD = """\
version: 1
targets: {prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}}
"""


def problems(text: str, **environ: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "longshore.yaml", environ)
    return caught.value.problems


def only(text: str, **environ: str) -> Problem:
    (found,) = problems(text, **environ)
    return found


def place(problem: Problem) -> tuple[int | None, int | None]:
    return problem.where.line, problem.where.column


# --- what is accepted


def test_the_example_of_the_interface_is_read_whole() -> None:
    config = parse_config(EXAMPLE, "longshore.yaml", {})
    assert list(config.targets) == ["prod", "dev", "local"]
    assert config.target().account == "123456789012"
    assert config.target("dev").region == "ap-northeast-2"
    assert config.sources["docker.io"].credentials == Credentials("docker-config")
    assert config.sources["docker.io"].pulls == "auto"
    (image,) = config.images
    assert str(image.source) == "docker.io/acme/shop"
    assert image.target == "github-actions-demo-day2"
    assert image.tags == TagFilter(("v*", "main-*"), (), ">=1.0", 20)
    assert (image.platforms, image.referrers, image.mode) == ((), True, "copy")
    settings = config.repositories["github-actions-demo-day2"]
    assert settings.mutability == Mutability(
        "immutable", ("latest", "pr-*", "live-*", "rollback-*")
    )
    assert settings.scan is True
    assert settings.encryption == Encryption("AES256")
    assert settings.lifecycle is not None
    assert settings.lifecycle.preset == "standard"
    assert settings.access == Access(("github-actions",), ("runtime",))
    assert config.protect == Protection(("compose", "kubernetes", "ecs", "lambda", "command"))
    assert "protect" not in config.unused
    assert config.rewrite.map == (
        ("docker.io/library/*", "mirror"),
        ("docker.io/prom/*", "cache"),
    )
    assert config.ci.branches == ("main", "develop", "feature/*", "day2-advanced")
    assert config.deploy["prod"].hosts == ("ssh://deploy@app.example.com",)
    assert config.deploy["prod"].health == "/health"
    assert config.alerts == Alerts(
        ("mailto:ops@example.com",), 50.0, (("critical", 0), ("high", 5)), 3.0
    )
    assert config.text == EXAMPLE


def test_a_config_needs_version_and_targets_only() -> None:
    config = parse_config(HEAD)
    assert config.images == ()
    assert config.repositories == {}
    assert config.filename == "longshore.yaml"


def test_the_other_forms_of_values() -> None:
    config = parse_config(
        HEAD
        + """
sources:
  docker.io: {credentials: {username: me, password: "${HUB_TOKEN}"}, pulls: 200}
  ghcr.io: {credentials: helper:ghcr-login, pulls: unlimited}
  quay.io: {credentials: anonymous}
  127.0.0.1:5000: {credentials: {username: me, password_file: /run/secrets/x}}
images:
  - {from: node, platforms: [linux/amd64, linux/arm64]}
  - {from: docker.io/prom/prometheus, to: prom, mode: cache}
repositories:
  a1: {mutability: mutable, scan: off, encryption: kms, lifecycle: none}
  b1: {encryption: {kms: {key: alias/images}}, lifecycle: {file: policies/b.json}}
  c1:
    lifecycle: {keep: {"v*": 3}, untagged_days: 2, backup_days: 9, protect: [base-*]}
    access: {pull: ["210987654321", "arn:aws:iam::123456789012:role/app"]}
    tags: {team: web, cost center: "4711"}
registry: {blob_mounting: true}
"""
    )
    assert config.sources["docker.io"].credentials == Credentials(
        "env", username="me", password_env="HUB_TOKEN"
    )
    assert config.sources["docker.io"].pulls == 200
    assert config.sources["ghcr.io"].credentials == Credentials("helper", helper="ghcr-login")
    assert config.sources["127.0.0.1:5000"].credentials.kind == "file"
    assert config.images[0].platforms == (Platform("linux", "amd64"), Platform("linux", "arm64"))
    assert config.images[0].target == "node"
    assert config.images[1].mode == "cache"
    a, b, c = (config.repositories[name] for name in ("a1", "b1", "c1"))
    assert (a.mutability, a.scan, a.encryption) == (Mutability("mutable"), False, Encryption("KMS"))
    assert a.lifecycle is not None
    assert a.lifecycle.is_none
    assert b.encryption == Encryption("KMS", "alias/images")
    assert b.lifecycle is not None
    assert b.lifecycle.file == "policies/b.json"
    assert c.lifecycle is not None
    assert c.lifecycle.intent == Intent((("v*", 3),), (), 2, 9, ("base-*",))
    assert c.tags == (("cost center", "4711"), ("team", "web"))
    assert config.registry.blob_mounting is True


def test_yes_no_on_and_off_are_words() -> None:
    config = parse_config(HEAD + "ci: {branches: [yes, no, on, off, y, n, 'true']}")
    assert config.ci.branches == ("yes", "no", "on", "off", "y", "n", "true")


def test_anchors_and_merge_keys() -> None:
    config = parse_config(
        HEAD
        + """
repositories:
  one: &standard {scan: on-push, mutability: immutable}
  two: *standard
  three: {<<: *standard, mutability: mutable}
  four:
    <<: [{scan: off}, *standard]
"""
    )
    assert config.repositories["two"].mutability == Mutability("immutable")
    assert config.repositories["three"].scan is True
    assert config.repositories["three"].mutability == Mutability("mutable")
    assert config.repositories["four"].scan is False


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_config("\ufeff" + HEAD).version == 1


def test_the_embedded_target_needs_no_entry() -> None:
    config = parse_config(HEAD)
    assert config.target("local") == LOCAL_TARGET
    with pytest.raises(UsageError) as caught:
        config.target("prd")
    assert caught.value.hint == "use --target prod"
    assert caught.value.exit_code == 2


# --- what is refused, with its place


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the file is empty"),
        ("# only a comment\n", 1, 1, "the file is empty"),
        ("- 1\n", 1, 1, "wants a mapping, not a list"),
        ("just words\n", 1, 1, "wants a mapping, not 'just words'"),
        (HEAD + "---\nversion: 1\n", 3, 1, "a second document begins here"),
        ("version: 1\n\ttargets: 1\n", 2, 1, "a tab where YAML wants spaces"),
        ("version: [1\ntargets: 2\n", 2, 8, "the YAML cannot be read: while parsing a flow seq"),
        ("version: 'one\n", 2, 1, "the YAML cannot be read: while scanning a quoted scalar"),
        ("version: 1\ntargets: \x01\n", 2, 10, "a character that YAML does not allow"),
        ("version: *one\n", 1, 10, "the YAML cannot be read: found undefined alias"),
        ("a" * (MAX_CHARACTERS + 1), None, None, "longer than 524288 characters"),
        ("a: " + "[" * 60, 1, 35, "more than 32 levels deep"),
    ],
)
def test_text_that_is_not_a_document(
    text: str, line: int | None, column: int | None, message: str
) -> None:
    problem = only(text)
    assert problem.message.startswith(message)
    assert place(problem) == (line, column)
    assert problem.where.file == "longshore.yaml"


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint", "code"),
    [
        (
            "zzz: 1",
            3,
            1,
            "unknown key 'zzz'",
            "here may stand: version, ",
            "config-unknown-key",
        ),
        (
            "repositores: {}",
            3,
            1,
            "unknown key 'repositores'",
            "did you mean 'repositories'?",
            "config-unknown-key",
        ),
        (
            "images: [{from: a/b, plattforms: all}]",
            3,
            22,
            "unknown key 'plattforms'",
            "did you mean 'platforms'?",
            "config-unknown-key",
        ),
        ("images: [{to: ab}]", 3, 10, "the key 'from' is missing", "", "config-missing-key"),
        ("registry: {}\nregistry: {}", 4, 1, "'registry' stands twice, first in line 3", "", ""),
        ("images: {from: a/b}", 3, 9, "wants a list, not a mapping", "", ""),
        (
            "images: [{from: a/b, tags: {allow: v*}}]",
            3,
            36,
            "wants a list, not 'v*'",
            "put it in brackets: [v*]",
            "",
        ),
        (
            'images: [{from: a/b, tags: {newest: "3"}}]',
            3,
            37,
            "wants a whole number from 1 to 100000, not '3'",
            "write it without quotes",
            "",
        ),
        (
            "images: [{from: a/b, tags: {newest: 0}}]",
            3,
            37,
            "wants a whole number from 1 to 100000, not '0'",
            "",
            "",
        ),
        (
            "images: [{from: a/b, tags: {allow: [1.0]}}]",
            3,
            37,
            "wants a tag pattern, but YAML reads 1.0 as a number",
            'write it in quotes: "1.0"',
            "",
        ),
        (
            "images: [{from: a/b, referrers: yes}]",
            3,
            33,
            "wants true or false, not 'yes'",
            "write true or false, without quotes",
            "",
        ),
        (
            "images: [{from: a/b, tags: {semver: '>=one'}}]",
            3,
            37,
            "'>=one' is not a version range: cannot read '>=one'",
            "write it like",
            "",
        ),
        (
            "images: [{from: a/b, mode: copi}]",
            3,
            28,
            "'copi' is not one of: copy, cache",
            "did",
            "",
        ),
        ("images: [{from: a/B}]", 3, 17, "'a/B' is not an image reference", "write it as", ""),
        (
            "images: [{from: 'a/b:v1'}]",
            3,
            17,
            "'a/b:v1' names one image; a repository is wanted",
            "write docker.io/a/b, and name tags under `tags: {allow: [...]}`",
            "",
        ),
        (
            "images: [{from: a/b, to: Acme/Shop}]",
            3,
            26,
            "ECR refuses the name 'Acme/Shop': upper-case letters: AS",
            "take 'acme/shop'",
            "",
        ),
        (
            "images: [{from: a/b}, {from: docker.io/a/b}]",
            3,
            23,
            "docker.io/a/b goes to a/b twice, first in line 3",
            "put the tags into one entry",
            "",
        ),
        ("repositories: {A: {}}", 3, 16, "ECR refuses the name 'A'", "take 'image-a'", ""),
        ("repositories: {ab: }", 3, 19, "wants a mapping, not nothing", "it may have: mut", ""),
        (
            "repositories: {ab: {mutability: {default: mutable, except: [a, b, c, d, e, f]}}}",
            3,
            76,
            "6 entries; at most 5 are allowed",
            "",
            "",
        ),
        (
            "repositories: {ab: {mutability: {default: mutable, except: ['a*b*c*']}}}",
            3,
            61,
            "'a*b*c*' has more than 2 wildcards",
            "",
            "",
        ),
        (
            "repositories: {ab: {lifecycle: {preset: standard, untagged_days: 1}}}",
            3,
            32,
            "a lifecycle is a preset, a file or an intent: one of them",
            "for example {preset: standard}, or none",
            "",
        ),
        (
            "repositories: {ab: {lifecycle: {file: ../../etc/passwd}}}",
            3,
            39,
            "'../../etc/passwd' leads outside the folder of the config",
            "keep the file beside longshore.yaml",
            "",
        ),
        (
            "repositories: {ab: {lifecycle: {keep: {'a*b*c*d*e*': 1}}}}",
            3,
            32,
            "this lifecycle cannot be: 'a*b*c*d*e*' has more than 4 wildcards",
            "",
            "",
        ),
        (
            "repositories: {ab: {access: {pull: ['*']}}}",
            3,
            37,
            "'*' is no principal",
            "name a role's ARN",
            "",
        ),
        (
            "repositories: {ab: {access: {pull: [012345678901]}}}",
            3,
            37,
            "wants a principal, but YAML reads 012345678901 as a number",
            'write it in quotes: "012345678901"',
            "",
        ),
        ("repositories: {ab: {tags: {'aws:x': y}}}", 3, 28, "'aws:x' has a reserved", "take", ""),
        ("sources: {'a b': {}}", 3, 11, "'a b' is not a registry host", "for example", ""),
        ("sources: {docker.io: {pulls: few}}", 3, 30, "'few' is not one of: auto, unlim", "", ""),
        (
            "protect: {command: [docker, ps]}",
            3,
            10,
            "a command is given, but in_use does not name it",
            "add command to in_use",
            "",
        ),
        ("protect: {command: docker ps}", 3, 20, "wants a list, not 'docker ps'", "put it", ""),
        (
            "protect: {in_use: [ecs], kubernetes: {contexts: [prod]}}",
            3,
            10,
            "kubernetes is described, but in_use does not name it",
            "add kubernetes to in_use",
            "",
        ),
        (
            "protect: {in_use: [kubernetes], kubernetes: {}}",
            3,
            45,
            "the key 'contexts' is missing",
            "",
            "config-missing-key",
        ),
        (
            "protect: {in_use: [ecs], ecs: {revisions: 0}}",
            3,
            43,
            "wants a whole number from 1 to 100, not '0'",
            "",
            "",
        ),
        ("alerts: {scan: {critcal: 1}}", 3, 17, "'critcal' is not one of: critical", "did", ""),
        ("alerts: {storage_gb: lots}", 3, 22, "wants a number, not 'lots'", "", ""),
        ("registry: !!set {}", 3, 11, "the YAML tag 'tag:yaml.org,2002:set' has no", "", ""),
        ("registry: {blob_mounting: !x true}", 3, 27, "the YAML tag '!x' has no meaning", "", ""),
        ("? [a]\n: 1", 3, 3, "a key must be a word, not a list or a mapping", "", ""),
        ("<<: 3", 3, 5, "'<<' merges mappings only", "", ""),
    ],
)
def test_mistakes(text: str, line: int, column: int, message: str, hint: str, code: str) -> None:
    problem = only(HEAD + text + "\n")
    assert problem.message.startswith(message)
    assert place(problem) == (line, column)
    assert problem.hint.startswith(hint)
    if code:
        assert problem.code == code


@pytest.mark.parametrize(
    ("target", "message", "hint"),
    [
        (
            "{kind: ecr, account: 012345678901, region: us-east-1}",
            "wants an AWS account, 12 digits in quotes, but YAML reads 012345678901 as a number",
            'write it in quotes: "012345678901"',
        ),
        ("{kind: ecr, account: '1234', region: us-east-1}", "'1234' is not an AWS account", "for"),
        ("{kind: ecr, account: '123456789012', region: useast1}", "'useast1' is not an AWS", "for"),
        ("{kind: ecr, region: us-east-1}", "a target of kind ecr needs: account", "write {kind"),
        ("{kind: ecs}", "'ecs' is not one of: ecr, local", "did you mean 'ecr'?"),
    ],
)
def test_targets(target: str, message: str, hint: str) -> None:
    problem = only(f"version: 1\ntargets: {{prod: {target}}}")
    assert problem.message.startswith(message)
    assert problem.hint.startswith(hint)


def test_versions() -> None:
    rest = HEAD.replace("version: 1", "version: {}")
    assert only(rest.replace("{}", "2")).message == "version 2 is not known here"
    assert only(rest.replace("{}", '"1"')).message.startswith("wants a whole number")
    assert only(HEAD.replace("version: 1\n", "")).code == "config-missing-key"


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    found = problems(
        """\
version: 1
target: {prod: {kind: ecr, account: 012345678901, region: ap-northeast2}}
images:
  - form: docker.io/acme/shop:v1
    to: Acme/Shop
repositories:
  shop: {scan: maybe}
  shop: {}
"""
    )
    assert [(place(one), one.code) for one in found] == [
        ((2, 1), "config-unknown-key"),
        ((4, 5), "config-unknown-key"),
        ((5, 9), "config-invalid"),
        ((7, 16), "config-invalid"),
        ((8, 3), "config-duplicate-key"),
    ]
    error = ConfigError(found)
    assert error.exit_code == 2
    assert len(error.details()["problems"]) == 5


def test_the_error_counts_and_names_the_first() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(HEAD + "x: 1\ny: 2\n", "sub/longshore.yaml")
    assert caught.value.what == "2 mistakes in sub/longshore.yaml; the first: unknown key 'x'"
    assert str(caught.value.where) == "sub/longshore.yaml:3:1"


# --- alias bombs and other ways to be large


def test_alias_bombs_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    assert only("\n".join(lines)).message == "aliases unfold to more than the file may hold"


def test_a_value_inside_itself_is_stopped() -> None:
    assert only("a: &a [*a]\n").message == "aliases unfold to more than the file may hold"


# --- variables


def test_variables_are_filled_in_and_the_text_is_kept() -> None:
    text = HEAD + "images: [{from: 'docker.io/${ORG}/shop', to: '${ORG:-x}-shop'}]\n"
    config = parse_config(text, environ={"ORG": "acme"})
    assert str(config.images[0].source) == "docker.io/acme/shop"
    target = config.images[0].target
    assert target == "acme-shop"
    assert isinstance(target, Expanded)
    assert as_written(target) == "${ORG:-x}-shop"
    assert config.text == text


def test_variables_in_numbers_flags_and_words() -> None:
    text = HEAD + (
        "images: [{from: a/b, mode: '${MODE}', referrers: '${R}', tags: {newest: '${N}'}}]\n"
        "sources: {docker.io: {pulls: '${P}'}}\nalerts: {storage_gb: '${G}'}\n"
    )
    config = parse_config(
        text, environ={"MODE": "cache", "R": "false", "N": "7", "P": "100", "G": "1.5"}
    )
    assert config.images[0].mode == "cache"
    assert config.images[0].referrers is False
    assert config.images[0].tags.newest == 7
    assert config.sources["docker.io"].pulls == 100
    assert config.alerts.storage_gb == 1.5


@pytest.mark.parametrize(
    ("value", "message", "hint", "code"),
    [
        (
            "${NO_SUCH}",
            "the variable NO_SUCH is not set",
            "set it, or write ${NO_SUCH:-default}",
            "config-variable",
        ),
        ("${1A}", "'${1A}' is not a variable", "write ${NAME}", "config-invalid"),
        ("${OPEN", "'${OPEN' is not a variable", "write ${NAME}", "config-invalid"),
    ],
)
def test_variables_that_cannot_be_filled_in(value: str, message: str, hint: str, code: str) -> None:
    problem = only(HEAD + f"ci: {{branches: [main, '{value}']}}\n")
    assert (problem.message, problem.code) == (message, code)
    assert problem.hint.startswith(hint)
    assert place(problem) == (3, 23)


def test_a_dollar_may_stand_for_itself() -> None:
    config = parse_config(HEAD + "ci: {branches: ['$${X}', 'a$b']}\n")
    assert config.ci.branches == ("${X}", "a$b")


def test_a_message_shows_the_variable_and_not_its_value() -> None:
    found = problems(
        HEAD + "images: [{from: '${S}', to: '${S}', mode: '${S}'}]\n"
        "repositories: {ab: {access: {pull: ['${S}']}}}\n"
        "sources: {docker.io: {credentials: '${S}', pulls: '${S}'}}\n",
        S="Hunter2!!",
    )
    assert len(found) == 6
    assert not [one for one in found if "Hunter2" in one.message + one.hint]
    assert found[0].message == "the value of ${S} is not an image repository"


def test_values_are_not_read_from_the_environment_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORG", "acme")
    assert only(HEAD + "ci: {branches: ['${ORG}']}").code == "config-variable"


# --- secrets


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2",
        "dckr_pat_abcdefghijklmnopqrstuvwx",
        "me:hunter2",
        "{username: me, password: hunter2}",
        "{username: me, password: 'x${TOKEN}'}",
        "{username: me, password: '${TOKEN:-hunter2}'}",
    ],
)
def test_credentials_that_are_secrets_are_refused_and_not_repeated(secret: str) -> None:
    found = problems(HEAD + f"sources: {{docker.io: {{credentials: {secret}}}}}\n")
    assert [one.code for one in found] == ["config-secret"]
    assert not [one for one in found if "hunter2" in one.message + one.hint]
    assert "must not stand in the file" in found[0].message


@pytest.mark.parametrize(
    "value",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_11ABCDEFG0abcdefghijkl",
        "https://hooks.slack.com/services/T000/B000/XXXXXXXX",
        "https://me:hunter2@proxy.example.com",
        "me:hunter2@registry.example.com/x",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_secret_anywhere_is_refused(value: str) -> None:
    problem = only(HEAD + f"ci: {{secrets: {{X: '{value}'}}}}\n")
    assert problem.code == "config-secret"
    assert value not in problem.message + problem.hint
    assert place(problem) == (3, 19)


def test_where_a_secret_stands_nothing_else_is_said() -> None:
    problem = only(HEAD + "images: [{from: 'https://me:hunter2@example.com/x'}]\n")
    assert problem.code == "config-secret"


def test_a_login_needs_one_place_of_the_password() -> None:
    problem = only(HEAD + "sources: {docker.io: {credentials: {username: me}}}\n")
    assert problem.message == "either password or password_file is needed"


# --- properties

names = st.from_regex(r"[a-z][a-z0-9]{1,8}(-[a-z0-9]{1,4})?(/[a-z0-9]{2,5})?", fullmatch=True)
globs = st.sampled_from(["v*", "main-*", "latest", "pr-*", "1.0", "yes", "007", "*"])
lifecycles = st.one_of(
    st.just("none"),
    st.just({"preset": "standard"}),
    st.just({"file": "policy.json"}),
    st.fixed_dictionaries(
        {"untagged_days": st.integers(1, 90)},
        optional={"keep": st.dictionaries(globs, st.integers(1, 50), max_size=3)},
    ),
)
settings = st.fixed_dictionaries(
    {},
    optional={
        "mutability": st.sampled_from(["mutable", "immutable"])
        | st.fixed_dictionaries(
            {"default": st.sampled_from(["mutable", "immutable"])},
            optional={"except": st.lists(globs, max_size=5)},
        ),
        "scan": st.sampled_from(["on-push", "off"]),
        "encryption": st.sampled_from(["aes256", "kms", {"kms": {"key": "alias/x"}}, {"kms": {}}]),
        "lifecycle": lifecycles,
        "access": st.fixed_dictionaries(
            {},
            optional={
                "push": st.lists(st.sampled_from(["github-actions", "123456789012"]), max_size=2),
                "pull": st.lists(st.just("arn:aws:iam::123456789012:role/app"), max_size=2),
            },
        ),
        "tags": st.dictionaries(
            st.sampled_from(["team", "cost", "yes"]), st.just("x y"), max_size=2
        ),
    },
)
images = st.fixed_dictionaries(
    {"from": names.map(lambda name: f"docker.io/acme/{name}")},
    optional={
        "to": names,
        "tags": st.fixed_dictionaries(
            {},
            optional={
                "allow": st.lists(globs, max_size=3),
                "deny": st.lists(globs, max_size=3),
                "semver": st.sampled_from([">=1.0", "^2", "1.x"]),
                "newest": st.integers(1, 99),
            },
        ),
        "platforms": st.sampled_from(["all", ["linux/amd64"], ["linux/arm64", "linux/arm/v7"]]),
        "referrers": st.booleans(),
        "mode": st.sampled_from(["copy", "cache"]),
    },
)
targets = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}", fullmatch=True),
    st.just({"kind": "local"})
    | st.fixed_dictionaries(
        {
            "kind": st.just("ecr"),
            "account": st.from_regex(r"[1-9][0-9]{11}", fullmatch=True),
            "region": st.sampled_from(["us-east-1", "ap-northeast-2", "us-gov-west-1"]),
        },
        optional={"fips": st.booleans()},
    ),
    min_size=1,
    max_size=3,
)
configs = st.fixed_dictionaries(
    {"version": st.just(1), "targets": targets},
    optional={
        "images": st.lists(images, max_size=3, unique_by=lambda image: image["from"]),
        "repositories": st.dictionaries(names, settings, max_size=3),
        "registry": st.fixed_dictionaries({"blob_mounting": st.booleans()}),
        "alerts": st.fixed_dictionaries({"storage_gb": st.integers(0, 99) | st.just(1.5)}),
        "protect": st.fixed_dictionaries({"in_use": st.lists(st.just("compose"), max_size=1)}),
    },
)


@given(configs, st.booleans())
def test_a_valid_config_reads_the_same_however_it_is_written(
    document: dict[str, Any], flow: bool
) -> None:
    plain = parse_config(json.dumps(document))
    written = yaml.safe_dump(document, default_flow_style=flow, sort_keys=False)
    assert parse_config(written) == plain
    assert list(plain.targets) == list(document["targets"])
    assert set(plain.repositories) == set(document.get("repositories", {}))
    assert len(plain.images) == len(document.get("images", []))


@given(configs, st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter_but_for_rules(
    document: dict[str, Any], chance: random.Random
) -> None:
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        keys = list(value)
        chance.shuffle(keys)
        return {key: value[key] if key == "keep" else shuffled(value[key]) for key in keys}

    one, other = (parse_config(json.dumps(each)) for each in (document, shuffled(document)))
    assert one == other


def reads_or_refuses(text: str) -> Config | None:
    try:
        return parse_config(text, "x.yaml", {"A": "b"})
    except ConfigError as error:
        caught = error
    assert caught.problems
    assert all(problem.message and problem.code for problem in caught.problems)
    assert all(problem.where.file == "x.yaml" for problem in caught.problems)
    return None


@given(st.text(max_size=200))
def test_garbage_is_refused_with_a_config_error(text: str) -> None:
    assert reads_or_refuses(text) is None


@given(st.text(alphabet="{}[]:,-?!&*#|>'\"%@`\\ \n\tavU0x1<${}~", max_size=60))
def test_punctuation_is_refused_with_a_config_error(text: str) -> None:
    reads_or_refuses(text)
    reads_or_refuses(HEAD + "ci: " + text)


@given(st.integers(0, len(EXAMPLE)), st.integers(0, 40), st.text(max_size=4))
def test_a_damaged_example_is_read_or_refused(start: int, length: int, instead: str) -> None:
    reads_or_refuses(EXAMPLE[:start] + instead + EXAMPLE[start + length :])


@given(
    configs,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
        ),
        max_leaves=4,
    ),
    st.data(),
)
def test_a_wrong_value_anywhere_is_read_or_refused(
    document: dict[str, Any], wrong: Any, data: st.DataObject
) -> None:
    copied = json.loads(json.dumps(document))
    here: Any = copied
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(here[key], dict | list) and here[key] and data.draw(st.booleans()):
            here = here[key]
            continue
        here[key] = wrong
        break
    reads_or_refuses(json.dumps(copied))


def test_too_few_and_too_many_entries() -> None:
    empty = only("version: 1\ntargets: {}\n")
    assert (empty.message, place(empty)) == ("at least one entry is needed", (2, 10))
    tags = ", ".join(f"t{number}: x" for number in range(50))
    many = only(HEAD + f"repositories: {{shop: {{tags: {{{tags}}}}}}}\n")
    assert many.message == "at most 49 entries are allowed"
    assert only(HEAD + "images: [{from: a/b, platforms: []}]").message == "the list is empty"
    assert only(HEAD + "repositories: [shop]").message.startswith("wants a mapping of names")
