"""The usual mistakes of a half-done move, each a check of its own. Pure.

A check reads the survey of a tree and says what is wrong, where, why it matters and what to write
instead. It never guesses: what cannot be read is not reported.
"""
