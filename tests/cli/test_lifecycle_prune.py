"""`lifecycle prune` against the embedded account: dry run, guards, question, record, failures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Answerer, RunCli
from tests.embedded.aws_world import World, index_of

from longshore.cli.lifecycle_prune_rules import parse_limit
from longshore.embedded.faults import Fault
from longshore.embedded.stack import Stack
from longshore.embedded.state import UpOptions
from longshore.errors import UsageError
from longshore.remote.ecr import IAM_ACTIONS, Ecr

CONFIG = """\
version: 1
targets: {here: {kind: ecr, account: "123456789012", region: ap-northeast-2}}
repositories:
  shop:
    lifecycle: {preset: standard}
"""


def backup(days: float) -> str:
    return f"backup-{datetime.now(UTC) - timedelta(days=days):%Y%m%d-%H%M%S}"


class Shop:
    """A repository of the account."""

    def __init__(self, world: World, name: str = "shop") -> None:
        self.world, self.name = world, name
        world.client().create_repository(repositoryName=name)

    def push(self, name: str, *tags: str, days: float = 0) -> str:
        digest = ""
        for tag in tags or (None,):
            digest = self.world.push(self.name, name, tag)
        self.age(digest, days)
        return digest

    def age(self, digest: str, days: float) -> None:
        contents = self.world.aws.ecr.served.contents
        contents.set_pushed(self.name, digest, datetime.now(UTC) - timedelta(days=days))

    def tags(self) -> set[str]:
        found = self.world.client().describe_images(repositoryName=self.name)["imageDetails"]
        return {tag for one in found for tag in one.get("imageTags", ())}


@pytest.fixture
def shop(account: World) -> Shop:
    return Shop(account)


def test_backups_by_default(shop: Shop, cli: RunCli) -> None:
    tags = [backup(days) for days in (1, 2, 3, 9, 10)]
    for tag in tags:
        shop.push(tag, tag, days=1)
    done = cli("lifecycle", "prune", "shop", "--dry-run")
    assert done.code == 0, done.err
    assert "shop: 2 tags would go, and with them 2 images; nothing was changed" in done.out
    assert "EMBEDDED" in done.out
    assert "longshore lifecycle prune shop" in done.out
    assert "rule backups" in done.err
    assert shop.tags() == set(tags)
    done = cli("lifecycle", "prune", "shop", "--yes")
    assert done.code == 0, done.err
    assert "shop: 2 tags are gone, and with them 2 images" in done.out
    assert shop.tags() == set(tags[:3])
    again = cli("lifecycle", "prune", "shop", "--yes", "--json").json
    assert (again["applied"], again["repositories"][0]["steps"]) == (False, [])


def test_json(shop: Shop, cli: RunCli, tmp_path: Path) -> None:
    gone = shop.push("a", "pr-1", days=40)
    kept = shop.push("b", "pr-2", "live-prod", days=40)
    flags = ("lifecycle", "prune", "shop", "--tags", "pr-*", "--older-than", "30d", "--json")
    document = cli(*flags, "--dry-run").json
    assert document["schema"] == "longshore.lifecycle.prune/1"
    (seen,) = document["repositories"]
    assert "next" not in document
    (step,) = seen["steps"]
    assert (step["digest"], step["tags"], step["deletes_image"]) == (gone, ["pr-1"], True)
    assert (step["outcome"], seen["record"]) == ("planned", None)
    (stays,) = seen["kept"]
    assert (stays["digest"], stays["because"]) == (kept, "protected")
    document = cli(*flags, "--yes").json
    (seen,) = document["repositories"]
    assert (document["images_deleted"], document["tags_removed"]) == (1, 1)
    assert seen["steps"][0]["outcome"] == "deleted"
    record = Path(seen["record"])
    assert (
        record == tmp_path / "state" / "prune" / "local-123456789012-ap-northeast-2" / "shop.jsonl"
    )
    assert json.loads(record.read_text().splitlines()[0])["digest"] == gone


def test_it_asks_first(shop: Shop, cli: RunCli) -> None:
    shop.push("a", "x", days=9)
    flags = ("lifecycle", "prune", "shop", "--tags", "*", "--older-than", "7d")
    done = cli(*flags)
    assert (done.code, shop.tags()) == (3, {"x"})
    assert "Remove 1 tags, and with them 1 images" in done.err


def test_nothing_to_do_needs_no_answer(shop: Shop, cli: RunCli) -> None:
    done = cli("lifecycle", "prune", "shop")
    assert (done.code, "shop: nothing to prune" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("flags", "hint"),
    [
        ((), "longshore lifecycle prune shop --dry-run"),
        (("shop", "--all"), "longshore lifecycle prune shop --dry-run"),
        (("shop", "--tags", "x"), "--older-than 30d"),
        (("shop", "--keep-newest", "3"), "--tags 'pr-*'"),
        (("shop", "--tags", "x", "--older-than", "12h"), "write 7d or 4w"),
        (("shop", "--tags", "x", "--older-than", "soon"), "30d"),
        (("shop", "--at-most", "many"), "--at-most 80%"),
        (("shop", "--tags", "", "--keep-newest", "1"), "--tags 'pr-*'"),
        (("shop", "--tags", "x", "--except", "", "--keep-newest", "1"), "--tags 'pr-*'"),
        (("Shop",), "for example: shop"),
        (("../../etc",), "for example"),
    ],
)
def test_bad_flags(cli: RunCli, flags: tuple[str, ...], hint: str) -> None:
    done = cli("lifecycle", "prune", *flags, "--json")
    assert done.code == 2
    assert hint in done.json["hint"]


@pytest.mark.parametrize(
    ("text", "images", "most"),
    [(None, 0, 10), (None, 100, 50), ("0", 9, 0), ("3", 9, 3), ("80%", 10, 8), ("100%", 7, 7)],
)
def test_limits(text: str | None, images: int, most: int) -> None:
    assert parse_limit(text).of(images) == most


@pytest.mark.parametrize("text", ["", "-1", "101%", "1.5", "%", "x%"])
def test_bad_limits(text: str) -> None:
    with pytest.raises(UsageError):
        parse_limit(text)


def test_too_much_at_once(shop: Shop, cli: RunCli) -> None:
    for n in range(12):
        shop.push(f"{n}", f"x-{n}", days=9)
    flags = ("lifecycle", "prune", "shop", "--tags", "x-*", "--older-than", "7d", "--yes", "--json")
    done = cli(*flags)
    assert (done.code, done.json["code"]) == (3, "prune-too-much")
    assert "--at-most 12" in done.json["hint"]
    assert len(shop.tags()) == 12
    assert cli(*flags, "--at-most", "12").code == 0
    assert shop.tags() == set()


def test_images_in_use_stay(shop: Shop, cli: RunCli) -> None:
    digest = shop.push("a", "x", days=9)
    shop.push("b", "y", days=9)
    shop.push("c", "z", "gold-1", days=9)
    Path("used.sh").write_text(f"#!/bin/sh\necho {shop.world.registry}/shop@{digest}\n")
    Path("used.sh").chmod(0o755)
    protect = "protect: {in_use: [command], command: [./used.sh], tags: ['gold-*']}\n"
    Path("longshore.yaml").write_text(CONFIG + protect)
    done = cli(
        *("lifecycle", "prune", "shop", "--tags", "*", "--older-than", "7d", "--yes", "--json")
    )
    assert done.code == 0, done.out
    because = {one["tags"][0]: one["because"] for one in done.json["repositories"][0]["kept"]}
    assert because == {"x": "in-use", "gold-1": "protected"}
    assert shop.tags() == {"x", "z", "gold-1"}


def test_what_starts_to_run_before_the_answer_stays(
    shop: Shop, cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = shop.push("a", "x", days=9)
    shop.push("b", "y", days=9)
    shop.push("c", "z", days=9)
    protect = "protect: {in_use: [command], command: [./used.sh]}\n"
    Path("longshore.yaml").write_text(CONFIG + protect)

    def say(words: str) -> None:
        Path("used.sh").write_text(f"#!/bin/sh\n{words}\n")
        Path("used.sh").chmod(0o755)

    monkeypatch.setattr("longshore.cli.output.is_terminal", lambda stream: True)
    flags = ("lifecycle", "prune", "shop", "--tags", "*", "--older-than", "7d")
    say("exit 0")
    monkeypatch.setattr(
        "sys.stdin", Answerer(lambda: say(f"echo {shop.world.registry}/shop@{digest}"))
    )
    done = cli(*flags)
    assert (done.code, shop.tags()) == (0, {"x"}), done.err
    assert "shop: x stays: command uses it: ./used.sh, line 1" in done.err
    shop.push("b", "y", days=9)
    say("exit 0")
    monkeypatch.setattr("sys.stdin", Answerer(lambda: say("exit 1")))
    done = cli(*flags)
    assert (done.code, shop.tags()) == (3, {"x", "y"})
    assert "--allow-unread command" in done.err


def test_what_is_known_of_use_grows_old(
    shop: Shop, cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With many repositories minutes pass: who runs what is asked again, also with --yes."""
    digest = shop.push("a", "x", days=9)
    shop.push("b", "y", days=9)
    protect = "protect: {in_use: [command], command: [./used.sh]}\n"
    Path("longshore.yaml").write_text(CONFIG + protect)
    image = f"{shop.world.registry}/shop@{digest}"
    Path("used.sh").write_text(f"#!/bin/sh\nif [ -e asked ]; then echo {image}; fi\n>asked\n")
    Path("used.sh").chmod(0o755)
    monkeypatch.setattr("longshore.cli.lifecycle_prune_run.FRESH_S", -1.0)
    done = cli("lifecycle", "prune", "shop", "--tags", "*", "--older-than", "7d", "--yes")
    assert (done.code, shop.tags()) == (0, {"x"}), done.err
    shop.push("b", "y", days=9)
    Path("asked").unlink()
    Path("used.sh").write_text("#!/bin/sh\nif [ -e asked ]; then exit 1; fi\n>asked\n")
    done = cli("lifecycle", "prune", "shop", "--tags", "*", "--older-than", "7d", "--yes")
    assert shop.tags() == {"x", "y"}
    assert done.code != 0
    assert "--allow-unread command" in done.err


