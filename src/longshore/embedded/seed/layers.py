"""Makes the layer of each recipe, from files of this machine. I/O (reads files)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from longshore.embedded.seed import material
from longshore.embedded.seed.archive import Compression, Entry, Layer, pack
from longshore.embedded.seed.catalogue import (
    LibraryLayer,
    ProgramLayer,
    Recipe,
    SourceLayer,
    SystemLayer,
)
from longshore.embedded.seed.elf import executable

_MIB = 1024 * 1024
_MTIME = 1740994200  # 2025-03-03 09:30 UTC, when the catalogue begins
_SOURCES = 24


@dataclass(frozen=True)
class Maker:
    """Makes layers; `limit` is the most bytes of the machine's files in one layer."""

    limit: int = 48 * _MIB

    def make(self, recipe: Recipe) -> tuple[Layer, bytes]:
        """The recipe's layer and its bytes, the same ones each time on one machine."""
        compression: Compression = "gzip"
        if isinstance(recipe, SystemLayer):
            entries, words = self._system(recipe), f"ADD rootfs-{recipe.platform}.tar /"
        elif isinstance(recipe, LibraryLayer):
            entries, words = self._library(recipe), f"RUN install {' '.join(recipe.content)}"
            compression = recipe.compression
        elif isinstance(recipe, SourceLayer):
            entries, words = self._sources(recipe), f"COPY src /app/src # {recipe.revision[:7]}"
            compression = recipe.compression
        else:
            entries, words = self._program(recipe), f"COPY dist/{recipe.platform} /app"
        return pack(entries, compression, words, _MTIME)

    def _system(self, recipe: SystemLayer) -> list[Entry]:
        name, _, version = recipe.distribution.partition(" ")
        about = f'ID={name}\nVERSION_ID={version}\nPRETTY_NAME="{name} {version} (seed)"\n'
        hello = f"hello from {recipe.distribution} on {recipe.platform}\n"
        users = "root:x:0:0:root:/root:/bin/hello\nnobody:x:65534:65534:nobody:/:/bin/hello\n"
        return [
            Entry("bin/hello", executable(recipe.platform, hello), executable=True),
            Entry("etc/os-release", about.encode()),
            Entry("etc/passwd", users.encode()),
            Entry("etc/group", b"root:x:0:\nnogroup:x:65534:\n"),
        ]

    def _library(self, recipe: LibraryLayer) -> list[Entry]:
        if recipe.content == ("interpreter",):
            found = material.read_interpreter(self.limit)
        elif recipe.content == ("library",):
            found = self._standard
        elif recipe.content == ("tests",):
            found = material.read_library_tests(self.limit)
        else:
            found = material.read_packages(recipe.content, self.limit)
        listed = "\n".join(sorted(recipe.content)) + "\n"
        return [*found, Entry(f"var/lib/seed/{recipe.content[0]}", listed.encode())]

    def _sources(self, recipe: SourceLayer) -> list[Entry]:
        sources = [one for one in self._standard if one.path.endswith(".py")]
        first = int(recipe.revision[:8], 16) % max(len(sources), 1)
        chosen = (sources[first:] + sources[:first])[:_SOURCES]
        mark = f"# {recipe.application} at {recipe.revision}\n".encode()
        entries = [
            Entry(f"app/src/{one.path.partition('/python')[2]}", mark + one.content)
            for one in chosen
        ]
        return [*entries, Entry("app/REVISION", recipe.revision.encode() + b"\n")]

    def _program(self, recipe: ProgramLayer) -> list[Entry]:
        name = recipe.application.rpartition("/")[2]
        text = f"{recipe.application} {recipe.version} on {recipe.platform}\n"
        return [Entry(f"app/{name}", executable(recipe.platform, text), executable=True)]

    @cached_property
    def _standard(self) -> list[Entry]:
        return material.read_library(self.limit)
