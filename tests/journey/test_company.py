"""The whole company from the Hub to the ECR, and what real clients then see there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from longshore.embedded.stack import Stack
from longshore.oci.digest import digest_of
from tests.journey.images import absent
from tests.journey.lab import TARGETS, Lab, open_lab
from tests.peers import peer

REPOSITORIES = (
    *("acme/api", "acme/private-tool", "acme/shop", "acme/web", "acme/worker"),
    *("library/alpine", "library/python"),
)


@pytest.fixture(scope="module")
def company(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(stack, tmp_path_factory.mktemp("company")) as made:
        yield made


@pytest.fixture(scope="module")
def moved(company: Lab) -> dict[str, Any]:
    """What the commands of the journey answered, in their order."""
    images = [f"--image=docker.io/{name}=moved/{name}" for name in REPOSITORIES]
    answers: dict[str, Any] = {}
    answers["init"] = company.done("init", *images, "--yes")
    answers["check"] = company.done("config", "check")
    to_embedded(company)
    answers["plan"] = company.done("plan")
    with company.asked() as asked:
        answers["migrate"] = company.done("migrate", "--yes", "--summary", "summary.md")
    answers["pulled"] = asked.pulled
    for name in ("apply", "verify", "status"):
        answers[name] = company.done(name, "--yes")
    with company.asked() as asked:
        answers["sync"] = company.done("sync")
    answers["second"] = asked
    return answers


def to_embedded(lab: Lab) -> None:
    """The servers run in this process, where `kind: local` does not look for them."""
    path = lab.folder / "longshore.yaml"
    found = re.sub(r"(?m)^targets:.*\n  local: .*\n", TARGETS.partition("\n")[2], path.read_text())
    assert "kind: ecr" in found
    path.write_text(found)


def hub_tags(lab: Lab) -> dict[tuple[str, str], str]:
    return {
        (name, tag): digest for name in REPOSITORIES for tag, digest, _ in lab.hub.list_tags(name)
    }


def test_a_first_config_is_one_that_the_check_takes(moved: dict[str, Any]) -> None:
    assert moved["init"]["images"] == [f"docker.io/{name}" for name in REPOSITORIES]
    assert moved["check"]["schema"] == "longshore.config.check/1"


def test_every_tag_has_the_digest_of_the_hub(moved: dict[str, Any], company: Lab) -> None:
    wanted = hub_tags(company)
    assert len(wanted) == 85
    found = {
        (name, tag): digest
        for name in REPOSITORIES
        for tag, digest, _ in company.ecr.list_tags(f"moved/{name}")
    }
    assert found == wanted
    for name, tag in wanted:
        assert not list(absent(company.ecr, f"moved/{name}", tag))
        source, target = company.hub.manifest(name, tag), company.ecr.manifest(f"moved/{name}", tag)
        assert source is not None
        assert target is not None
        assert (target.content, target.media_type) == (source.content, source.media_type)


def test_signatures_and_sboms_came_along(moved: dict[str, Any], company: Lab) -> None:
    signed = company.hub.resolve("acme/shop", "v1.2.3")
    assert signed is not None
    wanted = {one.digest for one in company.hub.referrers("acme/shop", signed)}
    assert len(wanted) >= 2
    assert {one.digest for one in company.ecr.referrers("moved/acme/shop", signed)} == wanted
    stem = signed.replace(":", "-")
    tags = {tag for tag, _, _ in company.ecr.list_tags("moved/acme/shop")}
    assert {f"{stem}.sig", f"{stem}.att", f"{stem}.sbom"} <= tags
    assert moved["verify"]["referrers"] >= len(wanted)


def test_a_private_repository_came_along(moved: dict[str, Any], company: Lab) -> None:
    repository = company.hub.repository("acme/private-tool")
    assert repository is not None
    assert repository.settings["private"] is True
    assert len(company.held("moved/acme/private-tool")) == 3


def test_no_manifest_was_pulled_twice(moved: dict[str, Any]) -> None:
    pulled = moved["pulled"]
    assert len(pulled) == len(set(pulled)) == moved["migrate"]["pulls"]["used"]


def test_the_plan_said_what_then_happened(moved: dict[str, Any]) -> None:
    plan, done = moved["plan"], moved["migrate"]
    aws = [one for one in plan["changes"] if not one["resource"].startswith("images/")]
    tags = [tag for one in plan["changes"] if one not in aws for tag in one["diff"]]
    assert done["applied"] == len(aws) == 14
    assert set(plan["place"]) >= {"target", "account", "region", "endpoint"}
    assert {tag for tag in tags if not tag.startswith("sha256-")} == {
        tag for one in done["repositories"] for tag in _plain_tags(one, plan)
    }
    assert plan["pulls"] <= done["pulls"]["used"]


def _plain_tags(repository: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    name = repository["target"].partition("/")[2]
    [change] = [one for one in plan["changes"] if one["resource"] == f"images/{name}"]
    return [tag for tag in change["diff"] if not tag.startswith("sha256-")]


def test_nothing_is_left_to_do(moved: dict[str, Any]) -> None:
    assert moved["apply"]["applied"] == []
    assert moved["verify"]["equal"] == 85
    assert (moved["verify"]["missing"], moved["verify"]["different"]) == (0, 0)
    assert moved["status"]["aws"]["changes"] == []
    assert sum(row["left"] for row in moved["status"]["images"]) == 0
    assert moved["status"]["next"] == "longshore verify"


def test_a_second_run_lists_and_pulls_nothing(moved: dict[str, Any]) -> None:
    answer, second = moved["sync"], moved["second"]
    assert answer["source"]["pulls"] == second.pulls == 0
    assert answer["tags"] == {"copied": 0, "unchanged": 85, "skipped": 0, "failed": 0, "left": 0}
    assert answer["bytes"] == 0
    kinds = {(one.method, one.kind) for one in second.counts if one.listener == "hub"}
    assert kinds <= {("HEAD", "manifest"), ("GET", "referrers")}
    writes = {one.method for one in second.counts if one.listener in ("ecr", "layers")}
    assert writes <= {"GET", "HEAD"}


def test_the_summary_is_a_page_of_facts(moved: dict[str, Any], company: Lab) -> None:
    page = (company.folder / "summary.md").read_text()
    assert page.startswith("# Migration summary (EMBEDDED)\n")
    for name in REPOSITORIES:
        assert f"| `docker.io/{name}` | `{company.stack.state.ecr_registry}/moved/{name}` |" in page
    assert "85 tags copied" in page
    assert f"Docker Hub pulls: {moved['migrate']['pulls']['used']} used" in page
    assert "`AWS_ACCOUNT_ID=123456789012`" in page
    assert (company.folder / "summary.md").stat().st_mode & 0o777 == 0o644


@pytest.mark.peer
def test_the_real_aws_sees_the_same_digests(moved: dict[str, Any], company: Lab) -> None:
    program = peer("aws")

    def describe(name: str) -> dict[str, str]:
        words = ["ecr", "describe-images", "--repository-name", f"moved/{name}"]
        done = subprocess.run(
            [program, *words], env=company.environ, capture_output=True, check=True, timeout=60
        )
        images = json.loads(done.stdout)["imageDetails"]
        return {tag: one["imageDigest"] for one in images for tag in one.get("imageTags", [])}

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        found = dict(zip(REPOSITORIES, pool.map(describe, REPOSITORIES), strict=True))
    seen = {(name, tag): digest for name, tags in found.items() for tag, digest in tags.items()}
    assert seen == hub_tags(company)


@pytest.mark.peer
def test_the_real_skopeo_reads_the_same_bytes(moved: dict[str, Any], company: Lab) -> None:
    program, host = peer("skopeo"), company.stack.state.ecr_registry
    wanted = {digest: (name, tag) for (name, tag), digest in hub_tags(company).items()}

    def read(digest: str) -> str:
        name, tag = wanted[digest]
        address = f"docker://{host}/moved/{name}:{tag}"
        words = [program, "inspect", "--raw", "--tls-verify=false", address]
        done = subprocess.run(words, env=company.environ, capture_output=True, timeout=60)
        return digest_of(done.stdout) if done.returncode == 0 else done.stderr.decode()

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        assert list(pool.map(read, wanted)) == list(wanted)


def test_the_config_names_the_account_only(moved: dict[str, Any], company: Lab) -> None:
    text = (company.folder / "longshore.yaml").read_text()
    state = company.stack.state
    for secret in (state.secret_key, state.hub_password):
        assert secret not in text
        assert secret not in json.dumps({key: one for key, one in moved.items() if key != "second"})
