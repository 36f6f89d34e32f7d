"""The team's source tree: find every image reference, judge it, change what can change. Pure.

Gather: `tree` walks and reads (I/O). Decide: `syntax` gives positions to what a file says,
`finders` name the places that name an image (one file a kind), `survey` fills in what other files
know, `hazards` look for the usual mistakes of a move, `plan` says what each place becomes, `edits`
splices. Act: `run` writes, keeps the originals, and takes back.

A tree is data. Nothing that a file names is run, no file is followed out of the tree.
"""
