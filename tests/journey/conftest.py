"""The lab, and a registry that is not ours."""

from tests.journey.lab import lab, workshop
from tests.remote.conftest import debian, start_registry

__all__ = ["debian", "lab", "start_registry", "workshop"]
