"""Manifests: YAML or JSON, as people write it and as `kubectl get -o yaml` prints it, to a History that stands still.

A word of YAML means what it means to Kubernetes (sigs.k8s.io/yaml), not to Python: a date is text, `010` is eight,
`12:30` is no number (yaml_events).
"""

import codecs
import itertools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from k8sviz.history import About, History, Key, Object, key_of, ref_of
from k8sviz.kinds import KINDS
from k8sviz.letters import printable
from k8sviz.sources._documents import (
    DEEPEST,
    FEWER,
    MIB,
    MOST_DOCUMENTS,
    TOO_DEEP,
    Document,
    ManifestError,
    NotJsonError,
    fail,
    quote,
)

__all__ = ["Loaded", "Manifest", "ManifestError", "documents", "load", "parse", "read", "texts"]

_MOST_BYTES: Final = 64 * MIB
_MOST_JSON_NODES: Final = 2_000_000
_MOST_LIKE_JSON: Final = 5 * MIB
_MOST_NOTES: Final = 20
_SUFFIXES: Final = (".yaml", ".yml", ".json")

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
    return [m.object for _, found in _located(text, printable(name), namespace) for m in found]


def documents(text: str, name: str = "input") -> list[tuple[Any, int]]:
    """The documents of one text as they are written, nothing completed or opened: the value and its line.

    An empty document is left out. Raises ManifestError for what is neither YAML nor JSON.

    >>> documents("- a\\n---\\nkind: Pod")
    [(['a'], 1), ({'kind': 'Pod'}, 3)]
    """
    return [(d.value, d.line) for d in _documents(text, printable(name)) if d.value is not None]


def texts(paths: Sequence[str | os.PathLike[str]]) -> Iterator[tuple[str, str]]:
    """The name and the text of every file that these paths mean, as `load` takes them. Raises ManifestError.

    A file that was found in a folder and holds no Kubernetes object is left out.
    """
    for file in _files(paths):
        name = printable("standard input" if file.path == "-" else file.path)
        text = _text(file.path, name)
        if not (file.in_folder and all(_foreign(value) for value, _ in documents(text, name))):
            yield name, text


def load(paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str], *, namespace: str = "default") -> Loaded:
    """Like `read`, with the line of each object. Raises ManifestError."""
    chosen = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: dict[Key, Manifest] = {}
    notes: list[str] = []
    documents = 0
    for file in _files(chosen):
        name = printable("standard input" if file.path == "-" else file.path)
        text = _text(file.path, name)
        for document, manifests in _located(text, name, namespace, notes if file.in_folder else None):
            documents += document
            for manifest in manifests:
                _keep(found, manifest, notes)
    if not documents:
        where = ", ".join(printable(os.fspath(p)) for p in chosen) or "no file given"
        raise ManifestError(f"{where}: no Kubernetes object here; one has apiVersion, kind and metadata.name")
    if len(notes) > _MOST_NOTES:
        notes[_MOST_NOTES:] = [f"and {len(notes) - _MOST_NOTES} more notes like these"]
    return Loaded(tuple(found.values()), tuple(notes))


def _keep(found: dict[Key, Manifest], manifest: Manifest, notes: list[str]) -> None:
    key = key_of(manifest.object)
    before = found.pop(key, None)
    if before is not None:
        notes.append(
            f"{_place(manifest)}: {ref_of(manifest.object)} replaces the one of {_place(before)} (the later one counts)"
        )
    found[key] = manifest


def _place(manifest: Manifest) -> str:
    return f"{manifest.source}, line {manifest.line}"


# -- files ---------------------------------------------------------------------------------------


class _File(NamedTuple):
    path: str
    in_folder: bool  # found by looking, not named: it may be something else than manifests


def _files(paths: Sequence[str | os.PathLike[str]]) -> Iterator[_File]:
    for path in dict.fromkeys(os.fspath(p) for p in paths):
        if path != "-" and Path(path).is_dir():
            yield from (_File(str(file), True) for file in _walk(path))
        else:
            yield _File(path, False)


def _walk(folder: str) -> list[Path]:
    found: list[Path] = []
    for where, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [Path(where, file) for file in files if file.lower().endswith(_SUFFIXES)]
    return sorted(found, key=lambda path: path.parts)


def _text(path: str, name: str) -> str:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ManifestError(f"{name}: cannot read it ({why}); check the path") from None
    if len(data) > _MOST_BYTES:
        raise ManifestError(f"{name}: over {_MOST_BYTES // MIB} MiB; {FEWER}")
    return _decoded(data, name)


def _decoded(data: bytes, name: str) -> str:
    # PowerShell's > writes UTF-16
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError as error:
        line = 1 if wide else data.count(b"\n", 0, error.start) + 1
        raise ManifestError(f"{name}, line {line}: not UTF-8 text; save the file as UTF-8") from None


# -- documents to objects ------------------------------------------------------------------------


def _located(
    text: str, name: str, namespace: str, left_out: list[str] | None = None
) -> Iterator[tuple[int, list[Manifest]]]:
    """For each document that is not empty: 1, and its objects.

    With `left_out`, a file in which nothing is a Kubernetes object is noted there instead of refused.
    """
    documents = [d for d in _documents(text, name) if d.value is not None]
    if left_out is not None and documents and all(_foreign(d.value) for d in documents):
        left_out.append(f"{name}: left out, since it holds no Kubernetes object")
        return
    for document in documents:
        yield 1, [_complete(obj, name, line, where, namespace) for obj, line, where in _unfold(document, name)]


