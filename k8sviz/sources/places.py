"""Where in a YAML text a field stands, for messages that point at it."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

__all__ = ["Place", "Places"]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Place(NamedTuple):
    """A line and a column, from 1."""

    line: int
    column: int


class Places:
    """The places of a text's fields. The text is read only when somebody asks, and must be known to be sound YAML.

    >>> places = Places("kind: Pod\\nspec:\\n  volumes:\\n  - name: a\\n")
    >>> places.find(1, ("spec", "volumes", 0, "name"))
    Place(line=4, column=5)
    >>> places.find(1, ("spec", "containers"))
    Place(line=2, column=1)
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._documents: dict[int, Any] | None = None

    def find(self, line: int, path: tuple[str | int, ...]) -> Place | None:
        """The place of a field of the document at a line, or of the nearest one around it that is there.

        None where the text has no lines.
        """
        if self._documents is None:
            self._documents = {node.start_mark.line + 1: node for node in _composed(self._text)}
        node = self._documents.get(line)
        if node is None:
            return None
        mark = node.start_mark
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            mark, node = found
        return Place(mark.line + 1, mark.column + 1)


def _composed(text: str) -> list[Any]:
    try:
        nodes: list[Any] = list(yaml.compose_all(text, Loader=_Loader))
    except (yaml.YAMLError, RecursionError):  # JSON that is no YAML
        return []
    return [node for node in nodes if node is not None]


def _child(node: Any, part: str | int) -> tuple[Any, Any] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None
