"""Manifests: YAML or JSON, as people write it and as `kubectl get -o yaml` prints it, to a History that stands still.

A word of YAML means what it means to Kubernetes (sigs.k8s.io/yaml), not to Python: a date is text, `010` is eight,
`12:30` is no number (yaml_events).
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from k8sviz.history import About, History, Key, Object, key_of, ref_of
from k8sviz.kinds import KINDS, may_be_own
from k8sviz.letters import printable
from k8sviz.sources._documents import Document, ManifestError, fail, quote
from k8sviz.sources.folders import LeftOut, Sheet, gather, notes_of, what_of
from k8sviz.sources.reading import documents_of
from k8sviz.words import say

__all__ = ["Loaded", "Manifest", "ManifestError", "documents", "items_of", "load", "parse", "read"]

# the API's own cluster-scoped kinds that no story draws; another kind that we do not know is taken as namespaced
_CLUSTER_SCOPED: Final = frozenset(
    {
        "APIService",
        "CertificateSigningRequest",
        "CSINode",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "ServiceCIDR",
        "IPAddress",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)


class Manifest(NamedTuple):
    """An object and where it was written: `line` counts from 1, and is its document's where JSON tells no more."""

    object: Object
    source: str
    line: int


class Loaded(NamedTuple):
    """What was found: the objects in order, each key once, and notes about what was replaced or left out."""

    manifests: tuple[Manifest, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def places(self) -> dict[Key, Manifest]:
        """Where each object was written."""
        return {key_of(m.object): m for m in self.manifests}


def read(paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str], *, namespace: str = "default") -> History:
    """A History in which these manifests' objects are all ADDED at 0 s.

    A path is a file, a folder (read through all its sub-folders) or `-` for standard input. `namespace` is where
    an object goes that names none, as with `kubectl -n`. Raises ManifestError.
    """
    loaded = load(paths, namespace=namespace)
    objects = [m.object for m in loaded.manifests]
    used = {key_of(o).namespace for o in objects} - {""}
    title = ", ".join(dict.fromkeys(m.source for m in loaded.manifests[:3]))
    history = History.of(objects, About(title=title, namespace=used.pop() if len(used) == 1 else namespace))
    history.partial = True
    history.faults = sum(each.error for each in loaded.left_out)
    history.notes.extend(loaded.notes)
    return history


def parse(text: str, name: str = "input", *, namespace: str = "default") -> list[Object]:
    """The objects of one text: YAML documents, a List, a JSON object, or several JSON objects in a row.

    `name` is what errors call the text. Raises ManifestError.

    >>> pod, = parse("{apiVersion: v1, kind: Pod, metadata: {name: fortune, annotations: {since: 2026-11-23}}}")
    >>> pod["metadata"]
    {'name': 'fortune', 'annotations': {'since': '2026-11-23'}, 'namespace': 'default'}
    >>> parse("kind: Pod")
    Traceback (most recent call last):
    k8sviz.sources.manifests.ManifestError: input, line 1: a Pod without apiVersion; write for example apiVersion: v1
    """
    label = printable(name)
    read = [d for d in documents_of(text, label) if d.value is not None]
    scopes = _scopes([Sheet(label, text, tuple(read))])
    return [_complete(*found, namespace, scopes, label).object for document in read for found in _unfold(document)]


def documents(text: str, name: str = "input") -> list[tuple[Any, int]]:
    """The documents of one text as they are written, nothing completed or opened: the value and its line.

    An empty document is left out. Raises ManifestError for what is neither YAML nor JSON.

    >>> documents("- a\\n---\\nkind: Pod")
    [(['a'], 1), ({'kind': 'Pod'}, 3)]
    """
    return [(d.value, d.line) for d in documents_of(text, printable(name)) if d.value is not None]


def load(paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str], *, namespace: str = "default") -> Loaded:
    """Like `read`, with the line of each object. Raises ManifestError where there is no object at all."""
    chosen = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    gathered = gather(chosen)
    left_out = list(gathered.left_out)
    taken = _Taken(namespace, _scopes(gathered.sheets), left_out)
    for sheet in gathered.sheets:
        taken.sheet(sheet)
    if taken.failure is not None and not taken.found:
        raise taken.failure
    notes = (*notes_of(left_out), *taken.notes)
    if not any(sheet.documents for sheet in gathered.sheets):
        where = ", ".join(printable(os.fspath(p)) for p in chosen) or "no file given"
        code = "nothing-left" if notes else "nothing"
        raise ManifestError(say(f"folders.refused.{code}", where=where, note=notes[0] if notes else ""))
    return Loaded(tuple(taken.found.values()), notes, tuple(left_out))


class _Taken:
    """The objects of all files, each key once."""

    def __init__(self, namespace: str, scopes: Mapping[tuple[str, str], bool], left_out: list[LeftOut]) -> None:
        self.namespace, self.scopes, self.left_out = namespace, scopes, left_out
        self.found: dict[Key, Manifest] = {}
        self.notes: list[str] = []
        self.failure: ManifestError | None = None

    def sheet(self, sheet: Sheet) -> None:
        """Every object of a file; one that is none is left out, and the rest stays."""
        for document in sheet.documents:
            for obj, line, where in _unfold(document):
                try:
                    self.keep(_complete(obj, line, where, self.namespace, self.scopes, sheet.name))
                except ManifestError as error:
                    self.failure = self.failure or error
                    self.left_out.append(
                        LeftOut("object", sheet.name, error.line, what_of(error, sheet.name), error=True)
                    )

    def keep(self, manifest: Manifest) -> None:
        """The later of two counts."""
        key = key_of(manifest.object)
        before = self.found.pop(key, None)
        if before is not None and before.object != manifest.object:
            facts = {"place": _place(manifest), "before": _place(before), "what": ref_of(manifest.object)}
            self.notes.append(say("folders.note.replaced", **facts))
        self.found[key] = manifest