def _foreign(value: Any) -> bool:
    if not isinstance(value, dict):
        return True
    version = value.get("apiVersion")
    # kustomize's own files lie beside manifests and never reach the API server
    return ("kind" not in value and version is None) or str(version).startswith("kustomize.config.k8s.io/")


def _unfold(document: Document, name: str) -> Iterator[tuple[Object, int, str]]:
    """The objects of a document, Lists opened: each with its line and what it is called in errors."""
    todo: list[tuple[Any, int, str]] = [(document.value, document.line, "")]
    while todo:
        value, line, where = todo.pop()
        if not isinstance(value, dict):
            what = "text" if isinstance(value, str) else quote(value)
            fail(name, line, f"{where or 'this document'} is {what}; an object has apiVersion, kind and metadata")
        items = _items(value)
        if items is None:
            yield value, line, where
            continue
        for i in range(len(items) - 1, -1, -1):
            item = _typed(items[i], value)
            todo.append((item, document.lines.get(id(items[i]), line), f"items[{i}]"))


def _items(value: Object) -> list[Any] | None:
    """What a List holds; None for anything else."""
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


def _complete(obj: Object, name: str, line: int, where: str, namespace: str) -> Manifest:
    """The object as the API server would store it: namespace set, a Secret's stringData in its data."""
    fail = _Failure(name, line, f"{where}: " if where else "")
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
    wanted = (given or namespace) if _namespaced(kind) else ""
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


def _namespaced(kind: str) -> bool:
    if kind in KINDS:
        return KINDS[kind].namespaced
    return kind not in _CLUSTER_SCOPED and not kind.startswith("Cluster")


def _merge_string_data(obj: Object, fail: _Failure) -> Object:
    data, plain = obj.get("data"), obj["stringData"]
    if not isinstance(plain, dict) or not all(isinstance(v, str) for v in plain.values()):
        fail("a Secret's stringData holds a value that is no text; put it in quotes")
    import base64

    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    merged = {**(data if isinstance(data, dict) else {}), **encoded}
    return {**{k: v for k, v in obj.items() if k not in ("stringData", "data")}, "data": merged}


# -- text to documents ---------------------------------------------------------------------------


def _documents(text: str, name: str) -> list[Document]:
    text = text.removeprefix("\ufeff")
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        fail(name, text.count("\n", 0, error.start) + 1, "half a character (a lone surrogate); save it as UTF-8")
    start = text.lstrip()[:64]
    if not start.startswith(("{", "[")):
        return _yaml_documents(text, len(data), name)
    try:
        return _json_documents(text, data, name)
    except NotJsonError as error:
        # `{kind: Pod}` is YAML that looks like JSON
        if len(data) > _MOST_LIKE_JSON:
            raise
        try:
            return _yaml_documents(text, len(data), name)
        except ManifestError:
            if re.match(r'[{\[]\s*["{]', start):
                raise error from None
            raise


def _json_documents(text: str, data: bytes, name: str) -> list[Document]:
    import msgspec

    first = _line(text, len(text) - len(text.lstrip()))
    if data.count(b"{") + data.count(b"[") > _MOST_JSON_NODES:
        fail(name, first, f"over {_MOST_JSON_NODES:,} values in JSON; {FEWER}")
    try:
        documents = [Document(msgspec.json.decode(data), first, {})]
    except RecursionError:
        fail(name, first, TOO_DEEP)
    except msgspec.DecodeError:
        documents = list(_json_stream(text, name))
    for document in documents:
        _check_depth(document, name)
    return documents


def _json_stream(text: str, name: str) -> Iterator[Document]:
    """JSON documents in a row, as `kubectl get -o json` of several commands gives."""
    import json

    import msgspec

    scan, at, line = json.JSONDecoder().raw_decode, 0, 1
    space = re.compile(r"[ \t\r\n]*")
    for number in itertools.count():
        begin = space.match(text, at).end()  # type: ignore[union-attr]
        if begin == len(text):
            return
        line += text.count("\n", at, begin)
        if number == MOST_DOCUMENTS:
            fail(name, line, f"over {MOST_DOCUMENTS:,} documents; {FEWER}")
        try:
            _, at = scan(text, begin)
            # the strict reader refuses what the standard library lets pass: NaN, half characters
            yield Document(msgspec.json.decode(text[begin:at]), line, {})
        except RecursionError:
            fail(name, line, TOO_DEEP)
        except json.JSONDecodeError as error:
            where = f"{name}, line {error.lineno}, column {error.colno}"
            raise NotJsonError(f"{where}: not JSON: {error.msg[0].lower()}{error.msg[1:]}") from None
        except msgspec.DecodeError as error:
            raise NotJsonError(f"{name}, line {line}: not JSON: {error}") from None
        except ValueError:
            fail(name, line, "not JSON: a number with thousands of digits; put it in quotes")
        line += text.count("\n", begin, at)


def _check_depth(document: Document, name: str) -> None:
    level = [document.value]
    for _ in range(DEEPEST):
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value if type(value) is list else ())
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    fail(name, document.line, TOO_DEEP)


def _yaml_documents(text: str, size: int, name: str) -> list[Document]:
    from k8sviz.sources import yaml_events  # here, since the yaml package takes a third of a start

    return yaml_events.documents(text, size, name)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
