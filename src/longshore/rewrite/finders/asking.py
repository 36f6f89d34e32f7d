"""Which finders need not be asked about a path, so that large trees are told apart fast. Pure.

Most files of a tree are code, styles and pictures. Some finders take none of these, whatever the
file is called; others only if a certain word is in its path (`Makefile.go`). A test tries each of
them with every word of its own source. A finder that is not named here is asked about every path.
"""

from __future__ import annotations

import re

# Endings (in lower case) of files that are no configuration.
CODE_ENDINGS = frozenset({
    "asm", "astro", "avif", "bin", "bmp", "c", "cc", "class", "clj", "cljs", "cpp", "cs",
    "css", "csv", "cxx", "dart", "dll", "eot", "erl", "ex", "exs", "fs", "gif", "go", "gz",
    "h", "hpp", "hs", "htm", "html", "ico", "jar", "java", "jpeg", "jpg", "js", "jsx", "kt",
    "less", "lock", "lua", "m", "map", "md", "mdx", "mjs", "ml", "mm", "mp3", "mp4", "o",
    "otf", "pdf", "pem", "php", "pl", "png", "proto", "py", "pyc", "pyi", "pyx", "r", "rb",
    "rs", "rst", "s", "sass", "scala", "scss", "snap", "so", "sql", "sum", "svelte", "svg",
    "swift", "ts", "tsx", "ttf", "txt", "vue", "wasm", "webm", "webp", "woff", "woff2", "xlsx",
    "zip", "zig",
})  # fmt: skip

NOT_FOR_CODE = frozenset({
    *("workflow", "action", "gitlab-ci", "circleci", "drone", "azure-pipelines"),
    *("cloudbuild", "buildkite", "pre-commit", "devcontainer", "bitbucket-pipelines", "semaphore"),
    *("travis", "appveyor", "codefresh", "screwdriver", "buddy", "gitpod", "devfile", "okteto"),
    *("render", "molecule", "conda-forge", "taskcluster", "copilot", "codebuild"),
    *("goreleaser", "marathon", "cloudformation", "ecs", "skaffold", "kamal", "kitchen"),
    *("digitalocean", "fly", "buildpacks", "gitlab-runner", "cross", "cibuildwheel"),
    *("toml-image", "compose", "kustomize", "helmfile", "helm-values"),
    *("helm-unittest", "bake", "packer", "terraform", "terragrunt"),
    *("kubernetes", "compose-by-content", "concourse", "gitlab-included", "cloudbuild-yaml"),
    *("azure-template", "ansible", "yaml"),
    *("quadlet", "systemd", "machine-config", "terraform-template", "jsonnet", "cue", "nix"),
    *("bazel", "dhall", "starlark", "kamal-yaml", "fragments"),
    *("gitlab-template", "taskfile", "justfile", "template", "maven", "gradle", "ko"),
    *("dockerfile-by-content", "api-description"),
})  # fmt: skip


# Asked about code whose path holds one of these words only.
BY_WORD = frozenset({
    *("dockerfile", "earthfile", "vagrantfile", "captain", "vagrant", "teamcity", "helm-chart"),
    *("helm-template", "nomad", "jenkinsfile", "singularity", "tilt", "env-file"),
    *("makefile", "package-json", "procfile", "systemd-unit", "windows-script"),
})  # fmt: skip
WORD = re.compile(
    "docker|container|file|captain|teamcity|chart|require|templates|nomad|jenkins|singularity"
    "|apptainer|env|package",
    re.IGNORECASE,
)


# Code with none of these in its path is told apart by its ending alone.
TELLING = re.compile("cloud|user|init|data|image|txt", re.IGNORECASE)


def is_code(path: str) -> bool:
    """Whether a path ends like code."""
    dot = path.rfind(".")
    return dot >= 0 and path[dot + 1 :].lower() in CODE_ENDINGS
