"""Copy images between registries, and prove both sides equal. I/O.

    gather   gather.py    lists both sides (no pull), asks HEADs where a listing lacks digests
    decide   plan.py      one verdict per tag: copy, unchanged or skip, with its reason
             schedule.py  outcomes in, steps out: children before index, closure before tag
             budget.py    how many steps of a kind at once, and how fast
             verify.py    what is equal, missing or different
    act      run.py       threads carry out steps; journal.py keeps what a resume needs
             prove.py     reads what verify judges

The room never opens a registry: it is given stores (`oci/store.py`).
"""