def _place(manifest: Manifest) -> str:
    return f"{manifest.source}, line {manifest.line}"


def _scopes(sheets: Sequence[Sheet]) -> dict[tuple[str, str], bool]:
    """API group and kind of each CustomResourceDefinition's objects, and whether they lie in namespaces."""
    found: dict[tuple[str, str], bool] = {}
    for sheet in sheets:
        for document in sheet.documents:
            for obj, _, _ in _unfold(document):
                spec = obj.get("spec") if isinstance(obj, dict) else None
                if isinstance(spec, dict) and obj.get("kind") == "CustomResourceDefinition":
                    names = spec.get("names")
                    kind = names.get("kind") if isinstance(names, dict) else None
                    found[str(spec.get("group")), str(kind)] = spec.get("scope") != "Cluster"
    return found


# -- documents to objects ------------------------------------------------------------------------


def _unfold(document: Document) -> Iterator[tuple[Any, int, str]]:
    """The objects of a document, Lists opened: each with its line and what it is called in errors."""
    todo: list[tuple[Any, int, str]] = [(document.value, document.line, "")]
    while todo:
        value, line, where = todo.pop()
        items = items_of(value) if isinstance(value, dict) else None
        if items is None:
            yield value, line, where
            continue
        for i in range(len(items) - 1, -1, -1):
            item = _typed(items[i], value)
            todo.append((item, document.lines.get(id(items[i]), line), f"items[{i}]"))


def items_of(value: Object) -> list[Any] | None:
    """What a List holds, as it is written; None for anything else."""
    kind, items = value.get("kind"), value.get("items", ())
    if not isinstance(kind, str) or not kind.endswith("List") or _name(value):
        return None
    if kind == "List" and not items:
        return []
    return items if isinstance(items, list) else [] if items is None else None


def _name(value: Object) -> Any:
    meta = value.get("metadata")
    return meta.get("name") if isinstance(meta, dict) else None


def _typed(item: Any, parent: Object) -> Any:
    kind = parent["kind"]
    if kind == "List" or not isinstance(item, dict) or "kind" in item:
        return item
    return {"apiVersion": parent.get("apiVersion"), "kind": kind.removesuffix("List"), **item}


def _complete(
    obj: Any, line: int, where: str, namespace: str, scopes: Mapping[tuple[str, str], bool], name: str
) -> Manifest:
    """The object as the API server would store it: namespace set, a Secret's stringData in its data."""
    fail = _Failure(name, line, f"{where}: " if where else "")
    if not isinstance(obj, dict):
        what = "text" if isinstance(obj, str) else quote(obj)
        _Failure(name, line, "")(f"{where or 'this document'} is {what}; an object has apiVersion, kind and metadata")
    kind = fail.text(obj.get("kind"), "this document has no kind; write for example kind: Pod")
    fail.text(obj.get("apiVersion"), f"a {kind} without apiVersion; write for example apiVersion: {_version(kind)}")
    meta = obj.get("metadata")
    if not isinstance(meta, dict):
        meta = {} if meta is None else fail(f"the {kind}'s metadata is {quote(meta)}; it should hold a name")
    if meta.get("generateName") and not meta.get("name"):
        fail(f"a {kind} with generateName only; give it a metadata.name, since no API server invents one here")
    fail.text(meta.get("name"), f"a {kind} without metadata.name; give it one")
    given = meta.get("namespace") or ""
    if not isinstance(given, str):
        fail(f"the namespace {quote(given)} is no text; put it in quotes")
    wanted = (given or namespace) if _namespaced(obj, kind, given, scopes) else ""
    if wanted != given:
        meta = {**{k: v for k, v in meta.items() if k != "namespace"}, **({"namespace": wanted} if wanted else {})}
        obj = {**obj, "metadata": meta}
    if kind == "Secret" and obj.get("stringData") is not None:
        obj = _merge_string_data(obj, fail)
    return Manifest(obj, name, line)


class _Failure(NamedTuple):
    name: str
    line: int
    where: str

    def __call__(self, what: str) -> NoReturn:
        fail(self.name, self.line, self.where + what)

    def text(self, value: object, missing: str) -> str:
        """The value, which must be text that is not empty."""
        if value is None or value == "":
            self(missing)
        if not isinstance(value, str):
            self(f"{quote(value)} is no text where a name is wanted; put it in quotes")
        return value


def _version(kind: str) -> str:
    return KINDS[kind].api_version if kind in KINDS else "v1"


def _namespaced(obj: Object, kind: str, given: str, scopes: Mapping[tuple[str, str], bool]) -> bool:
    """Whether a kind's objects lie in namespaces: as its CustomResourceDefinition says, if that is here."""
    version = str(obj.get("apiVersion"))
    scope = scopes.get((version.rpartition("/")[0], kind))
    if scope is not None:
        return scope
    if may_be_own(version) and (kind in KINDS or kind in _CLUSTER_SCOPED):
        return kind in KINDS and KINDS[kind].namespaced
    return bool(given) or re.match("Cluster[A-Z]", kind) is None


def _merge_string_data(obj: Object, fail: _Failure) -> Object:
    data, plain = obj.get("data"), obj["stringData"]
    if not isinstance(plain, dict) or not all(isinstance(v, str) for v in plain.values()):
        fail("a Secret's stringData holds a value that is no text; put it in quotes")
    import base64

    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    merged = {**(data if isinstance(data, dict) else {}), **encoded}
    return {**{k: v for k, v in obj.items() if k not in ("stringData", "data")}, "data": merged}
