"""The face: the command line, what it shows, and the wiring of clients. I/O."""
