"""The objects of a simulated cluster, looked up by kind and name, uid, owner and node without a search.

Objects are replaced, never changed. Every write has its number: the resourceVersion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import listed, text

__all__ = ["Store"]

_Key = tuple[str, str, str]  # kind, namespace, name


def _key(obj: Object) -> _Key:
    return text(obj, "kind"), text(obj, "metadata", "namespace"), text(obj, "metadata", "name")


class Store:
    """What there is now."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, dict[str, Object]]] = {}  # kind, namespace, name
        self._uids: dict[str, _Key] = {}
        self._owned: dict[str, dict[_Key, None]] = {}
        self._nodes: dict[str, dict[_Key, None]] = {}

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        return self._kinds.get(kind, {}).get(namespace, {}).get(name)

    def kinds(self) -> list[str]:
        """The kinds of which there is something."""
        return [kind for kind, spaces in self._kinds.items() if any(spaces.values())]

    def of_kind(self, kind: str, namespace: str | None = None) -> Iterator[Object]:
        """The objects of a kind (in one namespace; None: in all), by namespace and name."""
        spaces = self._kinds.get(kind, {})
        for space in sorted(spaces) if namespace is None else [namespace]:
            found = spaces.get(space, {})
            yield from (found[name] for name in sorted(found))

    def count(self, kind: str) -> int:
        """How many objects of a kind there are."""
        return sum(map(len, self._kinds.get(kind, {}).values()))

    def by_uid(self, uid: str) -> Object | None:
        """The object of a uid, or None."""
        key = self._uids.get(uid)
        return self.get(key[0], key[1], key[2]) if key else None

    def owned(self, uid: str) -> Iterator[Object]:
        """The objects that name this uid as an owner, in the order in which they came."""
        return self._all(self._owned.get(uid, ()))

    def on_node(self, node: str) -> Iterator[Object]:
        """The Pods that are bound to a node, in the order in which they came there."""
        return self._all(self._nodes.get(node, ()))

    def _all(self, keys: Iterable[_Key]) -> Iterator[Object]:
        for kind, namespace, name in list(keys):
            found = self.get(kind, namespace, name)
            if found is not None:
                yield found

    def put(self, obj: Object) -> None:
        """Add an object, or replace the one of its name."""
        key = _key(obj)
        space = self._kinds.setdefault(key[0], {}).setdefault(key[1], {})
        old = space.get(key[2])
        space[key[2]] = obj
        self._index(key, old, obj)

    def remove(self, obj: Object) -> None:
        """Take an object out."""
        key = _key(obj)
        old = self._kinds[key[0]][key[1]].pop(key[2])
        self._index(key, old, None)

    def _index(self, key: _Key, old: Object | None, new: Object | None) -> None:
        for index, names in ((self._owned, _owners), (self._nodes, _node)):
            before, after = names(old), names(new)
            if before == after:
                continue
            for name in before:
                if name not in after and index[name].pop(key, key) is None and not index[name]:
                    del index[name]
            for name in after:
                index.setdefault(name, {})[key] = None
        was, now = _uid(old), _uid(new)
        if was != now:
            self._uids.pop(was, None)
            if now:
                self._uids[now] = key


def _uid(obj: Any) -> str:
    return text(obj, "metadata", "uid")


def _owners(obj: Any) -> list[str]:
    return list(dict.fromkeys(text(owner, "uid") for owner in listed(obj, "metadata", "ownerReferences")))


def _node(obj: Any) -> list[str]:
    node = text(obj, "spec", "nodeName") if text(obj, "kind") == "Pod" else ""
    return [node] if node else []
