"""The lab's fixtures."""

from tests.journey.lab import lab, workshop

__all__ = ["lab", "workshop"]
