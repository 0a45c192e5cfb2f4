"""Times as kubectl shows them: ages (k8s.io/apimachinery/pkg/util/duration) and dates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from k8sviz.rules.availability import epoch

__all__ = ["ago", "date", "human", "parse_duration"]

_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_MINUTE, _HOUR = 60, 3600


def human(seconds: float) -> str:
    """A length of time (duration.HumanDuration).

    >>> human(5), human(125), human(3600 * 3), human(3600 * 25), human(-3), human(86400 * 9)
    ('5s', '2m5s', '3h', '25h', '<invalid>', '9d')
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 2 * _MINUTE:
        return f"{max(whole, 0)}s"
    minutes, hours = whole // _MINUTE, whole // _HOUR
    if minutes < 10:
        return _two(minutes, "m", whole % _MINUTE, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    return _days(hours)


def _days(hours: int) -> str:
    days = hours // 24
    if hours < 24 * 8:
        return _two(days, "d", hours % 24, "h")
    if hours < 24 * 365 * 2:
        return f"{days}d"
    if hours < 24 * 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, one: str, small: int, other: str) -> str:
    return f"{large}{one}{small}{other}" if small else f"{large}{one}"


def ago(stamp: str, now: float) -> str:
    """How long ago an API time is; `<unknown>` for none (translateTimestampSince). `now` is seconds since 1970.

    >>> ago("2026-11-23T10:00:00Z", epoch("2026-11-23T10:00:09Z"))
    '9s'
    """
    at = epoch(stamp) if stamp else None
    return "<unknown>" if at is None else human(now - at)


def date(stamp: str) -> str:
    """An API time as RFC1123Z, as `kubectl describe` has it.

    >>> date("2026-11-23T09:27:48Z")
    'Mon, 23 Nov 2026 09:27:48 +0000'
    """
    at = epoch(stamp)
    if at is None:
        return "Mon, 01 Jan 0001 00:00:00 +0000"
    return datetime.fromtimestamp(at, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")


def parse_duration(text: str) -> float | None:
    """Seconds of a Go duration (`90s`, `1m30s`); None when it is none. Without a unit it is seconds, as --timeout=0.

    >>> parse_duration("1m30s"), parse_duration("500ms"), parse_duration("soon")
    (90.0, 0.5, None)
    """
    import re

    sign = -1.0 if text.startswith("-") else 1.0
    rest = text.lstrip("+-")
    if re.fullmatch(r"\d+", rest):
        return sign * float(rest)
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        return None
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)
