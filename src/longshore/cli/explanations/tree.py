"""Error codes of files: longshore.yaml, state, logins, plans. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_config(), *_plans(), *_state(), *_logins(), *_pipeline()]


def _config() -> list[Explanation]:
    check = tr("`longshore config check` names all mistakes at once, each with line and column")
    return [
        Explanation(
            "config-invalid",
            2,
            tr("longshore.yaml says something that it may not say."),
            (tr("a value of the wrong kind, such as a number that YAML reads without quotes"),),
            (check, tr("`longshore config schema` is the JSON Schema for your editor")),
        ),
        Explanation(
            "config-syntax",
            2,
            tr("longshore.yaml is not YAML, or uses a part of YAML that is not taken here."),
            (tr("a tab or wrong indentation"), tr("a colon inside an unquoted value")),
            (tr("look at the line and column that the error names"),),
        ),
        Explanation(
            "config-unknown-key",
            2,
            tr("longshore.yaml has a key that means nothing, so nothing would happen for it."),
            (tr("a misspelt key"), tr("a key at the wrong depth")),
            (tr("the hint names the nearest key, or all that may stand there"),),
        ),
        Explanation(
            "config-missing-key",
            2,
            tr("longshore.yaml lacks a key that must be there."),
            (),
            (tr("add the key; the hint says what it is for"),),
        ),
        Explanation(
            "config-duplicate-key",
            2,
            tr("A key stands twice in one mapping; only one of them could count."),
            (),
            (tr("remove one, or put both values into one list"),),
        ),
        Explanation(
            "config-variable",
            2,
            tr("longshore.yaml uses an environment variable that is not set."),
            (),
            (tr("set the variable, or write ${NAME:-default}"),),
        ),
        Explanation(
            "config-secret",
            2,
            tr("A secret stands in longshore.yaml itself."),
            (tr("a password or access key written as a value"),),
            (
                tr("refer to it: ${NAME}, or docker's own login"),
                tr("change the secret: it may be in the history of the tree already"),
            ),
        ),
        Explanation(
            "config-not-found",
            2,
            tr("The configuration file is not there."),
            (tr("another folder"), tr("a misspelt --config or LONGSHORE_CONFIG")),
            (tr("go to the folder with longshore.yaml, or name the file with --config"),),
        ),
        Explanation(
            "unknown-target",
            2,
            tr("longshore.yaml has no target of this name."),
            (tr("a misspelt --target or LONGSHORE_TARGET"),),
            (tr("`longshore config show` lists the targets"),),
        ),
        Explanation(
            "bad-version-range",
            2,
            tr("A version range cannot be read."),
            (),
            (tr('write it like ">=1.2" or ">=1.0 <2.0"'),),
        ),
        Explanation(
            "config-file",
            2,
            tr("A file that longshore.yaml names cannot be read."),
            (tr("a lifecycle policy that is not beside longshore.yaml"),),
            (tr("paths count from the folder of longshore.yaml, and stay inside it"),),
        ),
        Explanation(
            "unknown-image",
            2,
            tr("No entry of `images` has the name that --only asks for."),
            (),
            (tr("the message lists the names; they are the `to` of the entries"),),
        ),
    ]


def _plans() -> list[Explanation]:
    anew = tr("make a new one and look at it: `longshore plan -o FILE`")
    return [
        Explanation(
            "bad-plan",
            2,
            tr("The file is not a saved plan, or was changed after it was made."),
            (),
            (anew,),
        ),
        Explanation(
            "plan-elsewhere",
            3,
            tr("The saved plan is for another target, account or Region."),
            (),
            (tr("choose its target with --target"), anew),
        ),
        Explanation(
            "plan-stale",
            3,
            tr("Something changed since the plan was made; it is not carried out."),
            (tr("somebody else changed the repository"), tr("a tag moved at the source")),
            (anew,),
        ),
        Explanation(
            "unsafe-plan",
            3,
            tr("The plan would delete or remake something that may hold images."),
            (tr("a repository left the config"), tr("its encryption cannot be changed in place")),
            (tr("if that is meant, add the flag that the hint names; it names the repository"),),
        ),
    ]


def _state() -> list[Explanation]:
    return [
        Explanation(
            "state-folder",
            1,
            tr("The folder for journals and logs cannot be used."),
            (tr("no permission"), tr("the disk is full")),
            (tr("name another one with LONGSHORE_STATE_DIR"),),
        ),
        Explanation(
            "already-running",
            3,
            tr("The same work is being done by another longshore at this moment."),
            (tr("a second terminal or pipeline"),),
            (tr("wait for it; what it does will count for this run too"),),
        ),
        Explanation(
            "symlink",
            3,
            tr("A file to be written is a symbolic link; it might lead anywhere."),
            (),
            (tr("name the real file"),),
        ),
        Explanation(
            "journal",
            1,
            tr("The journal, which makes a run resumable, cannot be written."),
            (tr("the disk is full"), tr("no permission")),
            (tr("make room, or name another folder with LONGSHORE_STATE_DIR"),),
        ),
        Explanation(
            "file-unusable",
            1,
            tr("A file or folder cannot be read or written."),
            (tr("no permission"), tr("a symbolic link inside an image layout")),
            (tr("check the path that the message names"),),
        ),
        Explanation(
            "file-too-large",
            1,
            tr("A file is larger than what it should be could ever be."),
            (),
            (tr("make the layout or archive anew"),),
        ),
        Explanation("not-text", 1, tr("A file is not UTF-8 text."), (), (tr("save it as UTF-8"),)),
    ]


def _logins() -> list[Explanation]:
    return [
        Explanation(
            "auth-file",
            1,
            tr("A file with docker's or podman's logins could not be read or written."),
            (tr("it is not JSON"), tr("no permission")),
            (
                tr("repair it; nothing in it was changed"),
                tr("or name another place with DOCKER_CONFIG or REGISTRY_AUTH_FILE"),
            ),
        ),
        Explanation(
            "bad-docker-config",
            4,
            tr("Docker's file with logins cannot be read."),
            (tr("it is not JSON"), tr("an entry is damaged")),
            (tr("repair or remove the file, then log in again"),),
        ),
        Explanation(
            "credential-helper-failed",
            4,
            tr("The program that keeps the registry's password did not give it."),
            (tr("it is not installed"), tr("its keychain is locked")),
            (
                tr("try it by hand: echo HOST | docker-credential-NAME get"),
                tr("or remove it from `credHelpers` or `credsStore` of docker's config.json"),
            ),
        ),
        Explanation(
            "tool-login-failed",
            4,
            tr("docker, podman or skopeo did not accept the login that it was given."),
            (tr("the program cannot reach the registry"), tr("its keychain is locked")),
            (
                tr("its own words stand in the message"),
                tr("`longshore login --helper` needs none of them"),
            ),
        ),
        Explanation(
            "helper-not-on-path",
            1,
            tr("docker finds credential helpers only on PATH, and ours is not there."),
            (tr("longshore is installed in a virtual environment"),),
            (tr("make the link that the hint shows"),),
        ),
    ]


def _pipeline() -> list[Explanation]:
    token = tr("a token with permission to read and write secrets and variables of the repository")
    return [
        Explanation(
            "no-install",
            3,
            tr("The pipeline would have to install longshore, and nothing says which one."),
            (tr("longshore.yaml has no ci.install"),),
            (
                tr("set ci.install to a commit, a wheel with its hash, or a requirements file"),
                tr("or write the pipeline without longshore: `longshore ci emit --plain`"),
            ),
        ),
        Explanation(
            "unknown-action",
            2,
            tr("An action is not in the list of commits that comes with longshore."),
            (),
            (tr("update longshore"),),
        ),
        Explanation(
            "unknown-project",
            2,
            tr("A Dockerfile is written for Node and Python projects only."),
            (tr("another folder than the project's"),),
            (tr("name the project's folder with --tree"),),
        ),
        Explanation(
            "no-workflow",
            2,
            tr("The workflow that --from names is not in the tree."),
            (),
            (tr("name it by its path, such as .github/workflows/ci.yml"),),
        ),
        Explanation(
            "github-token",
            4,
            tr("GitHub does not know who is asking."),
            (tr("no token"), tr("a token that has expired")),
            (tr("set GITHUB_TOKEN: {token}", token=token),),
        ),
        Explanation(
            "github-refused",
            1,
            tr("GitHub refused, or something else answered in its place."),
            (tr("a token that may not do this"), tr("a wrong GITHUB_API_URL")),
            (token,),
        ),
        Explanation(
            "github-limit",
            6,
            tr("GitHub's limit of requests is reached."),
            (),
            (tr("wait an hour, then run the same command again"),),
        ),
        Explanation(
            "bad-repository",
            2,
            tr("The name is not that of a repository at GitHub."),
            (),
            (tr("write it as OWNER/NAME"),),
        ),
        Explanation(
            "bad-value",
            2,
            tr("Standard input has a line that is not one of the pipeline's values."),
            (),
            (tr("write lines NAME=VALUE; `longshore ci secrets` lists the names"),),
        ),
    ]
