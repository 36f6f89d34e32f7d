"""The finders of CI systems and of other declarative files, by name. Pure.

`NAMED` know their files by path; `LATE` look into YAML that nobody claims by name; `LAST` takes
whatever YAML is left.
"""

from __future__ import annotations

from longshore.rewrite.finders import (
    ansible,
    azure_pipelines,
    buildkite,
    circleci,
    cloudbuild,
    cloudformation,
    concourse,
    deploy_tools,
    devcontainer,
    drone,
    ecs,
    generic_yaml,
    gitlab_ci,
    plain_lines,
    pre_commit,
    singularity,
    skaffold,
    tilt,
    vagrant,
)
from longshore.rewrite.finders.finder import Finder
from longshore.rewrite.finders.layout_kinds import LAYOUTS

NAMED: tuple[Finder, ...] = (
    Finder("gitlab-ci", gitlab_ci.takes_by_name, gitlab_ci.find_gitlab_ci, gitlab_ci.MARKS),
    Finder("circleci", circleci.takes, circleci.find, circleci.MARKS),
    Finder("drone", drone.takes, drone.find, drone.MARKS),
    Finder("azure-pipelines", azure_pipelines.takes, azure_pipelines.find, azure_pipelines.MARKS),
    Finder(
        "azure-template",
        azure_pipelines.takes_template,
        azure_pipelines.find,
        azure_pipelines.TEMPLATE_MARKS,
    ),
    Finder(
        "gitlab-template",
        azure_pipelines.takes_template,
        gitlab_ci.find_included,
        gitlab_ci.TEMPLATE_MARKS,
    ),
    Finder("cloudbuild", cloudbuild.takes, cloudbuild.find),
    Finder("buildkite", buildkite.takes, buildkite.find, buildkite.MARKS),
    Finder("pre-commit", pre_commit.takes, pre_commit.find, pre_commit.MARKS),
    Finder("devcontainer", devcontainer.takes, devcontainer.find, devcontainer.MARKS),
    *(layout.finder() for layout in LAYOUTS),
    Finder("cloudformation", cloudformation.takes, cloudformation.find, cloudformation.MARKS),
    Finder("ecs", ecs.takes, ecs.find, ecs.MARKS),
    Finder("skaffold", skaffold.takes, skaffold.find, skaffold.MARKS),
    Finder("tilt", tilt.takes, tilt.find, tilt.MARKS),
    singularity.FINDER,
    vagrant.FINDER,
    *deploy_tools.FINDERS,
    *plain_lines.FINDERS,
)

LATE: tuple[Finder, ...] = (
    Finder("concourse", concourse.takes, concourse.find, concourse.MARKS),
    Finder("gitlab-included", gitlab_ci.takes_yaml, gitlab_ci.find_included, gitlab_ci.MARKS),
    Finder("cloudbuild-yaml", cloudbuild.takes_yaml, cloudbuild.find, cloudbuild.LATE_MARKS),
    Finder(
        "azure-template",
        azure_pipelines.takes_yaml,
        azure_pipelines.find,
        azure_pipelines.LATE_MARKS,
    ),
    deploy_tools.LATE,
    Finder("ansible", ansible.takes, ansible.find, ansible.MARKS),
)

LAST: tuple[Finder, ...] = (
    Finder("yaml", generic_yaml.takes, generic_yaml.find, generic_yaml.MARKS),
)
