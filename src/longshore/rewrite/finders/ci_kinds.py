"""The finders of CI systems and of other declarative files, by name. Pure.

`NAMED` know their files by path; `LATE` look into YAML that nobody claims by name.
"""

from __future__ import annotations

from longshore.rewrite.finders import (
    azure_pipelines,
    buildkite,
    circleci,
    cloudbuild,
    cloudformation,
    devcontainer,
    drone,
    ecs,
    gitlab_ci,
    pre_commit,
)
from longshore.rewrite.finders.finder import Finder
from longshore.rewrite.finders.layout_kinds import LAYOUTS

NAMED: tuple[Finder, ...] = (
    Finder("gitlab-ci", gitlab_ci.takes_by_name, gitlab_ci.find_gitlab_ci, gitlab_ci.MARKS),
    Finder("circleci", circleci.takes, circleci.find, circleci.MARKS),
    Finder("drone", drone.takes, drone.find, drone.MARKS),
    Finder("azure-pipelines", azure_pipelines.takes, azure_pipelines.find, azure_pipelines.MARKS),
    Finder("cloudbuild", cloudbuild.takes, cloudbuild.find),
    Finder("buildkite", buildkite.takes, buildkite.find, buildkite.MARKS),
    Finder("pre-commit", pre_commit.takes, pre_commit.find, pre_commit.MARKS),
    Finder("devcontainer", devcontainer.takes, devcontainer.find, devcontainer.MARKS),
    *(layout.finder() for layout in LAYOUTS),
    Finder("cloudformation", cloudformation.takes, cloudformation.find, cloudformation.MARKS),
    Finder("ecs", ecs.takes, ecs.find, ecs.MARKS),
)

LATE: tuple[Finder, ...] = (
    Finder("gitlab-included", gitlab_ci.takes_yaml, gitlab_ci.find_included, gitlab_ci.MARKS),
    Finder("cloudbuild-yaml", cloudbuild.takes_yaml, cloudbuild.find, cloudbuild.LATE_MARKS),
    Finder(
        "azure-template",
        azure_pipelines.takes_yaml,
        azure_pipelines.find,
        azure_pipelines.LATE_MARKS,
    ),
)
