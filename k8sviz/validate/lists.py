"""What rules of Pods, volumes and controllers share: lists without doubles, one source of several, least numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from k8sviz.rules.fields import integer, text
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.published import Part

__all__ = ["at_least", "mappings", "named_reference", "one_of", "source_problems", "twice"]

JSON = Mapping[str, Any]


def twice(names: Iterable[str], path: FieldPath, field: str) -> Iterator[Problem]:
    """A Problem for each name that came before: `path` is the list's, `field` what must differ."""
    seen: Counter[str] = Counter()
    for i, name in enumerate(names):
        seen[name] += 1
        if name and seen[name] == 2:
            yield Problem((*path, i, field), "duplicate", {"value": shown_value(name)})


def source_problems(volume: JSON, path: FieldPath, besides: frozenset[str]) -> Iterator[Problem]:
    """A volume has exactly one source; `besides` are the fields that are none."""
    sources = [name for name in volume if name not in besides]
    if not sources:
        yield Problem(path, "no-volume-type", {"name": text(volume, "name")})
    elif len(sources) > 1:
        yield Problem((*path, sources[1]), "two-volume-types", {"first": sources[0], "second": sources[1]}, at_key=True)


def one_of(part: Part, fields: tuple[str, ...]) -> Iterator[Problem]:
    """Exactly one of these fields is there."""
    found = [field for field in fields if field in part.value]
    if not found:
        yield Problem(part.path, "none-of", {"known": ", ".join(fields)})
    elif len(found) > 1:
        yield Problem((*part.path, found[1]), "both", {"other": found[0]}, at_key=True)


def at_least(part: Part, field: str, least: int) -> Iterator[Problem]:
    """A number that may not be smaller."""
    value = integer(part.value, field)
    if value is not None and value < least:
        yield Problem((*part.path, field), "at-least", {"value": str(value), "least": str(least)})


def mappings(value: JSON, field: str) -> list[JSON]:
    """Like `listed`, but an item of the wrong type counts as an empty one, so that places stay right."""
    found = value.get(field)
    return [item if isinstance(item, Mapping) else {} for item in found] if isinstance(found, list) else []


def named_reference(part: Part, _: JSON) -> Iterator[Problem]:
    """A reference that names its object."""
    if not text(part.value, "name"):
        yield Problem((*part.path, "name"), "required", {"name": "name"})
