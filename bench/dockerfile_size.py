#!/usr/bin/env python3
"""Build an example's present Dockerfile and the emitted one, and compare the sizes of the images.

Both bases are made here from Debian's packages, since Docker Hub is not to be asked: `full` has
about what the image `node` has beside Node (compilers, git, Python, development headers), `slim`
what `node:...-slim` has. Node and npm are this machine's, the same in both. The builds really run:
npm, security updates, dumb-init. Needs root, debootstrap, buildah, node and Debian's mirror, and
some minutes; says so and ends where one is missing.

    python bench/dockerfile_size.py
    python bench/dockerfile_size.py --tree examples/shop --aim 0.4
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from longshore.cli.emitting import EmitTree
from longshore.rewrite.generate.dockerfile import base_image, render_dockerfile
from longshore.rewrite.generate.ignore_file import render_ignore

ROOT = Path(__file__).parent.parent
SUITE, MIRROR = "bookworm", "http://deb.debian.org"
NEEDS = ("debootstrap", "buildah", "node", "npm")
# What `node:18` stands on beside Debian itself: packages for building almost anything.
FULL = (
    *("autoconf", "automake", "bzip2", "curl", "dpkg-dev", "file", "g++", "gcc", "git", "gnupg"),
    *("libbz2-dev", "libc6-dev", "libcurl4-openssl-dev", "libdb-dev", "libevent-dev", "libffi-dev"),
    *("libgdbm-dev", "libglib2.0-dev", "libgmp-dev", "libjpeg-dev", "libkrb5-dev", "liblzma-dev"),
    *(
        "libmagickcore-dev",
        "libmagickwand-dev",
        "libmaxminddb-dev",
        "libncurses5-dev",
        "libpng-dev",
    ),
    *("libncursesw5-dev", "libpq-dev", "libreadline-dev", "libsqlite3-dev", "libssl-dev"),
    *("libtool", "libwebp-dev", "libxml2-dev", "libxslt1-dev", "libyaml-dev", "make", "mercurial"),
    *("openssh-client", "patch", "procps", "python3", "sq", "subversion", "unzip", "wget"),
    *("xz-utils", "zlib1g-dev"),
)
# Debian's official images keep no packages and no caches of apt.
CLEAN = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
SLIM = ("libstdc++6", "ca-certificates")


@dataclass(frozen=True)
class Size:
    """Bytes of an image's layers: as a registry keeps them, and unpacked."""

    packed: int
    unpacked: int


class Builder:
    """buildah with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        places = ("--root", str(folder / "root"), "--runroot", str(folder / "run"))
        self.program = ["buildah", *places, "--storage-driver", "overlay"]

    def build(self, context: Path, file: Path, name: str, *arguments: str) -> None:
        flags = ("--isolation", "chroot", "--format", "docker", "--pull-never")
        run(*self.program, "bud", *flags, *arguments, "-f", str(file), "-t", name, str(context))

    def size(self, name: str) -> Size:
        place = self.folder / "pushed"
        shutil.rmtree(place, ignore_errors=True)
        run(*self.program, "push", "--format", "v2s2", name, f"dir:{place}")
        layers = json.loads((place / "manifest.json").read_text())["layers"]
        files = [place / one["digest"].removeprefix("sha256:") for one in layers]
        return Size(sum(one["size"] for one in layers), sum(unpacked(file) for file in files))


def unpacked(file: Path) -> int:
    """Bytes of a layer's archive."""
    total = 0
    with gzip.open(file) as stream:
        while piece := stream.read(1 << 20):
            total += len(piece)
    return total


