"""Manifests: YAML or JSON, as people write it and as `kubectl get -o yaml` prints it, to a History that stands still.

YAML is read event by event with what each word means to Kubernetes (sigs.k8s.io/yaml), not to Python: a date is
text, `010` is eight, `12:30` is no number. Reading events also lets every limit hold before memory is spent, and
gives each error its line.
"""

from __future__ import annotations

import base64
import codecs
import itertools
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import msgspec
import yaml

from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Key, Object, key_of, ref_of
from k8sviz.kinds import KINDS

__all__ = ["Loaded", "Manifest", "ManifestError", "documents", "load", "parse", "read", "texts"]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FAST: Final = _Loader is not yaml.SafeLoader
_MIB: Final = 1024 * 1024
# measured: about a second on a laptop for the worst YAML of this size; JSON is read fifty times as fast
_MOST_YAML: Final = (5 if _FAST else 1) * _MIB
_MOST_YAML_NODES: Final = 400_000 if _FAST else 20_000
_MOST_BYTES: Final = 64 * _MIB
_MOST_JSON_NODES: Final = 2_000_000
_MOST_DOCUMENTS: Final = 20_000
_MOST_EXPANDED: Final = 4_000_000  # letters and nodes that aliases may add
_DEEPEST: Final = 200
_MOST_NOTES: Final = 20
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_TAG: Final = "tag:yaml.org,2002:"

# the API's own cluster-scoped kinds that no story draws; another kind that we do not know is taken as namespaced
_CLUSTER_SCOPED: Final = frozenset({
    "APIService", "CertificateSigningRequest", "CSINode", "CustomResourceDefinition", "DeviceClass", "FlowSchema",
    "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
    "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass", "ServiceCIDR", "IPAddress",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
})  # fmt: skip


class ManifestError(K8svizError):
    """Text that is no manifest: one line that names the file, the line, and what to do."""


class _NotJsonError(ManifestError):
    """It may still be YAML."""


class Manifest(NamedTuple):
    """An object and where it was written: `line` counts from 1, and is its document's where JSON tells no more."""

    object: Object
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Loaded:
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
    return [m.object for _, found in _located(text, _shown(name), namespace) for m in found]


def documents(text: str, name: str = "input") -> list[tuple[Any, int]]:
    """The documents of one text as they are written, nothing completed or opened: the value and its line.

    An empty document is left out. Raises ManifestError for what is neither YAML nor JSON.

    >>> documents("- a\\n---\\nkind: Pod")
    [(['a'], 1), ({'kind': 'Pod'}, 3)]
    """
    return [(d.value, d.line) for d in _documents(text, _shown(name)) if d.value is not None]


def texts(paths: Sequence[str | os.PathLike[str]]) -> Iterator[tuple[str, str]]:
    """The name and the text of every file that these paths mean, as `load` takes them. Raises ManifestError.

    A file that was found in a folder and holds no Kubernetes object is left out.
    """
    for file in _files(paths):
        name = _shown("standard input" if file.path == "-" else file.path)
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
        name = _shown("standard input" if file.path == "-" else file.path)
        text = _text(file.path, name)
        for document, manifests in _located(text, name, namespace, notes if file.in_folder else None):
            documents += document
            for manifest in manifests:
                _keep(found, manifest, notes)
    if not documents:
        where = ", ".join(_shown(os.fspath(p)) for p in chosen) or "no file given"
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
        raise ManifestError(f"{name}: over {_MOST_BYTES // _MIB} MiB; {_FEWER}")
    return _decoded(data, name)


def _decoded(data: bytes, name: str) -> str:
    # PowerShell's > writes UTF-16
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError as error:
        line = 1 if wide else data.count(b"\n", 0, error.start) + 1
        raise ManifestError(f"{name}, line {line}: not UTF-8 text; save the file as UTF-8") from None


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


# -- documents to objects ------------------------------------------------------------------------


