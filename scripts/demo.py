#!/usr/bin/env python3
"""The main job on this machine: a Docker Hub is filled, killed in mid-copy, moved, and compared.

Run by `make demo`. Everything happens on loopback and below .longshore/demo; the servers stay up.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGSHORE = ROOT / ".venv" / "bin" / "longshore"
PLACE = ROOT / ".longshore" / "demo"
DATA, HOME, WORK = PLACE / "data", PLACE / "home", PLACE / "work"
MAIN = "github-actions-demo-day2"
KILL_AFTER_TAGS = 12
SIGNED = ("v1.2.3", "v1.2.2")
ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


def environment() -> dict[str, str]:
    """Only what a program needs; no account, profile or proxy of whoever runs the demonstration."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
    return {**kept, "HOME": str(HOME), "LONGSHORE_LOCAL_DIR": str(DATA)}


def longshore(*words: str, check: bool = True) -> dict:
    """The JSON answer of a command."""
    done = subprocess.run(
        [LONGSHORE, *words, "--json"], env=environment(), cwd=WORK, capture_output=True, text=True
    )
    if check and done.returncode != 0:
        sys.exit(f"longshore {' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def say(text: str = "") -> None:
    print(text, flush=True)


def prepare() -> None:
    for folder in (HOME, WORK):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def pulls() -> int:
    """Manifests that the Hub has served: what counts against its limit."""
    count = 0
    for line in (DATA / "access.jsonl").read_text().splitlines():
        seen = json.loads(line)
        wanted = (seen["listener"], seen["method"], seen["kind"], seen["status"])
        count += wanted == ("hub", "GET", "manifest", 200)
    return count


def killed_migration() -> int:
    """Start to migrate, and kill -9 it in the middle; how many tags it had copied."""
    process = subprocess.Popen(
        [LONGSHORE, "migrate", "--yes", "--jsonl"],
        env=environment(), cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    copied = 0
    for line in process.stdout or ():
        event = json.loads(line)
        copied += event.get("event") == "tag-done" and event.get("outcome") == "copied"
        if copied >= KILL_AFTER_TAGS:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    if process.stdout:
        process.stdout.close()
    return copied


class Registry:
    """One of the two registries, asked as any client would."""

    def __init__(self, host: str, authorization: str) -> None:
        self.host = host
        self.authorization = authorization

    def get(self, path: str) -> tuple[dict, str]:
        request = urllib.request.Request(f"http://{self.host}/v2/{path}")
        request.add_header("Authorization", self.authorization)
        request.add_header("Accept", ACCEPT)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer), answer.headers.get("Docker-Content-Digest", "")

    def held(self, repository: str) -> tuple[int, int]:
        """Platforms of the signed tags, and what is attached: referrers and cosign tags."""
        tags = set(self.get(f"{repository}/tags/list?n=1000")[0]["tags"])
        platforms = attached = 0
        for tag in SIGNED:
            manifest, digest = self.get(f"{repository}/manifests/{tag}")
            children = manifest.get("manifests") or [{"platform": {"os": "linux"}}]
            known = [c for c in children if (c.get("platform") or {}).get("os") != "unknown"]
            platforms += len(known)
            attached += len(children) - len(known)
            attached += len(self.get(f"{repository}/referrers/{digest}")[0]["manifests"])
            attached += sum(name.startswith(digest.replace(":", "-")) for name in tags)
        return platforms, attached


def naive_copy(state: dict) -> bool:
    """What a plain `skopeo copy` of each tag leaves; False when there is no skopeo."""
    skopeo = shutil.which("skopeo")
    if skopeo is None:
        return False
    longshore("repo", "create", "naive/shop", "--yes")
    auth = str(DATA / "docker" / "config.json")
    for tag in SIGNED:
        subprocess.run(
            [skopeo, "--insecure-policy", "copy", "-q", "--authfile", auth,
             "--src-tls-verify=false", "--dest-tls-verify=false",
             f"docker://{state['hub_registry']}/acme/shop:{tag}",
             f"docker://{state['ecr_registry']}/naive/shop:{tag}"],
            env=environment(), check=True,
        )  # fmt: skip
    return True


def main() -> None:
    began = time.monotonic()
    prepare()
    say("longshore: a Docker Hub and an Amazon ECR on this machine (EMBEDDED: no account needed)")
    say()
    if (DATA / "settings.json").exists():
        longshore("local", "up")
        longshore("local", "reset", "--yes")
        longshore("local", "down")
    state = longshore("local", "up", "--pull-limit", "100", "--account-pull-limit", "200")
    seeded = longshore("local", "seed")
    counts = ", ".join(f"{seeded[name]} {name}" for name in ("repositories", "tags"))
    say(f"1. the Hub holds    {counts}: real images, indexes, signatures, SBOMs")

    image = f"docker.io/acme/shop={MAIN}"
    longshore("--local", "init", "--namespace", "acme", "--image", image, "--yes")
    plan = longshore("plan")
    aws = sum(not change["resource"].startswith("images/") for change in plan["changes"])
    tags = sum(len(one["diff"]) for one in plan["changes"] if one["resource"].startswith("images/"))
    say(f"2. longshore plan   {aws} changes at AWS, {tags} tags to copy, nothing changed yet")

    before = pulls()
    copied = killed_migration()
    at_kill = pulls() - before
    say(f"3. migrate          killed (kill -9) after {copied} tags; {at_kill} pulls spent")
    done = longshore("migrate", "--yes", "--summary", "migration.md")
    spent = pulls() - before
    proof = done["verify"]
    equal = ", ".join(f"{proof[name]} {name}" for name in ("equal", "missing", "different"))
    say(f"   migrate again    resumed; proved tag by tag: {equal}")
    twice = spent - manifests()
    left = f"{done['pulls']['left']} of {done['pulls']['limit']} left"
    say(f"                    {spent} pulls in both runs, {twice} of them twice; {left}")
    again = longshore("sync")
    counts = ", ".join(f"{again['tags'][name]} tags {name}" for name in ("copied", "unchanged"))
    say(f"4. a second run     {again['source']['pulls']} pulls, {counts}, {again['seconds']} s")
    contrast(state)
    say()
    for repository in done["repositories"]:
        say(f"   {repository['source']:<30} -> {repository['target']}  {repository['tags']} tags")
    say()
    say(f"took {time.monotonic() - began:.0f} s. The servers stay up; try:")
    here = DATA.relative_to(ROOT)
    say(f'   eval "$(.venv/bin/longshore local env --data-dir {here})"')
    say(f"   aws ecr describe-images --repository-name {MAIN}    # with any AWS CLI")
    say(f"   .venv/bin/longshore status --config {(WORK / 'longshore.yaml').relative_to(ROOT)}")
    say(f"(`.venv/bin/longshore local down --data-dir {here}` ends them.)")


def manifests() -> int:
    """How many different manifests the Hub was asked for."""
    found = set()
    for line in (DATA / "access.jsonl").read_text().splitlines():
        seen = json.loads(line)
        if (seen["listener"], seen["method"], seen["kind"]) == ("hub", "GET", "manifest"):
            found.add(seen["path"])
    return len(found)


def open_hub(state: dict) -> Registry:
    """The Hub with an anonymous token."""
    scope = "repository:acme/shop:pull"
    url = f"{state['hub_api']}/token?service=registry.docker.io&scope={scope}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return Registry(state["hub_registry"], f"Bearer {json.load(answer)['token']}")


def open_ecr(state: dict) -> Registry:
    """The ECR with the password that `longshore local login` fetched."""
    longshore("local", "login")
    config = json.loads((DATA / "docker" / "config.json").read_text())
    host = state["ecr_registry"]
    return Registry(host, f"Basic {config['auths'][host]['auth']}")


def contrast(state: dict) -> None:
    wanted = open_hub(state).held("acme/shop")
    tags = " and ".join(SIGNED)
    say(f"5. what is left of  acme/shop {tags}, with signatures, SBOMs and attestations")
    ecr = open_ecr(state)
    if naive_copy(state):
        show("skopeo copy", ecr.held("naive/shop"), wanted)
    else:
        say("   skopeo copy      not measured: skopeo is not installed (make setup-peers)")
    show("longshore", ecr.held(MAIN), wanted)


def show(name: str, held: tuple[int, int], wanted: tuple[int, int]) -> None:
    platforms, attached = (f"{got} of {all_}" for got, all_ in zip(held, wanted, strict=True))
    say(f"   {name:<16} {platforms} platforms, {attached} attached")


if __name__ == "__main__":
    main()
