"""The source tree that names images: find, decide, edit. Arrives with assess and rewrite. I/O."""
