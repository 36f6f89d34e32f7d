"""A part of the demonstration: five lifecycle rules as one writes them at first, and the preset.

Two repositories of an embedded ECR of its own get the same images; its clock is turned by 8 days,
and the image that runs is pulled again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

OBVIOUS, STANDARD = "obvious/shop", "standard/shop"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
PUSHES = 12

Longshore = Callable[..., dict]
Say = Callable[[str], None]


def obvious_rules() -> dict:
    """Production 10, branches 5, pull requests 3, untagged 1 day, backups 7 days."""
    wishes = [
        (["latest", "v", "main-"], 10), (["develop-", "feature-", "day2-advanced"], 5),
        (["pr-"], 3), (None, 1), (["backup-"], 7),
    ]  # fmt: skip
    rules = []
    for prefixes, number in wishes:
        kind = {"tagStatus": "tagged", "tagPrefixList": prefixes}
        by = {"countType": "imageCountMoreThan", "countNumber": number}
        if prefixes in (None, ["backup-"]):
            by = {**by, "countType": "sinceImagePushed", "countUnit": "days"}
        selection = {**(kind if prefixes else {"tagStatus": "untagged"}), **by}
        rules.append({"rulePriority": len(rules) + 1, "selection": selection,
                      "action": {"type": "expire"}})  # fmt: skip
    return {"rules": rules}


class Ecr:
    """The registry, as a client that pushes and pulls sees it."""

    def __init__(self, host: str, password: str) -> None:
        self.host = host
        token = base64.b64encode(f"AWS:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}", "Accept": MANIFEST}

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple:
        """The status, and an answer's place."""
        url = path if path.startswith("http") else f"http://{self.host}{path}"
        headers = {**self.headers, **({"Content-Type": kind} if kind else {})}
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers.get("Location", ""), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, "", b""

    def push(self, repository: str, number: int, *tags: str) -> None:
        """A small image of its own under these tags."""
        blobs = [json.dumps({"architecture": "amd64", "os": "linux", "n": number}).encode(),
                 f"layer {number}".encode()]  # fmt: skip
        parts = []
        for blob in blobs:
            digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
            _, place, _ = self.call("POST", f"/v2/{repository}/blobs/uploads/")
            joint = "&" if "?" in place else "?"
            self.call("PUT", f"{place}{joint}digest={digest}", blob, "application/octet-stream")
            parts.append({"mediaType": CONFIG, "digest": digest, "size": len(blob)})
        parts[1]["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0],
                    "layers": parts[1:]}  # fmt: skip
        self.put(repository, json.dumps(manifest).encode(), *tags)

    def put(self, repository: str, manifest: bytes, *tags: str) -> None:
        for tag in tags:
            status, _, _ = self.call("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST)
            if status != 201:
                raise SystemExit(f"push of {repository}:{tag} was answered with {status}")

    def get(self, repository: str, tag: str) -> tuple[int, bytes]:
        """What a pull begins with."""
        status, _, manifest = self.call("GET", f"/v2/{repository}/manifests/{tag}")
        return status, manifest


def lifecycle_contrast(longshore: Longshore, say: Say, data: Path, work: Path) -> None:
    """The same images under both policies; eight days later."""
    state = longshore("local", "up")
    longshore("local", "reset", "--yes")
    policy = work / "five-rules.json"
    policy.write_text(json.dumps(obvious_rules(), indent=1))
    for name in (OBVIOUS, STANDARD):
        longshore("--local", "repo", "create", name, "--mutable", "--yes")
    longshore("--local", "lifecycle", "apply", OBVIOUS, "--policy", str(policy), "--yes")
    ecr = log_in(longshore, state, data)
    for name in (OBVIOUS, STANDARD):
        for number in range(PUSHES):
            tag = f"main-{number * 7919 + 0xABC1234:07x}"
            running = ("live-prod",) if number == 0 else ()
            ecr.push(name, number, tag, f"prod-{tag}", *running)
    say(f"8. lifecycle        {PUSHES} pushes to main; the first one runs (live-prod), and is "
        "backed up after 7 days")  # fmt: skip
    longshore("local", "clock", "+7d")
    ecr = log_in(longshore, state, data)
    backup = backup_tag(longshore)
    for name in (OBVIOUS, STANDARD):
        ecr.put(name, ecr.get(name, "live-prod")[1], backup)
    longshore("local", "clock", "+25h")
    ecr = log_in(longshore, state, data)
    say("                    8 days later (local clock), what ECR's daily run has left:")
    for title, name in (("five plain rules", OBVIOUS), ("the preset", STANDARD)):
        status, _ = ecr.get(name, "live-prod")
        left = longshore("--local", "repo", "show", name)["tagged_images"]
        what = "is there" if status == 200 else f"is deleted: a pull is answered with {status}"
        say(f"   {title:<16} {left} images; the one that runs {what}")
    found = longshore("lifecycle", "lint", "--policy", str(policy), check=False)["findings"]
    high = {one["code"].removeprefix("lifecycle-") for one in found if one["severity"] == "high"}
    say(f"   lifecycle lint   would have said it, of the five rules: {', '.join(sorted(high))}")
    longshore("local", "down")


def log_in(longshore: Longshore, state: dict, data: Path) -> Ecr:
    """With the password that `longshore local login` fetched; it ends after 12 hours."""
    longshore("local", "login")
    kept = json.loads((data / "docker" / "config.json").read_text())["auths"]
    host = state["ecr_registry"]
    password = base64.b64decode(kept[host]["auth"]).decode().partition(":")[2]
    return Ecr(host, password)


def backup_tag(longshore: Longshore) -> str:
    """`backup-20261201-143022`, by the servers' clock."""
    digits = "".join(one for one in longshore("local", "clock")["now"] if one.isdigit())
    return f"backup-{digits[:8]}-{digits[8:14]}"
