"""One worry about a registry in each module: facts come in, findings go out. Pure."""