def run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def make_root(folder: Path) -> None:
    """A minimal Debian with the sources that official images have, and Node."""
    run("debootstrap", "--variant=minbase", SUITE, str(folder), f"{MIRROR}/debian")
    sources = [f"deb {MIRROR}/debian {SUITE} main", f"deb {MIRROR}/debian {SUITE}-updates main"]
    sources.append(f"deb {MIRROR}/debian-security {SUITE}-security main")
    (folder / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    settings = folder / "etc/apt/apt.conf.d"
    (settings / "docker-clean").write_text(CLEAN)
    for file in Path("/etc/apt/apt.conf.d").glob("99*"):  # how this machine reaches the mirror
        shutil.copy(file, settings / file.name)


def add_packages(folder: Path, names: Sequence[str]) -> None:
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    run("chroot", str(folder), "apt-get", "update", "-qq")
    run("chroot", str(folder), "apt-get", "install", "-y", "-qq", "--no-install-recommends", *names)
    run("chroot", str(folder), "apt-get", "clean")
    for one in (folder / "var/lib/apt/lists").iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()


def add_node(folder: Path) -> None:
    """This machine's Node and npm."""
    node = Path(shutil.which("node") or "").resolve()
    npm = Path(shutil.which("npm") or "").resolve().parent.parent
    place = folder / "usr/local"
    shutil.copy2(node, place / "bin/node")
    shutil.copytree(npm, place / "lib/node_modules/npm", symlinks=True)
    (place / "bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    run("chroot", str(folder), "groupadd", "--gid", "1000", "node")
    run("chroot", str(folder), "useradd", "--uid", "1000", "--gid", "node", "-m", "node")


def make_bases(builder: Builder, full: str, slim: str) -> None:
    first, second = builder.folder / "slim", builder.folder / "full"
    make_root(first)
    run("cp", "-a", str(first), str(second))
    for folder, packages, name in ((first, SLIM, slim), (second, (*SLIM, *FULL), full)):
        add_packages(folder, packages)
        add_node(folder)
        file = builder.folder / "Base"
        file.write_text(f"FROM scratch\nCOPY {folder.name} /\n")
        builder.build(builder.folder, file, name)
        shutil.rmtree(folder)


def missing() -> str:
    """Why nothing can be measured here; empty when it can."""
    if os.geteuid() != 0:
        return "it needs root"
    gone = [name for name in NEEDS if shutil.which(name) is None]
    return f"not installed: {', '.join(gone)}" if gone else ""


def measure(tree: Path, folder: Path) -> dict[str, Size]:
    builder, place = Builder(folder), folder / "tree"
    shutil.copytree(tree, place)
    found = EmitTree(place)
    if found.project is None or "Dockerfile" not in found.files:
        sys.exit(f"{tree} is no project with a Dockerfile")
    name, tag = base_image(found.project)
    before = f"docker.io/library/{name}:{found.project.version}"
    make_bases(builder, before, f"localhost/mirror/{name}:{tag}")
    builder.build(place, place / "Dockerfile", "before")
    emitted = folder / "Dockerfile"
    emitted.write_text(render_dockerfile(found.project).text)
    (place / ".dockerignore").write_text(render_ignore(found.project).text)
    builder.build(place, emitted, "after", "--build-arg", "BASE_REGISTRY=localhost/mirror")
    names = {"full base": before, "slim base": f"localhost/mirror/{name}:{tag}"}
    names |= {"present Dockerfile": "before", "emitted Dockerfile": "after"}
    return {shown: builder.size(image) for shown, image in names.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tree", type=Path, default=ROOT / "examples" / "shop")
    parser.add_argument("--aim", type=float, default=0.4, help="fail above this ratio")
    asked = parser.parse_args()
    if why := missing():
        print(f"not measured: {why}")
        return
    folder = Path(tempfile.mkdtemp(prefix="size-", dir="/tmp"))
    try:
        sizes = measure(asked.tree, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("| image | MiB in a registry | MiB unpacked |\n|---|---|---|")
    for shown, size in sizes.items():
        print(f"| {shown} | {size.packed / 2**20:.1f} | {size.unpacked / 2**20:.1f} |")
    before, after = sizes["present Dockerfile"], sizes["emitted Dockerfile"]
    ratio = after.packed / before.packed
    print(f"\nemitted / present: {ratio:.2f} in a registry, "
          f"{after.unpacked / before.unpacked:.2f} unpacked")  # fmt: skip
    if ratio > asked.aim:
        sys.exit(f"above the aim of {asked.aim}")


if __name__ == "__main__":
    main()
