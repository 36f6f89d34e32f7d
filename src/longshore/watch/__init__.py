"""Looks at a registry and never changes it. I/O."""
