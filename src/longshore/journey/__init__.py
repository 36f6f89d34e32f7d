"""The whole way: what migrate, status and resume string together. I/O."""