class _Document(NamedTuple):
    value: Any
    line: int
    lines: dict[int, int]  # the line of each mapping that may be a List's item, by its id()


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


def _unfold(document: _Document, name: str) -> Iterator[tuple[Object, int, str]]:
    """The objects of a document, Lists opened: each with its line and what it is called in errors."""
    todo: list[tuple[Any, int, str]] = [(document.value, document.line, "")]
    while todo:
        value, line, where = todo.pop()
        if not isinstance(value, dict):
            what = "text" if isinstance(value, str) else _quote(value)
            _fail(name, line, f"{where or 'this document'} is {what}; an object has apiVersion, kind and metadata")
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
        meta = {} if meta is None else fail(f"the {kind}'s metadata is {_quote(meta)}; it should hold a name")
    if meta.get("generateName") and not meta.get("name"):
        fail(f"a {kind} with generateName only; give it a metadata.name, since no API server invents one here")
    fail.text(meta.get("name"), f"a {kind} without metadata.name; give it one")
    given = meta.get("namespace") or ""
    if not isinstance(given, str):
        fail(f"the namespace {_quote(given)} is no text; put it in quotes")
    wanted = (given or namespace) if _namespaced(kind) else ""
    if wanted != given:
        meta = {**{k: v for k, v in meta.items() if k != "namespace"}, **({"namespace": wanted} if wanted else {})}
        obj = {**obj, "metadata": meta}
    if kind == "Secret" and obj.get("stringData") is not None:
        obj = _merge_string_data(obj, fail)
    return Manifest(obj, name, line)


@dataclass(frozen=True, slots=True)
class _Failure:
    name: str
    line: int
    where: str

    def __call__(self, what: str) -> NoReturn:
        _fail(self.name, self.line, self.where + what)

    def text(self, value: object, missing: str) -> str:
        """The value, which must be text that is not empty."""
        if value is None or value == "":
            self(missing)
        if not isinstance(value, str):
            self(f"{_quote(value)} is no text where a name is wanted; put it in quotes")
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
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    merged = {**(data if isinstance(data, dict) else {}), **encoded}
    return {**{k: v for k, v in obj.items() if k not in ("stringData", "data")}, "data": merged}


def _fail(name: str, line: int, what: str, column: int = 0) -> NoReturn:
    raise ManifestError(f"{name}, line {line}" + (f", column {column}" if column else "") + f": {what}")


