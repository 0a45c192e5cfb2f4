"""How much a picture shows one by one; with more, what is alike is drawn once, with its count."""

from typing import Final

__all__ = ["LIMIT", "MOST_REPLICAS"]

LIMIT: Final = 80
"""Things in a picture."""
MOST_REPLICAS: Final = 6
"""Pods of one workload in a figure that shows an idea; the idea needs no more."""
