#!/usr/bin/env python3
"""The main job on this machine: an example tree and its images leave Docker Hub for Amazon ECR.

Run by `make demo`: assess, plan, migrate (killed in the middle, and resumed), rewrite, verify, and
a pipeline run with the Hub off, and lifecycle rules under a clock that is turned. Everything
happens on loopback and below .longshore/demo; the servers stay up.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

from demo_lifecycle import lifecycle_contrast

ROOT = Path(__file__).resolve().parent.parent
LONGSHORE = ROOT / ".venv" / "bin" / "longshore"
PLACE = ROOT / ".longshore" / "demo"
DATA, HOME, WORK = PLACE / "data", PLACE / "home", PLACE / "shop"
EXAMPLE = ROOT / "examples" / "shop"
MAIN = "github-actions-demo-day2"
KILL_AFTER_TAGS = 12
SIGNED = ("v1.2.3", "v1.2.2")
ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)


def environment(data: Path = DATA) -> dict[str, str]:
    """Only what a program needs; no account, profile or proxy of whoever runs the demonstration."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
    return {**kept, "HOME": str(HOME), "LONGSHORE_LOCAL_DIR": str(data)}


def longshore(*words: str, check: bool = True, data: Path = DATA, work: Path = WORK) -> dict:
    """The JSON answer of a command."""
    done = subprocess.run(
        [LONGSHORE, *words, "--json"],
        env=environment(data), cwd=work, capture_output=True, text=True,
    )  # fmt: skip
    if check and done.returncode != 0:
        sys.exit(f"longshore {' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def say(text: str = "") -> None:
    print(text, flush=True)


def prepare() -> None:
    for folder in (HOME, WORK):
        shutil.rmtree(folder, ignore_errors=True)
    HOME.mkdir(parents=True)
    shutil.copytree(EXAMPLE, WORK)
    commit("The shop, on Docker Hub")


def commit(message: str) -> None:
    """The tree's state as a commit of its own repository."""
    who = ["-c", "user.name=demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]
    begin = [] if (WORK / ".git").exists() else [["init", "-q", "-b", "main"]]
    for words in (*begin, ["add", "-A"], ["commit", "-q", "-m", message]):
        subprocess.run(["git", *who, *words], cwd=WORK, env=environment(), check=True)


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

    def status(self, repository: str, reference: str) -> int:
        """What a GET of a manifest answers: what a pull begins with."""
        try:
            self.get(f"{repository}/manifests/{reference}")
        except urllib.error.HTTPError as error:
            return error.code
        return 200

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
    named = longshore("local", "seed", "--tree", ".")
    tags = seeded["tags"] + named["tags"]
    say(f"1. the Hub holds    {tags} tags: images, indexes, signatures, and all the tree names")

    pulled_by = first_look(state)
    plan_it()
    done = migrate_it()
    contrast(state)
    change_tree(state, pulled_by)
    lifecycle()
    say()
    for repository in done["repositories"][:6]:
        say(f"   {repository['source']:<30} -> {repository['target']}  {repository['tags']} tags")
    say(f"   ... {len(done['repositories'])} repositories in all")
    say()
    say(f"took {time.monotonic() - began:.0f} s. The servers stay up; try:")
    here, tree = DATA.relative_to(ROOT), WORK.relative_to(ROOT)
    say(f"   git -C {tree} diff                                  # the tree's patch")
    say(f'   eval "$(.venv/bin/longshore local env --data-dir {here})"')
    say(f"   aws ecr describe-images --repository-name {MAIN}    # with any AWS CLI")
    say(f"   .venv/bin/longshore status --config {tree / 'longshore.yaml'}")
    say(f"(`.venv/bin/longshore local down --data-dir {here}` ends them.)")


def first_look(state: dict) -> list[dict]:
    """What one pipeline run pulls, and in which run the Hub refuses."""
    found = longshore("assess", ".")
    lines = [line for run in found["pulls"]["runs"] for line in run["lines"]]
    hub = sum(one["status"] == "hub" for one in found["references"])
    count = found["pulls"]["per_run"]
    say(f"2. assess           {hub} Docker Hub references, {count} pulls in a pipeline run, "
        f"{len(found['hazards'])} hazards")  # fmt: skip
    runs = 0
    while pull_all(state, lines):
        runs += 1
    say(f"                    pipeline run {runs + 1} is refused with 429 (limit: 100 in 6 hours)")
    return lines


def pull_all(state: dict, lines: list[dict]) -> bool:
    """Fetch the manifests that one pipeline run fetches; False when the Hub has had enough."""
    for line in lines:
        path = line["reference"].removeprefix("docker.io/")
        name, tags = path.partition(":")[0], line["tags"] or ["latest"]
        hub = open_hub(state, name, login=False)
        for number in range(line["pulls"]):
            if hub.status(name, tags[number % len(tags)]) == 429:
                return False
    return True


def plan_it() -> None:
    image = f"docker.io/acme/shop={MAIN}"
    longshore("--local", "init", "--namespace", "acme", "--image", image, "--yes")
    commit("longshore.yaml")
    plan = longshore("plan")
    aws = sum(not change["resource"].startswith("images/") for change in plan["changes"])
    tags = sum(len(one["diff"]) for one in plan["changes"] if one["resource"].startswith("images/"))
    say(f"3. plan             {aws} changes at AWS, {tags} tags to copy, nothing changed yet")


def migrate_it() -> dict:
    """Migrate, killed in the middle, and again; then once more with nothing to do."""
    before = pulls()
    copied = killed_migration()
    at_kill = pulls() - before
    say(f"4. migrate          killed (kill -9) after {copied} tags; {at_kill} pulls spent")
    done = longshore("migrate", "--yes", "--summary", str(PLACE / "migration.md"),
                     "--patch", str(PLACE / "ecr.patch"))  # fmt: skip
    spent = pulls() - before
    proof = done["verify"]
    equal = ", ".join(f"{proof[name]} {name}" for name in ("equal", "missing", "different"))
    say(f"   migrate again    resumed; proved tag by tag: {equal}")
    twice = spent - len(set(paths_since(before)))
    say(f"                    {spent} pulls in both runs, {twice} of them twice")
    again = longshore("sync")
    counts = ", ".join(f"{again['tags'][name]} tags {name}" for name in ("copied", "unchanged"))
    say(f"5. a second run     {again['source']['pulls']} pulls, {counts}, {again['seconds']} s")
    return done


def change_tree(state: dict, lines: list[dict]) -> None:
    """The tree names ECR now; a pipeline run with the Hub off."""
    made = longshore("rewrite", "--write", "--yes")
    changed = sum(one["action"] == "change" for one in made["decisions"])
    say(f"7. rewrite --write  {changed} references in {len(made['written'])} files, "
        f"{len(made['steps'])} changes around them (logins, permissions)")  # fmt: skip
    found = longshore("assess", ".")
    before, after = sum(line["pulls"] for line in lines), found["pulls"]["per_run"]
    say(f"   assess           Hub pulls in a pipeline run: {before} before, {after} after")
    longshore("local", "fault", "--on", "hub", "--status", "503", "--times", "0")
    ecr, seen = open_ecr(state), pulls()
    here = [one for one in found["references"] if ".dkr.ecr." in (one["registry"] or "")]
    here = [one for one in here if one["role"] == "pull"]
    wanted = {(one["image"].partition("/")[2], tag) for one in here for tag in one["tags"]}
    served = sum(ecr.status(name, tag) == 200 for name, tag in wanted)
    public = sum(one["registry"] == "public.ecr.aws" for one in found["references"])
    longshore("local", "fault", "--clear")
    say(f"   with the Hub off {served} of {len(wanted)} images come from ECR, "
        f"{pulls() - seen} Hub pulls; {public} use public.ecr.aws (not reached)")  # fmt: skip
    say(f"   the patch        {(PLACE / 'ecr.patch').relative_to(ROOT)}")


def lifecycle() -> None:
    """Lifecycle rules under a clock that is turned, on servers of their own."""
    data, work = PLACE / "lifecycle", PLACE / "rules"
    work.mkdir(exist_ok=True)
    lifecycle_contrast(partial(longshore, data=data, work=work), say, data, work)


def paths_since(count: int) -> list[str]:
    """The manifests that the Hub has served after the first so many."""
    found = []
    for line in (DATA / "access.jsonl").read_text().splitlines():
        seen = json.loads(line)
        wanted = (seen["listener"], seen["method"], seen["kind"], seen["status"])
        if wanted == ("hub", "GET", "manifest", 200):
            found.append(seen["path"])
    return found[count:]


def open_hub(state: dict, repository: str, *, login: bool = True) -> Registry:
    """The Hub with a token for one repository: of the account that migrates, or of nobody."""
    scope = f"repository:{repository}:pull"
    url = f"{state['hub_api']}/token?service=registry.docker.io&scope={scope}"
    request = urllib.request.Request(url)
    if login:
        kept = json.loads((DATA / "docker" / "config.json").read_text())["auths"]
        request.add_header("Authorization", f"Basic {kept[state['hub_registry']]['auth']}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return Registry(state["hub_registry"], f"Bearer {json.load(answer)['token']}")


def open_ecr(state: dict) -> Registry:
    """The ECR with the password that `longshore local login` fetched."""
    longshore("local", "login")
    config = json.loads((DATA / "docker" / "config.json").read_text())
    host = state["ecr_registry"]
    return Registry(host, f"Basic {config['auths'][host]['auth']}")


def contrast(state: dict) -> None:
    ecr = open_ecr(state)
    wanted = open_hub(state, "acme/shop").held("acme/shop")
    tags = " and ".join(SIGNED)
    say(f"6. what is left of  acme/shop {tags}, with signatures, SBOMs and attestations")
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
