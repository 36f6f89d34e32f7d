"""plan and apply: one diff, carried out exactly, resumable, refused when the world moved on."""

from __future__ import annotations

import json
from typing import Any

from tests.journey.images import Shelf, company
from tests.journey.lab import Lab

APP = "from: docker.io/acme/app, to: app"
SCANNED = "repositories: {app: {scan: on-push, lifecycle: {preset: standard}}}\n"


def resources(plan: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["action"], one["resource"]) for one in plan["changes"]]


def test_a_plan_changes_nothing(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP, text=SCANNED)
    with lab.asked() as asked:
        plan = lab.done("plan")
    assert resources(plan) == [
        ("create", "ecr/repository/app"),
        ("create", "ecr/lifecycle/app"),
        ("create", "images/app"),
    ]
    assert set(plan) >= {"schema", "changes", "checksum", "place", "pulls"}
    assert set(plan["changes"][0]) >= {"resource", "action", "reason", "diff"}
    assert lab.ecr.list_repositories() == []
    assert asked.pulls == 0
    assert asked.count("ecr") == 0


def test_a_plan_says_by_its_exit_code_whether_there_is_something_to_do(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)
    assert lab("plan").code == 0
    assert lab("plan", "--exit-code").code == 3
    assert lab("plan", "--exit-code", "--json").code == 3
    assert lab("apply", "--yes").code == 0
    assert lab("plan", "--exit-code").code == 0


def test_a_second_apply_does_nothing(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP, text=SCANNED)
    first = lab.done("apply", "--yes")
    assert [one["resource"] for one in first["applied"]] == [
        "ecr/repository/app",
        "ecr/lifecycle/app",
    ]
    assert first["copy"]["tags"]["copied"] == 6
    with lab.asked() as asked:
        second = lab.done("apply", "--yes")
    assert second["applied"] == []
    assert lab.done("plan")["changes"] == []
    assert asked.pulls == 0
    assert asked.count("ecr") == 0
    assert {one.kind for one in asked.counts if one.listener == "aws"} <= {
        *("sts:GetCallerIdentity", "ecr:GetAuthorizationToken", "ecr:DescribeRepositories"),
        *("ecr:GetAccountSetting", "ecr:DescribeImages", "ecr:ListTagsForResource"),
        *("ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy"),
    }


def test_without_a_yes_nobody_is_asked_and_nothing_changes(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)
    done = lab("apply", "--json")
    assert done.code == 3
    assert done.json["code"] == "confirmation-needed"
    assert lab.ecr.list_repositories() == []


def test_a_dry_run_changes_nothing(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)
    for command in ("apply", "migrate"):
        answer = lab.done(command, "--dry-run", "--yes")
        assert answer["schema"] == "longshore.plan/1"
        assert ("create", "images/app") in resources(answer)
    assert lab.ecr.list_repositories() == []


def test_one_part_alone(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)
    assert resources(lab.done("plan", "--only", "images")) == [("create", "images/app")]
    only_aws = lab.done("apply", "--only", "aws", "--yes")
    assert [one["resource"] for one in only_aws["applied"]] == ["ecr/repository/app"]
    assert "copy" not in only_aws
    assert lab.held("app") == {}
    only_images = lab.done("apply", "--only", "images", "--yes")
    assert only_images["applied"] == []
    assert only_images["copy"]["tags"]["copied"] == len(lab.held("app")) == 6


def test_a_saved_plan_is_carried_out(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP, text=SCANNED)
    saved = lab.done("plan", "-o", "plan.json")
    document = json.loads((lab.folder / "plan.json").read_text())
    assert document["checksum"] == saved["checksum"]
    assert "password" not in json.dumps(document).lower()
    done = lab.done("apply", "plan.json", "--yes")
    assert len(done["applied"]) == 2
    assert len(lab.held("app")) == 6
    again = lab.done("apply", "plan.json", "--yes")
    assert again["applied"] == []


def test_a_saved_plan_that_was_half_carried_out_goes_on(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP, text=SCANNED)
    lab.done("plan", "-o", "plan.json")
    lab.fault(listener="ecr", method="PUT", path="/manifests/v", times=None, status=400)
    assert lab("apply", "plan.json", "--yes").code != 0
    lab.stack.faults.clear()
    with lab.asked() as asked:
        done = lab.done("apply", "plan.json", "--yes")
    assert done["applied"] == []
    assert len(lab.held("app")) == 6
    assert asked.pulls == 0


def test_a_saved_plan_is_refused_when_a_tag_moved_at_the_hub(lab: Lab) -> None:
    shelf = company(lab.hub)
    lab.write(APP)
    lab.done("plan", "-o", "plan.json")
    shelf.image(b"another", tags=("v1.0.0",))
    done = lab("apply", "plan.json", "--yes", "--json")
    assert (done.code, done.json["code"]) == (3, "plan-stale")
    assert "images/app" in done.json["message"]
    assert lab.ecr.list_repositories() == []


def test_a_saved_plan_is_refused_when_a_tag_was_added_at_the_hub(lab: Lab) -> None:
    shelf = company(lab.hub)
    lab.write(APP)
    lab.done("plan", "-o", "plan.json")
    shelf.image(b"another", tags=("v3.0.0",))
    assert lab("apply", "plan.json", "--yes", "--json").json["code"] == "plan-stale"


