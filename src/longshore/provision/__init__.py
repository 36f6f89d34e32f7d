"""Plan and apply what AWS is to hold: gather actual, decide changes, act. I/O."""
