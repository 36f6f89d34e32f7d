"""Images to move: real content made from what a Python machine has. I/O.

Gather: `material` reads files of the interpreter and of installed packages.
Decide (pure): `elf`, `archive`, `documents`, `catalogue` and `images` turn them into layers,
configurations, manifests and indexes, the same ones each time for the same files and seed.
Act: `load` puts them into a registry's contents; `foreign` does so with an OCI layout or a
`docker save` archive instead.
"""