def test_a_saved_plan_is_refused_when_the_repository_changed(lab: Lab) -> None:
    company(lab.hub)
    kept = "repositories: {app: {scan: on-push, mutability: mutable}}\n"
    lab.write(APP, text=kept)
    lab.done("apply", "--yes")
    lab.write(APP, text=kept.replace("on-push", "off"))
    saved = lab.done("plan", "-o", "plan.json")
    assert resources(saved) == [("update", "ecr/repository/app")]
    client = lab.stack.aws.ecr.served.contents
    repository = client.repository("app")
    assert repository is not None
    client.update_repository("app", {**repository.settings, "mutability": "IMMUTABLE"})
    done = lab("apply", "plan.json", "--yes", "--json")
    assert (done.code, done.json["code"]) == (3, "plan-stale")
    again = client.repository("app")
    assert again is not None
    assert again.settings["mutability"] == "IMMUTABLE"


def test_a_saved_plan_that_was_edited_is_refused(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)
    lab.done("plan", "-o", "plan.json")
    path = lab.folder / "plan.json"
    path.write_text(path.read_text().replace('"app"', '"other"').replace("v1.0.0", "v9.9.9"))
    done = lab("apply", "plan.json", "--yes", "--json")
    assert (done.code, done.json["code"]) == (2, "bad-plan")
    for text in ("", "[]", "{}", "no json"):
        path.write_text(text)
        assert lab("apply", "plan.json", "--yes", "--json").json["code"] == "bad-plan"
    assert lab("apply", "absent.json", "--yes", "--json").json["code"] == "file"
    assert lab.ecr.list_repositories() == []


def test_a_saved_plan_takes_no_other_wishes(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)
    lab.done("plan", "-o", "plan.json")
    assert lab("apply", "plan.json", "--only", "aws", "--yes").code == 2


def test_a_signature_made_later_is_a_change_too(lab: Lab) -> None:
    shelf = company(lab.hub)
    lab.write(APP)
    lab.done("apply", "--yes")
    top = shelf.tags()["v1.0.0"]
    name = f"{top.replace(':', '-')}.sig"
    shelf.image(b"signed later", tags=(name,))
    [change] = lab.done("plan")["changes"]
    assert list(change["diff"]) == [name]
    lab.done("apply", "--yes")
    assert name in lab.held("app")


def test_a_moved_tag_is_an_update(lab: Lab) -> None:
    shelf = company(lab.hub)
    lab.write(APP)
    lab.done("apply", "--yes")
    before = lab.held("app")["latest"]
    moved = shelf.image(b"newer", tags=("latest",))
    [change] = lab.done("plan")["changes"]
    assert change["action"] == "update"
    assert change["diff"] == {"latest": {"from": before, "to": moved}}
    done = lab.done("apply", "--yes")
    assert done["copy"]["tags"]["copied"] == 1
    assert lab.held("app")["latest"] == moved


def test_what_the_config_leaves_out_is_not_touched(lab: Lab) -> None:
    company(lab.hub)
    other = Shelf(lab.ecr, "by-hand")
    other.image(b"mine", tags=("v1",))
    lab.write(APP)
    lab.done("apply", "--yes")
    assert lab.held("by-hand")


def test_drift_is_shown_and_mended(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP, text=SCANNED)
    lab.done("apply", "--yes")
    contents = lab.stack.aws.ecr.served.contents
    repository = contents.repository("app")
    assert repository is not None
    assert repository.settings["scan_on_push"] is True
    contents.update_repository("app", {**repository.settings, "scan_on_push": False})
    assert lab("plan", "--exit-code").code == 3
    [change] = lab.done("status")["aws"]["changes"]
    assert change["resource"] == "ecr/repository/app"
    lab.done("apply", "--yes")
    assert lab("plan", "--exit-code").code == 0


def test_an_apply_that_fails_says_why(lab: Lab) -> None:
    company(lab.hub)
    lab.write(APP)
    lab.fault(listener="ecr", method="PUT", path="/manifests/v", times=None, status=400)
    for command in ("apply", "migrate"):
        ended = lab(command, "--yes", "--json")
        assert ended.code == 5
        assert ended.json["error"]["code"] == "partly-done"
        assert ended.json["copy"]["tags"]["failed"] == 4
        assert lab(command, "--yes").code == 5
        *_, last = lab(command, "--yes", "--jsonl").events
        assert last["error"]["code"] == "partly-done"


def test_two_sources_share_a_repository_but_never_a_tag(lab: Lab) -> None:
    company(lab.hub)
    other = Shelf(lab.hub, "acme/other")
    other.image(b"other", tags=("latest", "other"))
    into = "from: docker.io/acme/other, to: app"
    lab.write(APP, into)
    for command in ("plan", "apply", "sync", "verify", "migrate"):
        ended = lab(command, "--yes", "--json")
        assert ended.code in (1, 3)
        if command != "sync":
            assert ended.json["code"] == "tag-wanted-twice"
            assert "app:latest" in ended.json["message"]
    assert lab.ecr.list_repositories() == []
    lab.write(APP, f"{into}, tags: {{deny: [latest]}}")
    saved = lab.done("plan", "-o", "plan.json")
    [change] = [one for one in saved["changes"] if one["resource"] == "images/app"]
    assert {"latest", "other", "v1.0.0"} <= set(change["diff"])
    lab.done("apply", "plan.json", "--yes")
    assert lab.held("app")["other"] == other.tags()["other"]
    assert lab.done("apply", "--yes")["applied"] == []
    assert lab.done("verify")["extra_tags"] == []