def test_a_place_of_use_that_cannot_be_read(shop: Shop, cli: RunCli) -> None:
    shop.push("a", "x", days=9)
    protect = "protect: {in_use: [command], command: [./no-such-program]}\n"
    Path("longshore.yaml").write_text(CONFIG + protect)
    flags = ("lifecycle", "prune", "shop", "--tags", "x", "--older-than", "7d", "--json", "--yes")
    dry = cli(*flags, "--dry-run").json
    assert dry["in_use"]["not_looked_at"]
    done = cli(*flags)
    assert (done.code, done.json["code"], shop.tags()) == (3, "in-use-unknown", {"x"})
    assert "--allow-unread command" in done.json["hint"]
    assert cli(*flags, "--allow-unread", "command").code == 0
    assert shop.tags() == set()


def test_all_that_the_file_names(shop: Shop, account: World, cli: RunCli) -> None:
    other = Shop(account, "other")
    for one in (shop, other):
        for days in (1, 2, 3, 9):
            one.push(f"{days}", backup(days))
    Path("longshore.yaml").write_text(CONFIG)
    document = cli("lifecycle", "prune", "--all", "--yes", "--json").json
    assert [one["repository"] for one in document["repositories"]] == ["shop"]
    assert (len(shop.tags()), len(other.tags())) == (3, 4)
    Path("longshore.yaml").unlink()
    document = cli("lifecycle", "prune", "--all", "--yes", "--json").json
    assert [one["repository"] for one in document["repositories"]] == ["other", "shop"]
    assert len(other.tags()) == 3


