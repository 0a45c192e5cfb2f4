"""What a JSON patch (RFC 6902) makes of an object; the errors' words are those of the API server's library."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.errors import K8svizError

__all__ = ["json_patched"]


def json_patched(current: Mapping[str, Any], operations: Sequence[Any]) -> dict[str, Any]:
    """An object with a JSON patch applied. Raises K8svizError for an operation that cannot be done.

    >>> json_patched({"spec": {"replicas": 3}}, [{"op": "replace", "path": "/spec/replicas", "value": 5}])
    {'spec': {'replicas': 5}}
    """
    result: dict[str, Any] = copy.deepcopy(dict(current))
    for operation in operations:
        if not isinstance(operation, Mapping) or not isinstance(operation.get("path"), str):
            raise K8svizError("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
        _apply(result, operation)
    return result


def _apply(root: dict[str, Any], operation: Mapping[str, Any]) -> None:
    path = operation["path"]
    match operation.get("op"):
        case "add":
            _add(root, path, copy.deepcopy(operation.get("value")))
        case "remove":
            _remove(root, path)
        case "replace":
            _find(root, path, "replace")
            _set(root, path, copy.deepcopy(operation.get("value")))
        case "move" | "copy" as word:
            source = str(operation.get("from"))
            value = copy.deepcopy(_find(root, source, word))
            if word == "move":
                _remove(root, source)
            _add(root, path, value)
        case "test":
            if _find(root, path, "test") != operation.get("value"):
                raise K8svizError(f"testing value {path} failed: test failed")
        case other:
            raise K8svizError(f"Unexpected kind: {other}")


def _parts(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _step(value: Any, part: str) -> Any:
    """What is at one part of a path. Raises LookupError and ValueError."""
    if isinstance(value, dict):
        return value[part]
    if isinstance(value, list):
        return value[int(part)]
    raise KeyError(part)


def _walk(root: Any, parts: Sequence[str], path: str, word: str, missing: str) -> Any:
    value = root
    for part in parts:
        try:
            value = _step(value, part)
        except (LookupError, ValueError):
            text = f"{word} operation does not apply: doc is missing {missing}: {path}: missing value"
            raise K8svizError(text) from None
    return value


def _find(root: Any, path: str, word: str) -> Any:
    return _walk(root, _parts(path), path, word, "key")


def _holder(root: Any, path: str, word: str) -> tuple[Any, str]:
    *parents, last = _parts(path) or [""]
    return _walk(root, parents, f'"{path}"', word, "path"), last


def _set(root: Any, path: str, value: Any) -> None:
    holder, last = _holder(root, path, "replace")
    holder[int(last) if isinstance(holder, list) else last] = value


def _add(root: Any, path: str, value: Any) -> None:
    holder, last = _holder(root, path, "add")
    if isinstance(holder, list):
        place = len(holder) if last == "-" else int(last) if last.isdigit() else -1
        if not 0 <= place <= len(holder):
            why = f"Unable to access invalid index: {last}: invalid index referenced"
            raise K8svizError(f"add operation does not apply: {why}")
        holder.insert(place, value)
    elif isinstance(holder, dict):
        holder[last] = value
    else:
        raise K8svizError(f'add operation does not apply: doc is missing path: "{path}": missing value')


def _remove(root: Any, path: str) -> None:
    _find(root, path, "remove")
    holder, last = _holder(root, path, "remove")
    del holder[int(last) if isinstance(holder, list) else last]
