"""Texts as trees with exact positions: YAML, Dockerfile, shell, HCL, JSON. Pure.

Nothing here knows what an image is. Every node carries a `Span` of its file's text, so that an
edit changes exactly those characters. A text that cannot be parsed gives what can be had.
"""
