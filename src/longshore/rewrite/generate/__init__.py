"""Files that are written new for a tree: workflows, a Dockerfile, what it ignores. Pure.

Texts come from templates that read as if written by hand; every choice is a value of `options`.
"""
