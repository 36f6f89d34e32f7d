"""The finders of files that hold commands. Pure.

`NAMED` know their files by name; `SHELL` takes whatever ends like a script, or has no ending and
begins like one.
"""

from __future__ import annotations

from longshore.rewrite.finders import (
    command_files,
    jenkinsfile,
    justfile,
    makefile,
    shell_script,
    task_files,
    vagrantfile,
)
from longshore.rewrite.finders.finder import Finder

NAMED: tuple[Finder, ...] = (
    makefile.FINDER,
    justfile.FINDER,
    jenkinsfile.FINDER,
    vagrantfile.FINDER,
    *task_files.FINDERS,
    *command_files.FINDERS,
)
SHELL: tuple[Finder, ...] = (shell_script.FINDER,)
