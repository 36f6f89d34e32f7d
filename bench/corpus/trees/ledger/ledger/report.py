"""Words that only look like images."""

from redis import Redis

QUERY = "SELECT * FROM postgres:latest"
IMAGE = "report:large.png"


def image(name="nginx:alpine"):
    """docker run nginx:alpine prints nothing here."""
    return Redis.from_url("redis://redis:6379"), name
