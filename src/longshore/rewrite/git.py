"""git asked about the team's own tree, and told to commit. I/O.

Only commands that change files come here: a foreign clone's settings can name programs that git
runs, so `assess` never does. Arguments are lists, paths are literal, the file system monitor that
a clone may name is not started. Hooks run when something is committed, as they do for people.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from longshore.errors import LongshoreError, RefusedError, UsageError, Where
from longshore.text import tr

_AT_ONCE = 300
# These would lead git to another clone than the one that the files lie in.
_NOT_OURS = frozenset({
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"),
    *("GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
})  # fmt: skip


@dataclass(frozen=True)
class Git:
    """git with the caller's environment, in clones around a tree's files."""

    root: Path
    environ: Mapping[str, str]

    def dirty(self, paths: Iterable[str]) -> list[str]:
        """Those of the files that differ from the last commit, or are in none.

        Files outside any clone are not dirty. Raises RefusedError when git cannot tell.
        """
        found: list[str] = []
        for top, inner in self._by_clone(paths).items():
            named = {os.path.relpath(self.root / path, top): path for path in inner}
            words = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"]
            names = list(named)
            for start in range(0, len(names), _AT_ONCE):
                done = self._run(top, [*words, "--", *names[start : start + _AT_ONCE]])
                if done.returncode:
                    raise _cannot_tell(done)
                lines = done.stdout.decode("utf-8", "surrogateescape").split("\0")
                found += [named[line[3:]] for line in lines if line[3:] in named]
        return sorted(found)

    def commit(self, branch: str, message: str, paths: Iterable[str]) -> str:
        """Commit these files, and nothing else, on a new branch; the commit's id.

        The new branch is the current one afterwards. When git or a hook refuses, everything is as
        before. Raises UsageError for a bad name, RefusedError, LongshoreError with git's words.
        """
        clones = self._by_clone(paths)
        if len(clones) != 1:
            raise RefusedError(
                tr("the changed files do not lie in one clone"),
                tr("commit them yourself, or write a patch"),
                code="not-one-clone",
            )
        [(top, inner)] = clones.items()
        names = [os.path.relpath(self.root / path, top) for path in inner]
        self._check_branch(top, branch)
        here = self._here(top)
        self._must(top, ["switch", "--quiet", "--no-track", "--create", branch])
        new: list[str] = []
        try:
            new = self._untracked(top, names)
            if new:
                self._must(top, ["add", "--intent-to-add", *_FROM_INPUT], new)
            words = ["commit", "--quiet", "--only", "--message", message, *_FROM_INPUT]
            self._must(top, words, names)
            return self._must(top, ["rev-parse", "HEAD"]).strip()
        except BaseException:
            if new:
                self._run(top, ["reset", "--quiet", *_FROM_INPUT], new)
            self._run(top, ["switch", "--quiet", *here])
            self._run(top, ["branch", "--quiet", "-D", branch])
            raise

    def _check_branch(self, top: str, branch: str) -> None:
        checked = self._run(top, ["check-ref-format", "--branch", branch])
        if checked.returncode or checked.stdout.decode("utf-8", "replace").strip() != branch:
            raise UsageError(
                tr("{branch} cannot be the name of a branch", branch=branch),
                tr("choose another name"),
                code="bad-branch",
            )
        known = self._run(top, ["show-ref", "--verify", "--quiet", f"refs/heads/{branch}"])
        if known.returncode == 0:
            raise RefusedError(
                tr("there is a branch {branch} already", branch=branch),
                tr("choose another name, or delete the branch"),
                code="branch-exists",
            )

    def _here(self, top: str) -> list[str]:
        """What `git switch` needs to come back."""
        named = self._run(top, ["symbolic-ref", "--quiet", "--short", "HEAD"])
        commit = self._must(top, ["rev-parse", "--verify", "HEAD"]).strip()
        return ["--detach", commit] if named.returncode else [named.stdout.decode().strip()]

    def _untracked(self, top: str, names: Sequence[str]) -> list[str]:
        known: set[str] = set()
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            known |= set(self._must(top, ["ls-files", "-z", "--", *some]).split("\0"))
        return [name for name in names if name not in known]

    def _by_clone(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """Files by the top folder of the clone that they lie in; files in none are left out."""
        tops: dict[str, str | None] = {}
        found: dict[str, list[str]] = {}
        for path in sorted(set(paths)):
            folder = os.path.dirname(self.root / path)
            if folder not in tops:
                tops[folder] = _top_of(folder)
            top = tops[folder]
            if top is not None:
                found.setdefault(top, []).append(path)
        return found

    def _must(self, top: str, words: Sequence[str], names: Sequence[str] = ()) -> str:
        done = self._run(top, words, names)
        if done.returncode:
            raise LongshoreError(
                tr("git {command} failed: {why}", command=words[0], why=_said(done)),
                tr("nothing was committed; the changed files are as they were written"),
                code="commit-failed",
            )
        return done.stdout.decode("utf-8", "surrogateescape")

    def _run(
        self, top: str, words: Sequence[str], names: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        environ = {name: value for name, value in self.environ.items() if name not in _NOT_OURS}
        environ |= {"GIT_LITERAL_PATHSPECS": "1", "GIT_TERMINAL_PROMPT": "0"}
        if words[0] == "status":  # it only looks: no new index, so no hook of the clone either
            environ["GIT_OPTIONAL_LOCKS"] = "0"
        given = b"".join(os.fsencode(name) + b"\0" for name in names)
        command = ["git", "-C", top, "-c", "core.fsmonitor=false", *words]
        try:
            return subprocess.run(command, input=given, capture_output=True, env=environ)
        except OSError as error:
            return subprocess.CompletedProcess(command, 127, b"", str(error).encode())


_FROM_INPUT = ("--pathspec-from-file=-", "--pathspec-file-nul")


def _top_of(folder: str) -> str | None:
    """The nearest folder above (or this one) that has a `.git`."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return (done.stderr.strip() or done.stdout.strip()).decode("utf-8", "replace")[-2000:]


def _cannot_tell(done: subprocess.CompletedProcess[bytes]) -> RefusedError:
    return RefusedError(
        tr("git cannot tell whether files were changed: {why}", why=_said(done)),
        tr("see to git, or go on with --allow-dirty"),
        code="dirty-unknown",
    )


def refuse_dirty(paths: Sequence[str]) -> None:
    """Raise RefusedError when there are any."""
    if paths:
        shown = ", ".join(paths[:5]) + (", ..." if len(paths) > 5 else "")
        raise RefusedError(
            tr("{count} files have changes that are not committed: {files}",
               count=len(paths), files=shown),
            tr("commit or stash them first, or go on with --allow-dirty"),
            code="dirty-file",
            where=Where(file=paths[0]),
        )  # fmt: skip
