"""What `bench/run.py` is made of. Nothing of longshore is imported: it is measured from outside."""
