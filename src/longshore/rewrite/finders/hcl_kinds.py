"""The finders of HCL files, in order: each leaves what it does not know to the next. Pure."""

from __future__ import annotations

from longshore.rewrite.finders import bake, nomad, packer, terraform
from longshore.rewrite.finders.finder import Finder

FINDERS: tuple[Finder, ...] = (
    bake.FINDER,
    nomad.FINDER,
    packer.FINDER,
    terraform.FINDER,
    terraform.TERRAGRUNT,
)