def test_a_policy_file_leaves_nothing_to_prune(shop: Shop, cli: RunCli) -> None:
    for days in (1, 2, 3, 9):
        shop.push(f"{days}", backup(days))
    Path("longshore.yaml").write_text(CONFIG.replace("preset: standard", "untagged_days: 3"))
    done = cli("lifecycle", "prune", "shop", "--json")
    assert done.code == 0
    (seen,) = done.json["repositories"]
    assert (seen["rules"], len(shop.tags())) == ([], 4)
    assert "leaves nothing to prune" in seen["remarks"][0]


def test_indexes_are_read_unless_that_would_falsify_pull_times(shop: Shop, cli: RunCli) -> None:
    child = shop.world.manifest("shop", "amd64")
    digest = shop.world.put("shop", child)
    index = shop.world.put("shop", index_of(child), "x")
    for one in (digest, index):
        shop.age(one, 9)
    rule = {
        "rulePriority": 1,
        "selection": {
            "tagStatus": "any",
            "countType": "sinceImagePulled",
            "countUnit": "days",
            "countNumber": 90,
        },
        "action": {"type": "transition", "targetStorageClass": "archive"},
    }
    text = json.dumps({"rules": [rule]})
    shop.world.client().put_lifecycle_policy(repositoryName="shop", lifecyclePolicyText=text)
    flags = ("lifecycle", "prune", "shop", "--tags", "x", "--older-than", "7d", "--json", "--yes")
    (seen,) = cli(*flags).json["repositories"]
    assert (seen["steps"], seen["kept"][0]["because"]) == ([], "index-not-read")
    assert "--read-indexes" in seen["remarks"][0]
    assert cli(*flags, "--read-indexes").json["images_deleted"] == 1
    assert shop.tags() == set()


