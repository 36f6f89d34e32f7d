"""Blue-green releases. I/O."""
