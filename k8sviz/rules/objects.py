"""Looks up the objects that Pods refer to, as the API server would hold them after `kubectl apply`.

A Secret's `stringData` is merged into its `data`; an object applied twice is the last one; a ConfigMap that the API
server would refuse (a value that is no string) is not there. A value that is null (`KEY:` with nothing after it) is
the empty text, as Go reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from k8sviz.rules.fields import JSON, listed, mapping, text

__all__ = ["Objects", "contents_of", "flattened"]


_CLUSTER_SCOPED = frozenset({"PersistentVolume", "StorageClass", "Node", "Namespace", "VolumeAttributesClass"})


def flattened(objects: Iterable[object]) -> Iterator[JSON]:
    """The objects one by one, those of a `List` in its place.

    >>> [thing["kind"] for thing in flattened([{"kind": "List", "items": [{"kind": "Pod"}]}, None, {"kind": "Node"}])]
    ['Pod', 'Node']
    """
    for thing in objects:
        if not isinstance(thing, Mapping):
            continue
        if text(thing, "kind").endswith("List"):
            yield from flattened(listed(thing, "items"))
        else:
            yield thing


class Objects:
    """Objects by kind, namespace and name, in the order in which they were first given.

    `namespace` is where an object goes that names none, as with `kubectl apply -n`.
    """

    def __init__(self, objects: Iterable[object] = (), *, namespace: str = "default") -> None:
        self.namespace = namespace
        self._objects: dict[tuple[str, str, str], JSON] = {}
        # what was read of them, since each variable of each Pod asks again
        self._texts: dict[tuple[str, str], dict[str, str] | None] = {}
        self._secrets: dict[tuple[str, str], dict[str, bytes] | None] = {}
        for thing in flattened(objects):
            self._objects[text(thing, "kind"), self.namespace_of(thing), text(thing, "metadata", "name")] = thing

    def namespace_of(self, thing: JSON) -> str:
        """The namespace of an object; empty for a cluster-scoped one."""
        if text(thing, "kind") in _CLUSTER_SCOPED:
            return ""
        return text(thing, "metadata", "namespace") or self.namespace

    def of_kind(self, kind: str) -> list[JSON]:
        """The objects of one kind, in order."""
        return [thing for (found, _, _), thing in self._objects.items() if found == kind]

    def find(self, kind: str, namespace: str, name: str) -> JSON | None:
        """The object of this kind and name; None when there is none. Cluster-scoped kinds have namespace `""`."""
        return self._objects.get((kind, namespace, name))

    def config_map(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """All keys of a ConfigMap, `data` and `binaryData`; None when the ConfigMap is missing or refused."""
        found = self.find("ConfigMap", namespace, name)
        texts = self.config_map_texts(namespace, name)
        if found is None or texts is None:
            return None
        binary = _decoded(mapping(found, "binaryData"))
        return None if binary is None else {**binary, **{key: _bytes(value) for key, value in texts.items()}}

    def config_map_texts(self, namespace: str, name: str) -> dict[str, str] | None:
        """The `data` of a ConfigMap, all that environment variables can see; None when it is missing or refused."""
        if (namespace, name) not in self._texts:
            found = self.find("ConfigMap", namespace, name)
            self._texts[namespace, name] = None if found is None else _texts(mapping(found, "data"))
        return self._texts[namespace, name]

    def secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """All keys of a Secret, decoded, `stringData` over `data`; None when the Secret is missing or refused.

        >>> secret = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "eA=="}, "stringData": {"b": "y"}}
        >>> Objects([secret]).secret("default", "s")
        {'a': b'x', 'b': b'y'}
        """
        if (namespace, name) not in self._secrets:
            self._secrets[namespace, name] = self._secret(namespace, name)
        return self._secrets[namespace, name]

    def _secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        found = self.find("Secret", namespace, name)
        decoded = None if found is None else _decoded(mapping(found, "data"))
        if decoded is None:
            return None
        plain = _texts(mapping(found, "stringData"))
        return None if plain is None else {**decoded, **{key: _bytes(value) for key, value in plain.items()}}


def _texts(data: JSON) -> dict[str, str] | None:
    """Values as Go reads them: null is empty; None when one is no string, since the API server refuses the object."""
    if any(not isinstance(value, str | None) for value in data.values()):
        return None
    return {str(key): value or "" for key, value in data.items()}


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "replace")


def _decoded(data: JSON) -> dict[str, bytes] | None:
    """Base64 values decoded; None when one of them is no base64, since the API server then refuses the object."""
    import base64  # here: few stories look into a Secret

    texts = _texts(data)
    decoded = {}
    for key, value in (texts or {}).items():
        try:
            # Go's decoder skips line breaks
            decoded[key] = base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
        except ValueError:
            return None
    return None if texts is None else decoded


def contents_of(thing: JSON | None) -> dict[str, bytes]:
    """All keys of a ConfigMap or Secret as they are written, `stringData` too: what is no base64 counts as its letters.

    >>> contents_of({"kind": "Secret", "data": {"a": "eA==", "b": "no base64"}})
    {'a': b'x', 'b': b'no base64'}
    """
    import base64

    def decoded(value: str) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            return _bytes(value)

    secret = text(thing, "kind") == "Secret"
    found: dict[str, bytes] = {}
    for table in ("binaryData", "data", "stringData"):
        encoded = table == "binaryData" or (secret and table == "data")
        for key, value in mapping(thing, table).items():
            if isinstance(value, str):
                found[str(key)] = decoded(value) if encoded else _bytes(value)
    return found
