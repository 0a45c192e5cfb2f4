"""A quick yes to what has the fields and types of its schema; what gets none is left to jsonschema, which explains.

Most objects are sound, and jsonschema takes a hundred times as long over them. Where this is in doubt it says no.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["Sound"]

Check = Callable[[Any], bool]
_DEFS: Final = "#/$defs/"
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


class Sound:
    """Checks made from schemas, a function each, when they are first asked for.

    >>> fields = {"n": {"type": "integer"}, "more": {"type": "array", "items": {"$ref": "#/$defs/A"}}}
    >>> defs = {"A": {"type": "object", "additionalProperties": False, "required": ["n"], "properties": fields}}
    >>> sound = Sound(defs, {})
    >>> [sound(value, "A") for value in ({"n": 1, "more": [{"n": 2}]}, {"n": True}, {"n": 1, "m": 2}, {})]
    [True, False, False, False]
    """

    def __init__(self, definitions: Mapping[str, Any], formats: Mapping[str, Check]) -> None:
        self.definitions, self.formats = definitions, formats
        self.named = functools.cache(self._named)

    def __call__(self, value: Any, definition: str) -> bool:
        """Whether a value surely fits a definition."""
        return self.named(definition)(value)

    def _named(self, definition: str) -> Check:
        return self.check(self.definitions[definition])

    def check(self, schema: Mapping[str, Any]) -> Check:
        """The check of one schema; a reference is followed when a value is there, since schemas hold themselves."""
        if "$ref" in schema:
            target = schema["$ref"].removeprefix(_DEFS)
            return lambda value: self.named(target)(value)
        if "properties" in schema:
            return self.fields(schema)
        types = schema.get("type")
        if types == "array" and "items" in schema:
            item = self.check(schema["items"])
            return lambda value: type(value) is list and all(map(item, value))
        inner = schema.get("additionalProperties")
        if types == "object" and isinstance(inner, Mapping):
            each = self.check(inner)
            return lambda value: type(value) is dict and all(map(each, value.values()))
        return self.plain(types, self.formats.get(schema.get("format", "")))

    def fields(self, schema: Mapping[str, Any]) -> Check:
        """An object whose fields are known."""
        known = {name: self.check(each) for name, each in schema["properties"].items()}
        required = tuple(schema.get("required", ()))
        closed = schema.get("additionalProperties") is False

        def check(value: Any) -> bool:
            if type(value) is not dict or any(name not in value for name in required):
                return False
            for name, each in value.items():
                fits = known.get(name)
                if closed if fits is None else not fits(each):
                    return False
            return True

        return check

    @staticmethod
    def plain(types: Any, form: Check | None) -> Check:
        """A value of one of these JSON types, in a form; a truth value is no number."""
        named = [types] if isinstance(types, str) else types or ()
        wanted = frozenset(each for name in named for each in _TYPES.get(name, ()))
        if not wanted:
            return lambda _: True
        if form is None:
            return lambda value: type(value) in wanted
        return lambda value: type(value) in wanted and form(value)
