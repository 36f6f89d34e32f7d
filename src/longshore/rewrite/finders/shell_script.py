"""Shell scripts: by their ending, by their first line, or by their name. Pure."""

from __future__ import annotations

import re

from longshore.rewrite.finders.finder import Finder, Tree
from longshore.rewrite.finders.script_builds import arguments_in
from longshore.rewrite.finders.shell_commands import Script, mentions_in
from longshore.rewrite.mentions import Pulled, Sighting
from longshore.rewrite.source import BOM, SourceFile, Span

KIND = "shell-script"
# Every program that `programs` knows, every variable that may stand for one, every image variable.
MARKS = (
    *(b"docker", b"DOCKER", b"Docker", b"podman", b"PODMAN", b"nerdctl", b"finch", b"buildah"),
    *(b"image", b"IMAGE", b"Image", b"IMG", b"_BASE", b"CONTAINER", b"ENGINE", b"RUNTIME"),
    *(b"crane", b"skopeo", b"regctl", b"oras", b"cosign", b"notation", b"trivy", b"grype"),
    *(b"syft", b"dive", b"dockle", b"snyk", b"ctr", b"crictl", b"singularity", b"apptainer"),
    *(b"kubectl", b"helm", b"minikube", b"pack ", b"act ", b"jib", b"copa", b"oc "),
)
_ENDING = re.compile(
    r"\.(?:sh|bash|zsh|ksh|dash|bats|command|envrc|run)"
    r"(?:\.(?:in|tmpl|tpl|template|j2|erb|dist|example|sample|txt))?\Z",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(
    r"[^.]\.(?:j2|jinja2?|erb|tpl|tmpl|tftpl|template|gotmpl|mustache|in)\Z", re.IGNORECASE
)
_NAMES = frozenset(
    {
        *(".envrc", ".bashrc", ".bash_profile", ".bash_aliases", ".profile", ".zshrc"),
        *(".aliases", ".functions", "user-data", "userdata", "APKBUILD", "PKGBUILD"),
    }
)
_SHEBANG = re.compile(
    r"\ufeff?#!\s*\S*?/(?:env\s+(?:-\S+\s+)*)?(?:ba|z|k|da|a|mk)?sh\b|\ufeff?#!.*\bbats\b"
)
_OTHER_SHEBANG = re.compile(
    r"\ufeff?#![^\n]*\b(?:python|perl|ruby|node|php|fish|pwsh|awk|tclsh|lua)"
)
_DOJO = re.compile(r"Dojofile[\w-]*\Z")
_HOOK_FOLDERS = re.compile(r"(?:^|/)\.(?:husky|githooks|buildkite/hooks|git-hooks)/[^/]+\Z")


def takes(path: str) -> bool:
    """Whether a file may be a shell script: ending, name, no ending at all, or a template's."""
    name = path.rpartition("/")[2]
    if "." not in name or name in _NAMES:
        return True
    return _ENDING.search(name) is not None or _TEMPLATE.search(name) is not None


def find(file: SourceFile, tree: Tree) -> list[Sighting] | None:
    """The images that a script's commands name."""
    if not is_script(file):
        return None
    text = file.text
    if text.startswith(BOM):
        text = " " + text[1:]
    script = Script(text, lambda start, end: Span(start, end), KIND, _pulled(file), path=file.path)
    found = mentions_in(script, definitions=True)
    return [*found, *arguments_in(script, tree, file.folder)]


def is_script(file: SourceFile) -> bool:
    """Whether a file is shell text: by its name, or by its first line."""
    head = file.text[:200]
    if _OTHER_SHEBANG.match(head):
        return False
    if _ENDING.search(file.name) or file.name in _NAMES or _HOOK_FOLDERS.search(file.path):
        return True
    if _DOJO.match(file.name):
        return True
    return _SHEBANG.match(head) is not None


def _pulled(file: SourceFile) -> Pulled:
    return "test" if file.name.endswith(".bats") else "host"


FINDER = Finder("shell-script", takes, find, MARKS)
