"""The finders: each knows one kind of file and says where it names images. Pure.

A finder is two functions: `takes(path)` by the path alone, and `find(file, tree)` that gives
mentions, or None when the file turns out not to be of its kind (the next finder is asked). The
first finder in `FINDERS` that does not answer None has the file.

`marks` are byte strings of which at least one must be in the file; it lets the walk skip a
file without parsing it. Empty means every file that `takes` accepts is parsed.
"""
