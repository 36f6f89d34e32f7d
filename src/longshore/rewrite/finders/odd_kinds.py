"""The finders of rarer kinds of files, in order. Pure."""

from __future__ import annotations

from longshore.rewrite.finders import configuration_code, host_files, image_lists, java_builds
from longshore.rewrite.finders.finder import Finder

HOSTS: tuple[Finder, ...] = (*host_files.FINDERS, *java_builds.FINDERS)
FINDERS: tuple[Finder, ...] = (*configuration_code.FINDERS, *image_lists.FINDERS)
