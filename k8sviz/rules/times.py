"""The API's time stamps as seconds since 1970."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

__all__ = ["epoch"]

_FINE = re.compile(r"(\.\d{6})\d+")


@lru_cache(maxsize=4096)
def epoch(stamp: str) -> float | None:
    """Seconds since 1970 of an RFC 3339 stamp; None for a text that is none, or says no zone.

    >>> epoch("1970-01-01T00:01:00Z"), epoch("1970-01-01T00:00:00.5Z"), epoch("soon")
    (60.0, 0.5, None)
    """
    try:
        found = datetime.fromisoformat(_FINE.sub(r"\1", stamp))
        return found.timestamp() if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
