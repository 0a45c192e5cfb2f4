"""Objects as JSON, as Go writes them: keys sorted, numbers as the API server has them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

__all__ = ["compact", "indented", "number_text"]


def number_text(value: object) -> str:
    """A number as Go prints it: whole numbers without a point.

    >>> number_text(3), number_text(3.0), number_text(0.5)
    ('3', '3', '0.5')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def _html(text: str) -> str:
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def compact(value: Any) -> str:
    """On one line, without spaces (json.Marshal): what a jsonpath prints of an object, and what apply remembers.

    >>> compact({"b": [1, "a<b"], "a": None})
    '{"a":null,"b":[1,"a\\\\u003cb"]}'
    """
    return _html(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def indented(value: Any) -> str:
    """Four spaces a level, and a newline at the end: `-o json`.

    >>> print(indented({"b": [], "a": {"c": 1}}), end="")
    {
        "a": {
            "c": 1
        },
        "b": []
    }
    """
    return _html(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=4).decode()) + "\n"