def test_the_cleaner_may_do_all_of_it(shop: Shop, cli: RunCli) -> None:
    """What the command asks of ECR is what the role's policy allows."""
    from longshore.policy.access.roles import actions_of

    child = shop.world.put("shop", shop.world.manifest("shop", "amd64"))
    index = shop.world.put("shop", index_of(shop.world.manifest("shop", "amd64")), "x")
    for one in (child, index):
        shop.age(one, 9)
    asked: list[str] = []
    real = Ecr._call_plain

    def heard(self: Ecr, method: str, *rest: Any) -> dict[str, Any]:
        asked.append(IAM_ACTIONS[method])
        return real(self, method, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ecr, "_call_plain", heard)
        flags = ("--tags", "x", "--older-than", "7d", "--json", "--yes")
        assert cli("lifecycle", "prune", "shop", *flags).json["images_deleted"] == 1
    # The token is how the embedded servers' clock is asked; at AWS nobody asks for one.
    assert set(asked) - {"ecr:GetAuthorizationToken"} <= actions_of("cleaner")
    assert {"ecr:BatchDeleteImage", "ecr:GetLifecyclePolicy"} <= set(asked)


def test_a_repository_that_is_not_there(account: World, cli: RunCli) -> None:
    done = cli("lifecycle", "prune", "nope", "--json")
    assert (done.code, done.json["code"]) == (1, "repository-not-found")


# --- failures, with servers of their own ----------------------------------------------------------

DENIED = '{"__type": "AccessDeniedException", "message": "no"}'


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(UpOptions(tmp_path_factory.mktemp("prune") / "local")) as made:
        yield made


