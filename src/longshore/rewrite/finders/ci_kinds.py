"""The finders of CI systems and of other declarative files, by name. Pure.

`NAMED` know their files by path; `LATE` look into YAML that nobody claims by name.
"""

from __future__ import annotations

from longshore.rewrite.finders import circleci, cloudformation, drone, ecs, gitlab_ci
from longshore.rewrite.finders.finder import Finder
from longshore.rewrite.finders.layout_kinds import LAYOUTS

NAMED: tuple[Finder, ...] = (
    Finder("gitlab-ci", gitlab_ci.takes_by_name, gitlab_ci.find_gitlab_ci, gitlab_ci.MARKS),
    Finder("circleci", circleci.takes, circleci.find, circleci.MARKS),
    Finder("drone", drone.takes, drone.find, drone.MARKS),
    *(layout.finder() for layout in LAYOUTS),
    Finder("cloudformation", cloudformation.takes, cloudformation.find, cloudformation.MARKS),
    Finder("ecs", ecs.takes, ecs.find, ecs.MARKS),
)

LATE: tuple[Finder, ...] = (
    Finder("gitlab-included", gitlab_ci.takes_yaml, gitlab_ci.find_included, gitlab_ci.MARKS),
)
