"""lifecycle apply, and plan and apply: what goes is shown, what is in use is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Answerer, Done, RunCli
from tests.embedded.aws_world import World, index_of

from longshore.errors import AwsError
from longshore.remote.ecr import Ecr

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
TARGETS = (
    'version: 1\ntargets: {prod: {kind: ecr, account: "123456789012", region: ap-northeast-2}}\n'
)


def keep(priority: int, count: int, pattern: str) -> dict[str, Any]:
    selection = {
        "tagStatus": "tagged",
        "tagPatternList": [pattern],
        "countType": "imageCountMoreThan",
        "countNumber": count,
    }
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


def older(priority: int, days: int, status: str = "untagged") -> dict[str, Any]:
    selection = {
        "tagStatus": status,
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": days,
    }
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


def policy(*rules: dict[str, Any]) -> None:
    Path("policy.json").write_text(json.dumps({"rules": list(rules)}))


def config(text: str = "") -> None:
    Path("longshore.yaml").write_text(TARGETS + text)


def compose(tag: str, host: str = HOST) -> None:
    Path("compose.yml").write_text(f"services:\n  web:\n    image: {host}/shop{tag}\n")


@pytest.fixture
def shop(account: World) -> World:
    """Versions v1 to v5, a day apart, the newest of today."""
    account.client().create_repository(repositoryName="shop")
    clock = account.aws.clock
    for age in range(4, -1, -1):
        clock.advance(-age * 86_400)
        account.push("shop", f"v{5 - age}", f"v{5 - age}")
        clock.reset()
    return account


def in_force(world: World) -> str | None:
    answer = world.client()
    try:
        return str(answer.get_lifecycle_policy(repositoryName="shop")["lifecyclePolicyText"])
    except answer.exceptions.LifecyclePolicyNotFoundException:
        return None


def run(cli: RunCli, *argv: str) -> Done:
    return cli("lifecycle", "apply", "shop", "--policy", "policy.json", *argv)


# --- what goes ----------------------------------------------------------------------------------


def test_what_goes_is_shown_with_tags_size_and_rule(shop: World, cli: RunCli) -> None:
    policy(keep(1, 3, "v*"))
    done = run(cli, "--dry-run", "--json")
    assert done.code == 0
    going = sorted((one["tags"], one["rule"], one["when"]) for one in done.json["expires"])
    assert going == [(["v1"], 1, "now"), (["v2"], 1, "now")]
    assert all(
        one["size"] > 0 and "keeps the 3 newest" in one["reason"] for one in done.json["expires"]
    )
    assert (done.json["images"], done.json["refused"]) == (5, [])
    shown = run(cli)
    assert shown.code == 3
    assert "of 5 images 2 go by this policy now:" in shown.err
    assert "ECR then deletes 2 images (at most" in shown.err
    assert in_force(shop) is None


def test_manifests_that_follow_their_index_are_counted(shop: World, cli: RunCli) -> None:
    clock = shop.aws.clock
    clock.advance(-9 * 86_400)
    children = [shop.manifest("shop", name) for name in ("amd", "arm")]
    for child in children:
        shop.put("shop", child)
    shop.put("shop", index_of(*children), "v0")
    clock.reset()
    policy(keep(1, 5, "v*"), older(2, 1))
    document = run(cli, "--dry-run", "--json").json
    assert [one["when"] for one in document["expires"]] == ["now", *["after-its-index"] * 2]
    assert document["expires"][0]["tags"] == ["v0"]


def test_it_is_recorded_who_put_what_and_what_was_to_go(
    shop: World, cli: RunCli, tmp_path: Path
) -> None:
    policy(keep(1, 3, "v*"))
    done = run(cli, "--yes", "--json").json
    assert done["applied"] is True
    assert in_force(shop) is not None
    lines = [json.loads(line) for line in Path(done["record"]).read_text().splitlines()]
    assert Path(done["record"]).is_relative_to(tmp_path / "state")
    first, last = lines[0], lines[-1]
    assert (first["resource"], first["step"], last["step"]) == (
        "lifecycle-apply/shop",
        "begin",
        "done",
    )
    memory = first["memory"]
    assert memory["by"].startswith("arn:aws:")
    assert memory["before"] is None
    assert json.loads(memory["after"]) == done["policy"]
    assert sorted(one["tags"][0] for one in memory["expires"]) == ["v1", "v2"]


def test_the_policy_of_the_file_comes_before_the_standard_one(shop: World, cli: RunCli) -> None:
    config("repositories: {shop: {lifecycle: {keep: {'v*': 2}}}}\n")
    done = cli("lifecycle", "apply", "shop", "--dry-run", "--json").json
    assert "longshore.yaml" in done["from"]
    assert len(done["expires"]) == 3
    standard = cli("lifecycle", "apply", "shop", "--preset", "standard", "--dry-run", "--json").json
    assert standard["expires"] == []


# --- what is in use -----------------------------------------------------------------------------


def test_an_image_that_a_compose_file_names_is_refused(shop: World, cli: RunCli) -> None:
    config("protect: {in_use: [compose]}\n")
    compose(":v1")
    policy(keep(1, 9999, "live-*"), keep(2, 3, "v*"))
    done = run(cli, "--yes", "--json")
    assert done.code == 3
    assert (done.json["applied"], done.json["error"]["code"]) == (False, "image-in-use")
    (refused,) = done.json["refused"]
    assert (refused["tags"], refused["rule"], refused["when"]) == (["v1"], 2, "now")
    assert refused["where"] == ["compose.yml:3"]
    assert refused["flag"] == "--allow-in-use"
    assert refused["remedy"] == "longshore tags protect shop v1"
    assert in_force(shop) is None
    said = run(cli, "--yes")
    assert said.code == 3
    assert "v1 is in use (compose.yml:3); it would be deleted now: rule 2" in said.err
    assert "--allow-in-use" in said.err
    assert run(cli, "--dry-run").code == 3


def test_what_starts_to_run_before_the_answer_is_refused(
    shop: World, cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(keep(1, 2, "v*"))
    config("protect: {in_use: [compose]}\n")
    monkeypatch.setattr("longshore.cli.output.is_terminal", lambda stream: True)
    monkeypatch.setattr("sys.stdin", Answerer(lambda: compose(":v1")))
    done = cli("lifecycle", "apply", "shop", "--policy", "policy.json")
    assert done.code == 3
    assert "v1 is in use" in done.err
    assert "--allow-in-use" in done.err
    with pytest.raises(Exception, match="LifecyclePolicyNotFound"):
        shop.client().get_lifecycle_policy(repositoryName="shop")


def test_the_remedy_is_one(shop: World, cli: RunCli) -> None:
    config("protect: {in_use: [compose]}\n")
    compose(":v1")
    policy(keep(1, 9999, "live-*"), keep(2, 3, "v*"))
    assert cli("tags", "protect", "shop", "v1", "--yes").code == 0
    done = run(cli, "--yes", "--json")
    assert (done.code, done.json["refused"]) == (0, [])
    assert [one["tags"] for one in done.json["expires"]] == [["v2"]]


def test_the_flag_allows_it(shop: World, cli: RunCli) -> None:
    config("protect: {in_use: [compose]}\n")
    compose(":v1")
    policy(keep(1, 3, "v*"))
    done = run(cli, "--yes", "--allow-in-use", "--json")
    assert (done.code, done.json["applied"], done.json["refused"]) == (0, True, [])
    assert [one["tags"] for one in done.json["allowed"]] == [["v1"]]
    assert done.json["allowed"][0]["remedy"] is None  # no rule of this policy keeps live-*


@pytest.mark.parametrize(
    ("ahead", "code", "key"),
    [
        ((), 3, "refused"),
        (("--ahead-pushes", "3"), 3, "refused"),
        (("--ahead-pushes", "2"), 0, "beyond"),
    ],
)
def test_pushes_ahead(
    shop: World, cli: RunCli, ahead: tuple[str, ...], code: int, key: str
) -> None:
    config("protect: {in_use: [compose]}\n")
    compose(":v3")
    policy(keep(1, 5, "v*"))
    done = run(cli, "--dry-run", "--json", *ahead)
    assert done.code == code
    (hit,) = done.json[key]
    assert (hit["when"], hit["pushes"]) == ("pushes", 3)


@pytest.mark.parametrize(("days", "code"), [("9", 3), ("5", 0)])
def test_days_ahead(shop: World, cli: RunCli, days: str, code: int) -> None:
    config("protect: {in_use: [compose]}\n")
    compose(":v1")
    policy(older(1, 10, "any"))
    done = run(cli, "--dry-run", "--json", "--ahead-days", days)
    assert done.code == code
    if code:
        assert done.json["refused"][0]["when"] == "later"


def test_live_and_rollback_images_and_the_newest_backups_count_without_any_config(
    shop: World, cli: RunCli
) -> None:
    tagged = {"v1": "live-prod", "v2": "rollback-prod", "v3": "backup-20261101-120000"}
    for tag, new in tagged.items():
        shop.put("shop", shop.manifest("shop", tag), new)
    policy(older(1, 1, "any"))
    done = run(cli, "--yes", "--json")
    assert done.code == 3
    assert {one["tags"][-1] for one in done.json["refused"]} | {
        one["tags"][0] for one in done.json["refused"]
    } >= set(tagged.values())


def test_a_running_manifest_protects_its_index(shop: World, cli: RunCli, tmp_path: Path) -> None:
    children = [shop.manifest("shop", name) for name in ("amd", "arm")]
    digests = [shop.put("shop", child) for child in children]
    shop.aws.clock.advance(-9 * 86_400)
    shop.put("shop", index_of(*children), "w0")
    shop.aws.clock.reset()
    shop.push("shop", "w1", "w1")
    config("protect: {in_use: [command], command: [./in-use]}\n")
    Path("in-use").write_text(f"#!/bin/sh\necho {HOST}/shop@{digests[1]}\n")
    Path("in-use").chmod(0o755)
    policy(keep(1, 1, "w*"))
    done = run(cli, "--yes", "--json")
    assert done.code == 3
    (hit,) = done.json["refused"]
    assert (hit["tags"], hit["via"]) == (["w0"], digests[1])
    dry = run(cli, "--dry-run", "--json")  # a dry run runs no program of the file
    assert (dry.code, dry.json["refused"]) == (0, [])
    assert "only apply runs it" in dry.json["not_looked"][0]


# --- what is not known --------------------------------------------------------------------------


def test_an_open_tag_counts_as_in_use(shop: World, cli: RunCli) -> None:
    config("protect: {in_use: [compose]}\n")
    compose(":${TAG}")
    policy(keep(1, 3, "v*"))
    done = run(cli, "--yes", "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "in-use-unknown")
    assert done.json["refused"][0]["flag"] == "--allow-unread compose"
    assert "compose.yml:3" in done.json["refused"][0]["reason"]
    assert in_force(shop) is None
    allowed = run(cli, "--yes", "--allow-unread", "compose", "--json")
    assert (allowed.code, allowed.json["applied"]) == (0, True)


@pytest.mark.parametrize(
    ("image", "refused"),
    [
        ("${REGISTRY}/shop:v1", True),
        ("${REGISTRY}/shop:v5", False),
        ("${REGISTRY}/other:${TAG}", False),
        ("${IMAGE}", True),
        ("docker.io/acme/shop:${TAG}", False),
        ("ghcr.io/acme/shop:v1", False),
    ],
)
def test_open_names_count_as_far_as_they_are_known(
    shop: World, cli: RunCli, image: str, refused: bool
) -> None:
    config("protect: {in_use: [compose]}\n")
    Path("compose.yml").write_text(f"services:\n  web:\n    image: {image}\n")
    policy(keep(1, 3, "v*"))
    done = run(cli, "--dry-run", "--json", "--ahead-pushes", "0")
    assert done.code == (3 if refused else 0), done.json["refused"]


def test_manifests_count_and_a_cluster_that_does_not_answer_is_unread(
    shop: World, cli: RunCli, environ: dict[str, str], tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "kubectl").write_text("#!/bin/sh\necho no route to host >&2\nexit 1\n")
    (programs / "kubectl").chmod(0o755)
    environ["PATH"] = f"{programs}:{environ['PATH']}"
    config("protect: {in_use: [kubernetes], kubernetes: {contexts: [prod]}}\n")
    Path("deploy.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
        f"spec:\n  containers:\n    - name: web\n      image: {HOST}/shop:v1\n"
    )
    policy(keep(1, 3, "v*"))
    done = run(cli, "--yes", "--json")
    assert done.code == 3
    flags = [one["flag"] for one in done.json["refused"]]
    assert flags == ["--allow-unread kubernetes", "--allow-in-use"]
    assert "no route to host" in done.json["refused"][0]["reason"]
    assert done.json["refused"][1]["where"] == ["deploy.yaml:7"]


def test_a_listing_that_fails_is_not_a_safe_one(
    shop: World, cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise AwsError("AWS refused DescribeImages", "allow the caller ecr:DescribeImages")

    policy(keep(1, 3, "v*"))
    monkeypatch.setattr(Ecr, "describe_images", refuse)
    done = run(cli, "--yes", "--json")
    assert (done.code, done.json["images"]) == (3, None)
    assert done.json["refused"][0]["flag"] == "--allow-unread images"
    assert in_force(shop) is None


def test_an_empty_listing_is_held_against_the_other_one(
    account: World, cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.client().create_repository(repositoryName="shop")
    manifest = account.manifest("shop", "one").decode()
    account.client().put_image(repositoryName="shop", imageManifest=manifest, imageTag="main-1")
    monkeypatch.setattr(Ecr, "describe_images", lambda *_, **__: [])
    done = cli("lifecycle", "apply", "shop", "--preset", "standard", "--yes", "--json")
    assert done.code == 3
    assert "one of the answers is stale" in done.json["refused"][0]["reason"]


def test_an_empty_listing_under_a_running_image_is_not_a_safe_one(
    account: World, cli: RunCli
) -> None:
    account.client().create_repository(repositoryName="shop")
    config("protect: {in_use: [compose]}\n")
    compose(":v1")
    policy(keep(1, 3, "v*"))
    done = run(cli, "--yes", "--json")
    assert done.code == 3
    assert "the listing is empty" in done.json["refused"][0]["reason"]
    Path("compose.yml").unlink()
    assert run(cli, "--yes", "--json").code == 0


def test_ecs_of_the_embedded_account_is_asked(shop: World, cli: RunCli) -> None:
    ecs = shop.client("ecs")
    ecs.register_task_definition(
        family="nightly",
        containerDefinitions=[{"name": "a", "image": f"{HOST}/shop:v1", "memory": 128}],
    )
    config("protect: {in_use: [ecs, lambda]}\n")
    policy(keep(1, 3, "v*"))
    done = run(cli, "--yes", "--json")
    assert done.code == 3
    (hit,) = done.json["refused"]
    assert hit["where"][0].endswith(":task-definition/nightly:1")
    ecs.deregister_task_definition(taskDefinition="nightly:1")
    assert run(cli, "--dry-run", "--json").json["refused"] == []


# --- plan and apply -----------------------------------------------------------------------------


@pytest.fixture
def planned(shop: World, cli: RunCli) -> World:
    """longshore.yaml wants three versions kept; compose.yml runs the oldest."""
    config(
        "repositories: {shop: {lifecycle: {file: policy.json}}}\n"
        "protect: {in_use: [compose, command]}\n"
    )
    policy(keep(1, 9999, "live-*"), keep(2, 3, "v*"))
    compose(":v1")
    return shop


def test_a_plan_shows_what_is_refused_and_the_flag(planned: World, cli: RunCli) -> None:
    document = cli("plan", "--only", "aws", "--json").json
    (refused,) = document["refused"]
    assert refused.startswith(
        "ecr/lifecycle/shop: v1 is in use (compose.yml:3); it would be deleted"
    )
    assert refused.endswith("(--allow-in-use shop)")
    notes = " ".join(document["notes"])
    assert "2 images would go at once" in notes
    assert "not looked at: no command" in notes
    done = cli("apply", "--only", "aws", "--yes", "--json")
    assert (done.code, done.json["code"]) == (3, "unsafe-plan")
    assert "--allow-in-use shop" in done.json["hint"]
    assert in_force(planned) is None
    assert cli("apply", "--only", "aws", "--yes", "--allow-in-use", "shop").code == 0
    assert in_force(planned) is not None


def test_a_saved_plan_is_judged_again_when_it_is_carried_out(planned: World, cli: RunCli) -> None:
    compose(":v5")
    options = ("--only", "aws", "-o", "plan.json")
    assert cli("plan", *options, "--json").json["refused"] != []  # v5 in three pushes
    cli("tags", "protect", "shop", "v5", "--yes")
    assert cli("plan", *options, "--json").json["refused"] == []
    compose(":v1")  # the world moves on
    done = cli("apply", "plan.json", "--yes", "--json")
    assert (done.code, done.json["code"]) == (3, "unsafe-plan")
    assert in_force(planned) is None
    assert cli("plan", *options, "--allow-in-use", "shop").code == 0
    assert cli("apply", "plan.json", "--yes").code == 0


def test_what_cannot_be_read_is_refused_in_a_plan(planned: World, cli: RunCli) -> None:
    compose(":${TAG}")
    (refused,) = cli("plan", "--only", "aws", "--json").json["refused"]
    assert refused.endswith("(--allow-unread compose)")
    allowed = cli("plan", "--only", "aws", "--json", "--allow-unread", "compose").json
    assert allowed["refused"] == []


def test_a_command_runs_at_apply_and_never_at_plan(planned: World, cli: RunCli) -> None:
    Path("in-use").write_text(f"#!/bin/sh\ntouch ran\necho {HOST}/shop:v2\n")
    Path("in-use").chmod(0o755)
    text = Path("longshore.yaml").read_text()
    Path("longshore.yaml").write_text(text.replace("command]}", "command], command: [./in-use]}"))
    compose(":v5")
    cli("tags", "protect", "shop", "v5", "--yes")
    assert cli("plan", "--only", "aws", "--json").json["refused"] == []
    assert cli("apply", "--only", "aws", "--dry-run").code == 0
    assert cli("status", "--json").code == 0
    assert not Path("ran").exists()
    done = cli("apply", "--only", "aws", "--yes", "--json")
    assert (done.code, done.json["code"]) == (3, "unsafe-plan")
    assert "v2 is in use (./in-use, line 1)" in done.json["message"]
    assert Path("ran").exists()


def test_a_new_repository_has_nothing_in_use(account: World, cli: RunCli) -> None:
    config("repositories: {shop: {lifecycle: {preset: standard}}}\nprotect: {in_use: [compose]}\n")
    compose(":${TAG}")
    assert cli("plan", "--only", "aws", "--json").json["refused"] == []
    assert cli("apply", "--only", "aws", "--yes").code == 0


def test_the_clock_of_the_target_counts(shop: World, cli: RunCli) -> None:
    shop.aws.clock.advance(timedelta(days=20).total_seconds())
    policy(older(1, 10, "any"))
    assert len(run(cli, "--dry-run", "--json").json["expires"]) == 5
    shop.aws.clock.reset()
    assert run(cli, "--dry-run", "--json").json["expires"] == []


def test_an_update_of_a_repository_is_guarded_too(shop: World, cli: RunCli) -> None:
    config("protect: {in_use: [compose]}\n")
    compose(":v5")
    done = cli("repo", "create", "shop", "--update", "--yes", "--json")
    assert (done.code, done.json["code"]) == (3, "unsafe-plan")
    assert "--allow-in-use shop" in done.json["hint"]
    assert in_force(shop) is None
    assert cli("repo", "create", "shop", "--update", "--yes", "--allow-in-use", "shop").code == 0
    assert in_force(shop) is not None


def test_a_text_that_ecr_would_not_take_is_refused_before_anything_is_asked(
    account: World, cli: RunCli
) -> None:
    account.client().create_repository(repositoryName="shop")
    rules = [{**keep(n, 5, f"t{n}-*"), "description": "x" * 900} for n in range(1, 41)]
    Path("long.json").write_text(json.dumps({"rules": rules}))
    done = cli("lifecycle", "apply", "shop", "--policy", "long.json", "--yes", "--json")
    assert (done.code, done.json["code"]) == (2, "lifecycle-policy-invalid")
    assert "30720" in done.json["message"]