@pytest.fixture
def faulty(
    servers: Stack, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """Servers that can be made to fail, to which the environment of `cli` leads."""
    state = servers.state
    environ |= {
        "AWS_ENDPOINT_URL": state.aws_endpoint,
        "AWS_ACCESS_KEY_ID": state.access_key,
        "AWS_SECRET_ACCESS_KEY": state.secret_key,
        "AWS_REGION": state.region,
        "LONGSHORE_STATE_DIR": str(tmp_path / "state"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    yield servers
    servers.faults.clear()


def fill(servers: Stack, name: str, count: int) -> None:
    from longshore.oci.manifest import OCI_MANIFEST

    servers.ecr.create_repository(name, {})
    for n in range(count):
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": "sha256:" + "0" * 64,
                "size": 2,
            },
            "layers": [],
            "annotations": {"n": f"{n}"},
        }
        content = json.dumps(document).encode()
        servers.ecr.put_manifest(name, content, OCI_MANIFEST, f"x-{n}")
    for one in servers.ecr.list_manifests(name):
        servers.ecr.set_pushed(name, one.digest, datetime.now(UTC) - timedelta(days=9))


def tags_of(servers: Stack, name: str) -> int:
    return sum(len(one.tags) for one in servers.ecr.list_manifests(name))


RULE = ("--tags", "x-*", "--older-than", "7d", "--at-most", "100%", "--yes")


def test_denied_half_way(faulty: Stack, cli: RunCli) -> None:
    fill(faulty, "denied", 150)
    # caller, two tokens, listing; then three requests a batch
    fault = Fault(listener="aws", after=9, status=400, body=DENIED)
    faulty.faults.add(fault)
    done = cli("lifecycle", "prune", "denied", *RULE, "--json")
    faulty.faults.clear()
    assert done.code == 5, done.out
    assert done.json["failures"][0]["code"] == "access-denied"
    assert (done.json["images_deleted"], tags_of(faulty, "denied")) == (100, 50)
    assert "ecr:" in done.json["error"]["hint"]
    again = cli("lifecycle", "prune", "denied", *RULE, "--json")
    assert (again.code, again.json["images_deleted"], tags_of(faulty, "denied")) == (0, 50, 0)


def test_denied_at_once(faulty: Stack, cli: RunCli) -> None:
    fill(faulty, "denied-at-once", 1)
    faulty.faults.add(Fault(listener="aws", after=6, status=400, body=DENIED, times=None))
    done = cli("lifecycle", "prune", "denied-at-once", *RULE, "--json")
    faulty.faults.clear()
    assert (done.code, done.json["code"]) == (1, "access-denied")
    assert "ecr:BatchDeleteImage" in done.json["hint"]


def test_killed_and_run_again(faulty: Stack, cli: RunCli, environ: dict[str, str]) -> None:
    """Killed after ECR was asked for the second batch, and before it answered."""
    fill(faulty, "killed", 300)
    faulty.faults.add(Fault(listener="aws", after=9, delay_ms=500))
    program = Path(sys.executable).parent / "longshore"
    command = [str(program), "lifecycle", "prune", "killed", *RULE]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as it:
        while not faulty.faults.list()[0]["met"] and it.poll() is None:
            time.sleep(0.02)
        it.kill()
        assert it.wait() == -signal.SIGKILL
    while tags_of(faulty, "killed") > 100:
        time.sleep(0.02)
    faulty.faults.clear()
    dry = cli("lifecycle", "prune", "killed", *RULE, "--dry-run", "--json")
    assert len(dry.json["repositories"][0]["steps"]) == 100
    done = cli("lifecycle", "prune", "killed", *RULE, "--json")
    assert (done.code, tags_of(faulty, "killed")) == (0, 0)
    assert "an earlier prune of killed was stopped" in done.err
    lines: list[dict[str, Any]] = [
        json.loads(line)
        for line in Path(done.json["repositories"][0]["record"]).read_text().splitlines()
    ]
    removed = [tag for line in lines for tag in line.get("removed", ())]
    assert sorted(removed) == sorted(f"x-{n}" for n in range(300))
