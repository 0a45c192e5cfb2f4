"""How much a picture shows one by one; with more, what is alike is drawn once, with its count."""

from typing import Final

__all__ = ["LIMIT", "MOST_AT_ALL", "MOST_REPLICAS"]

LIMIT: Final = 80
"""Things in a picture."""
MOST_AT_ALL: Final = 10_000
"""Things in a story that piles its own: a film must not change its mind when one more comes."""
MOST_REPLICAS: Final = 6
"""Pods of one workload in a figure that shows an idea; the idea needs no more."""