def _quote(value: object) -> str:
    """A value for an error's line, cut short. Never `repr` of something large."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:39] + "…")
    return json.dumps(value)[:40]


# -- text to documents ---------------------------------------------------------------------------


def _documents(text: str, name: str) -> list[_Document]:
    text = text.removeprefix("\ufeff")
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        _fail(name, text.count("\n", 0, error.start) + 1, "half a character (a lone surrogate); save it as UTF-8")
    start = text.lstrip()[:64]
    if not start.startswith(("{", "[")):
        return _yaml_documents(text, len(data), name)
    try:
        return _json_documents(text, data, name)
    except _NotJsonError as error:
        # `{kind: Pod}` is YAML that looks like JSON
        if len(data) > _MOST_YAML:
            raise
        try:
            return _yaml_documents(text, len(data), name)
        except ManifestError:
            if re.match(r'[{\[]\s*["{]', start):
                raise error from None
            raise


def _json_documents(text: str, data: bytes, name: str) -> list[_Document]:
    first = _line(text, len(text) - len(text.lstrip()))
    if data.count(b"{") + data.count(b"[") > _MOST_JSON_NODES:
        _fail(name, first, f"over {_MOST_JSON_NODES:,} values in JSON; {_FEWER}")
    try:
        documents = [_Document(msgspec.json.decode(data), first, {})]
    except RecursionError:
        _fail(name, first, _TOO_DEEP)
    except msgspec.DecodeError:
        documents = list(_json_stream(text, name))
    for document in documents:
        _check_depth(document, name)
    return documents


def _json_stream(text: str, name: str) -> Iterator[_Document]:
    """JSON documents in a row, as `kubectl get -o json` of several commands gives."""
    scan, at, line = json.JSONDecoder().raw_decode, 0, 1
    space = re.compile(r"[ \t\r\n]*")
    for number in itertools.count():
        begin = space.match(text, at).end()  # type: ignore[union-attr]
        if begin == len(text):
            return
        line += text.count("\n", at, begin)
        if number == _MOST_DOCUMENTS:
            _fail(name, line, f"over {_MOST_DOCUMENTS:,} documents; {_FEWER}")
        try:
            _, at = scan(text, begin)
            # the strict reader refuses what the standard library lets pass: NaN, half characters
            yield _Document(msgspec.json.decode(text[begin:at]), line, {})
        except RecursionError:
            _fail(name, line, _TOO_DEEP)
        except json.JSONDecodeError as error:
            where = f"{name}, line {error.lineno}, column {error.colno}"
            raise _NotJsonError(f"{where}: not JSON: {error.msg[0].lower()}{error.msg[1:]}") from None
        except msgspec.DecodeError as error:
            raise _NotJsonError(f"{name}, line {line}: not JSON: {error}") from None
        except ValueError:
            _fail(name, line, "not JSON: a number with thousands of digits; put it in quotes")
        line += text.count("\n", begin, at)


def _check_depth(document: _Document, name: str) -> None:
    level = [document.value]
    for _ in range(_DEEPEST):
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value if type(value) is list else ())
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    _fail(name, document.line, _TOO_DEEP)


_FEWER: Final = "choose fewer objects, for example with -n or -l"
_TOO_DEEP: Final = f"nested too deeply (over {_DEEPEST} levels); no Kubernetes object is"


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


# -- YAML ----------------------------------------------------------------------------------------

# what libyaml says, and what to do about it
_HINTS: Final = (
    ("mapping values are not allowed", "put a value that holds ': ' in quotes, and check the indentation"),
    ("could not find expected ':'", "a key needs ': ' and its value; check this line and the one above"),
    ("did not find expected key", "the indentation does not fit the lines above"),
    ("did not find expected '-' indicator", "the indentation does not fit the list above"),
    ("did not find expected ',' or", "a { or [ is not closed, or a comma is missing"),
    ("unexpected end of stream", "a quote is not closed"),
    ("did not find expected node content", "a value is missing, or a { or [ is not closed"),
    ("document start", "begin the next document with a line of three dashes, ---"),
    ("cannot start any token", "put a value that begins with @, ` or % in quotes"),
    ("block sequence entries are not allowed", "begin the list on a line of its own"),
    ("undefined alias", "an alias *name needs its anchor &name earlier in the same document"),
)


def _yaml_documents(text: str, size: int, name: str) -> list[_Document]:
    if size > _MOST_YAML:
        raise ManifestError(
            f"{name}: over {_MOST_YAML // _MIB} MiB of YAML; get it as JSON (kubectl get -o json), which is read faster"
        )
    try:
        loader = _Loader(text)
        try:
            return list(_Builder(name).documents(loader))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        _fail_yaml(error, text, name)
    except yaml.reader.ReaderError as error:
        before = text.encode("utf-8")[: error.position] if _FAST else text[: error.position].encode("utf-8")
        _fail(name, before.count(b"\n") + 1, f"{error.reason}; remove the invisible character")
    except yaml.YAMLError as error:
        raise ManifestError(f"{name}: not YAML: {' '.join(str(error).split())[:120]}") from None


def _fail_yaml(error: yaml.MarkedYAMLError, text: str, name: str) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(str(error.problem or error.context or "not YAML").split())
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    written = next(iter(text.splitlines()[line - 1 : line]), "")
    if "\t" in written[: column + 1] and not written[:column].strip(" \t-:?"):
        _fail(name, line, "a tab in the indentation; YAML takes spaces only", written.index("\t") + 1)
    hint = next((f"; {hint}" for words, hint in _HINTS if words in problem), "")
    _fail(name, line, f"not YAML: {problem}{hint}", column)


class _Frame:
    """A mapping or list that is still open."""

    __slots__ = ("anchor", "key", "merges", "start", "value", "wants_key")

    def __init__(self, value: Any, anchor: str | None, start: int) -> None:
        self.value = value
        self.anchor = anchor
        self.start = start  # the weight before it, so that its own weight is known at its end
        self.key: Any = None
        self.wants_key = type(value) is dict
        self.merges: list[Any] = []


@dataclass
class _Builder:
    """Builds JSON values from YAML's events, without recursion, counting what it builds."""

    name: str
    begun: int = 0
    nodes: int = 0
    weight: int = 0
    expanded: int = 0
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    stack: list[_Frame] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=dict)
    root: Any = None

    def documents(self, loader: Any) -> Iterator[_Document]:
        get, resolved = loader.get_event, _Resolved()
        while (event := get()) is not None:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event, resolved)
            elif kind is yaml.MappingStartEvent:
                self._open(event, {}, "map")
            elif kind is yaml.SequenceStartEvent:
                self._open(event, [], "seq")
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close(event)
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self.anchors, self.lines, self.root = {}, {}, None
                self.begun += 1
                if self.begun > _MOST_DOCUMENTS:
                    self._fail(event, f"over {_MOST_DOCUMENTS:,} documents; {_FEWER}")
                line = event.end_mark.line + 1
            elif kind is yaml.DocumentEndEvent:
                yield _Document(self.root, self.lines.get(id(self.root), line), self.lines)

    def _fail(self, event: Any, what: str) -> NoReturn:
        mark = event.start_mark
        _fail(self.name, mark.line + 1, what, mark.column + 1)

    def _count(self, event: Any, weight: int) -> None:
        self.nodes += 1
        self.weight += weight
        if self.nodes > _MOST_YAML_NODES:
            self._fail(event, f"over {_MOST_YAML_NODES:,} values in YAML; get it as JSON (kubectl get -o json)")

    def _scalar(self, event: Any, resolved: _Resolved) -> None:
        text, tag = event.value, event.tag
        self._count(event, 1 + len(text))
        if tag is None:
            value = resolved[text] if event.implicit[0] else text
        else:
            value = self._tagged(event, text, tag, resolved)
        if value is _MERGE and not self._merge_here():
            value = text
        elif type(value) is float and not math.isfinite(value):
            self._fail(event, f"{_quote(text)} is no number that JSON can hold; put it in quotes")
        if event.anchor:
            self.anchors[event.anchor] = (text if value is _MERGE else value, 1 + len(text))
        self._place(event, value)

    def _merge_here(self) -> bool:
        return bool(self.stack) and self.stack[-1].wants_key

    def _tagged(self, event: Any, text: str, tag: str, resolved: _Resolved) -> Any:
        short = tag.removeprefix(_TAG)
        if tag == "!" or short in ("str", "timestamp"):
            return text
        value = resolved[text]
        wanted = {"int": (int,), "float": (float, int), "bool": (bool,), "null": (type(None),)}.get(short, ())
        if short == tag or type(value) not in wanted:
            self._refuse_tag(event, tag)
        return value

    def _refuse_tag(self, event: Any, tag: str) -> NoReturn:
        shown = tag.replace(_TAG, "!!") if tag.startswith(_TAG) else tag
        self._fail(event, f"the tag {_quote(shown)} means nothing to Kubernetes here; write the value plainly")

    def _open(self, event: Any, value: Any, tag: str) -> None:
        depth = len(self.stack)
        if event.tag not in (None, "!", _TAG + tag):
            self._refuse_tag(event, event.tag)
        if depth >= _DEEPEST:
            self._fail(event, _TOO_DEEP)
        if depth and self.stack[-1].wants_key:
            self._fail(event, "a key must be text; put {{ }} templates in quotes")
        if depth in (0, 2):
            self.lines[id(value)] = event.start_mark.line + 1
        self._count(event, 1)
        self.stack.append(_Frame(value, event.anchor, self.weight))
        if event.anchor:
            self.anchors[event.anchor] = (_OPEN, 0)

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        for merged in frame.merges:
            for key, value in merged.items():
                frame.value.setdefault(key, value)
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.value, 1 + self.weight - frame.start)
        self._place(event, frame.value)

    def _alias(self, event: Any) -> None:
        found = self.anchors.get(event.anchor)
        if found is None:
            self._fail(event, f"the alias *{event.anchor[:40]} has no anchor &{event.anchor[:40]} before it")
        value, weight = found
        if value is _OPEN:
            self._fail(event, f"the alias *{event.anchor[:40]} stands inside its own anchor; write the value out")
        self._count(event, weight)
        self.expanded += weight
        if self.expanded > _MOST_EXPANDED:
            self._fail(event, "aliases would blow this document up; write the values out")
        self._place(event, value)

    def _place(self, event: Any, value: Any) -> None:
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        if type(frame.value) is list:
            frame.value.append(value)
        elif frame.wants_key:
            frame.key = value if value is _MERGE else self._key(event, value)
            frame.wants_key = False
            if frame.key is not _MERGE and frame.key in frame.value:
                self._fail(event, f"the key {_quote(frame.key)} is already set in this mapping; remove one of the two")
        elif frame.key is _MERGE:
            frame.merges += self._merged(event, value)
            frame.wants_key = True
        else:
            frame.value[frame.key] = value
            frame.wants_key = True

    def _key(self, event: Any, value: Any) -> str:
        if type(value) is str:
            return value
        if type(value) is bool:
            return "true" if value else "false"
        if type(value) is not int and type(value) is not float:
            self._fail(event, f"a key is {_quote(value)}; a key must be text")
        return str(value)

    def _merged(self, event: Any, value: Any) -> list[Any]:
        values = value if type(value) is list else [value]
        if not all(type(v) is dict for v in values):
            self._fail(event, "<< merges a mapping, or a list of mappings; quote '<<' when it is a name")
        weight = sum(map(len, values))
        self.expanded += weight
        if self.expanded > _MOST_EXPANDED:
            self._fail(event, "merged mappings would blow this document up; write the values out")
        return values


