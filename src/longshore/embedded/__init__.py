"""The stand-in: a Docker Hub and an Amazon ECR on loopback. I/O."""
