"""The finders of rarer kinds of files, in order. Pure."""

from __future__ import annotations

from longshore.rewrite.finders import configuration_code, host_files
from longshore.rewrite.finders.finder import Finder

FINDERS: tuple[Finder, ...] = (*host_files.FINDERS, *configuration_code.FINDERS)
