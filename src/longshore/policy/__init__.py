"""What ought to be, judged from facts: naming, tags, lifecycle policies. Pure."""
