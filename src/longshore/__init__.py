"""longshore moves a team from Docker Hub to Amazon ECR, and then runs the registry well. Pure."""

__version__ = "0.1.0.dev0"