_MERGE: Final = object()
_OPEN: Final = object()
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    "<<": _MERGE,
}
_INT: Final = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER: Final = 400


class _Resolved(dict[str, Any]):
    """What a plain word means, remembered: manifests say the same words over and over."""

    def __missing__(self, text: str) -> Any:
        value = _WORDS[text] if text in _WORDS else _number(text) if text[0] in "+-.0123456789" else text
        if len(text) < 64:
            self[text] = value
        return value


def _number(text: str) -> Any:
    """A plain word that begins like a number, as sigs.k8s.io/yaml reads it.

    >>> [_number(t) for t in ("010", "0x1F", "1_000", "1.5", "1.0", "08", "12:30:00", "2026-11-23", "1.2.3")]
    [8, 31, 1000, 1.5, 1, 8, '12:30:00', '2026-11-23', '1.2.3']
    """
    if len(text) > _LONGEST_NUMBER:
        return text
    plain = text if text[0] == "." else text.replace("_", "")
    whole = _INT.fullmatch(plain)
    if whole:
        sign, *digits = whole.groups()
        base = next(i for i, found in enumerate(digits) if found is not None)
        value = int(digits[base], (16, 2, 8, 10)[base])
        value = -value if sign == "-" else value
        if -(2**63) <= value < 2**64:
            return value
    if not _FLOAT.fullmatch(plain):
        return text
    number = float(plain)
    # JSON has one kind of number: 1.0 reaches the API server as 1
    return int(number) if number.is_integer() and abs(number) < 1e21 and plain[0] != "-" else number
