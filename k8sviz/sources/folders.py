"""What lies in folders as repositories have them: manifests beside charts, patches, values and other tools' files.

One bad file never stops the rest: what is left out is listed, with the reason and what to do. A Helm chart's
templates are to be rendered first (Chart.yaml marks a chart); what a kustomization names under `patches` is no object
of its own; two files of a folder that hold different objects of one name are alternatives, and the first is taken.
"""

import os
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from k8sviz.kinds import KINDS
from k8sviz.letters import printable
from k8sviz.sources._documents import Document, ManifestError
from k8sviz.sources.reading import documents_of, text_of
from k8sviz.words import say

__all__ = ["Gathered", "LeftOut", "Sheet", "gather", "notes_of", "what_of"]

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CHART: Final = "Chart.yaml"
_KUSTOMIZE: Final = "kustomize.config.k8s.io/"
_OF_HELM: Final = (".Values", ".Release", ".Chart", ".Capabilities", "include ", "toYaml", "define ")
_TEMPLATED: Final = ("{{", "{%", "${", "$(", "<%", "<<")
_MOST_NAMES: Final = 3  # files that a note names
_MOST_NOTES: Final = 30

JSON = Mapping[str, Any]
Identity = tuple[str, str, str, str]  # API group, kind, namespace as written, name


class LeftOut(NamedTuple):
    """A file, or a document of one, that was not taken: the code of its note, where it is, and what the note says.

    `error`: it was meant to be read and could not be. `home` is the folder of its chart or kustomization, or the file
    that it is an alternative to.
    """

    code: str
    source: str
    line: int = 0
    what: str = ""
    home: str = ""
    error: bool = False


class Sheet(NamedTuple):
    """A file's text and its documents. `argument` counts the paths that were given; in a folder it was only found."""

    name: str
    text: str
    documents: tuple[Document, ...]
    argument: int = 0
    in_folder: bool = False
    path: str = ""


class Gathered(NamedTuple):
    """The files that were taken, those that are another version of one taken, and what was left out."""

    sheets: tuple[Sheet, ...]
    alternatives: tuple[Sheet, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def gather(paths: Sequence[str | os.PathLike[str]]) -> Gathered:
    """Read every file that these paths mean: a path is a file, a folder with all its sub-folders, or `-`.

    Raises ManifestError where a file that was named cannot be read and no other can.
    """
    reader = _Reader()
    for number, path in enumerate(dict.fromkeys(os.fspath(p) for p in paths)):
        if path != "-" and Path(path).is_dir():
            reader.folder(path, number)
        else:
            reader.named(path, number)
    if reader.failure is not None and not any(sheet.documents for sheet in reader.sheets):
        raise reader.failure
    return reader.gathered()


class _Reader:
    """Collects the files of all paths."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.left_out: list[LeftOut] = []
        self.failure: ManifestError | None = None

    def named(self, path: str, argument: int) -> None:
        """A file that somebody named is meant to hold objects."""
        name = printable("standard input" if path == "-" else path)
        text = ""
        try:
            text = text_of(path, name)
            documents = [d for d in documents_of(text, name) if d.value is not None]
        except ManifestError as error:
            if "{{" in text:
                told = say(f"folders.refused.{'helm' if _is_helm(text) else 'template'}", place=error.place or name)
                error = ManifestError(told, error.place, error.line)
            self.failure = self.failure or error
            self.left_out.append(_unreadable(name, error))
            return
        self.sheets.append(Sheet(name, text, tuple(documents), argument, False, path))

    def folder(self, folder: str, argument: int) -> None:
        """Everything in a folder that may be a manifest."""
        found = _walk(folder)
        charts = {path.parent for path in found if path.name == _CHART}
        read = [each for path in found if (each := self.found(path, argument, charts)) is not None]
        uses = _kustomized(read)
        for sheet in read:
            use = uses.get(_real(Path(sheet.path)))
            if use is not None:
                self.left_out.append(LeftOut(use.code, sheet.name, home=use.home))
            else:
                self.keep(sheet, Path(sheet.path).relative_to(folder))

    def found(self, path: Path, argument: int, charts: set[Path]) -> Sheet | None:
        """A file that was found in a folder, if its text can be read."""
        name = printable(str(path))
        home = next((parent for parent in path.parents if parent in charts), None)
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # a pipe or device would keep us waiting
                self.left_out.append(LeftOut("special", name))
                return None
            text = text_of(str(path), name)
        except (OSError, ManifestError) as error:
            self.left_out.append(_unreadable(name, error))
            return None
        inside = path.relative_to(home).parts if home is not None else ()
        if inside[:1] == ("templates",) and "{{" in text:
            self.left_out.append(LeftOut("helm", name, home=printable(str(home))))
            return None
        if len(inside) == 1 and path.name.startswith(("values", _CHART)):
            self.left_out.append(LeftOut("foreign", name))
            return None
        try:
            documents = [d for d in documents_of(text, name) if d.value is not None]
        except ManifestError as error:
            self.left_out.append(_not_read(name, text, error))
            return None
        return Sheet(name, text, tuple(documents), argument, True, str(path))

    def keep(self, sheet: Sheet, inside: Path) -> None:
        """A found file without its documents that are no objects."""
        kept = [document for document in sheet.documents if not _foreign(document.value)]
        strange = [d for d in kept if any(_templated(obj) for obj in _objects(d.value))]
        if kept and _named_patch(inside):
            self.left_out.append(LeftOut("by-name", sheet.name))
            return
        if strange:
            code = "helm" if _is_helm(sheet.text) else "template"
            self.left_out.append(LeftOut(code, sheet.name, strange[0].line))
            return
        gone = len(sheet.documents) - len(kept)
        if gone and not kept:
            code = "json-patch" if all(_is_json_patch(d.value) for d in sheet.documents) else "foreign"
            self.left_out.append(LeftOut(code, sheet.name))
        elif gone:
            first = next(d for d in sheet.documents if _foreign(d.value))
            self.left_out.append(LeftOut("foreign-part", sheet.name, first.line, str(gone)))
        if kept:
            self.sheets.append(sheet._replace(documents=tuple(kept)))

    def gathered(self) -> Gathered:
        """The files, with those apart that hold another object of the same name as an earlier one of their folder."""
        sheets: list[Sheet] = []
        others: list[Sheet] = []
        before: dict[tuple[int, Identity], tuple[Sheet, Any]] = {}
        for sheet in self.sheets:
            mine = [(identity_of(obj), obj) for d in sheet.documents for obj in _objects(d.value)]
            rivals = ((i, *before.get((sheet.argument, i), (sheet, obj)), obj) for i, obj in mine)
            rival = next(((i, other) for i, other, old, obj in rivals if old != obj), None)
            if sheet.in_folder and rival is not None:
                same, other = rival
                named = f"{same[1]} {same[3]}"
                self.left_out.append(LeftOut("alternative", sheet.name, what=named, home=other.name))
                others.append(sheet)
                continue
            for identity, obj in mine:
                before[sheet.argument, identity] = (sheet, obj)
            sheets.append(sheet)
        return Gathered(tuple(sheets), tuple(others), tuple(self.left_out))


def _walk(folder: str) -> list[Path]:
    found: list[Path] = []
    for where, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        named = (f for f in files if not f.startswith("."))
        found += [Path(where, f) for f in named if f.lower().endswith(_SUFFIXES) or f in _KUSTOMIZATIONS]
    return sorted(found, key=lambda path: path.parts)


def _named_patch(path: Path) -> bool:
    """Whether a file's own name, or its folder's, says that it holds patches.

    >>> [_named_patch(Path(path)) for path in ("cpu-patch.yaml", "patches/cpu.yaml", "dispatch.yaml")]
    [True, True, False]
    """
    return path.parent.name in ("patches", "patch") or "patch" in re.split(r"[-_.]", path.name.lower())


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _unreadable(name: str, error: OSError | ManifestError) -> LeftOut:
    if isinstance(error, OSError):
        return LeftOut(
            "unreadable", name, 1, say("folders.refused.unreadable", why=error.strerror or error), error=True
        )
    return LeftOut("unreadable", name, error.line or 1, what_of(error, name), error=True)


def what_of(error: ManifestError, name: str) -> str:
    """An error's line without the place in front of it."""
    return str(error).removeprefix(error.place or name).removeprefix(": ")


def _not_read(name: str, text: str, error: ManifestError) -> LeftOut:
    """What a file is that is no YAML: another program's, a template, or a manifest with a mistake."""
    if "apiVersion" not in text:
        return LeftOut("foreign", name)
    if "{{" in text or "{%" in text:
        return LeftOut("helm" if _is_helm(text) else "template", name, error.line)
    return _unreadable(name, error)


def _is_helm(text: str) -> bool:
    return any(word in text for word in _OF_HELM)


# -- what a document is ----------------------------------------------------------------------------


def _foreign(value: Any) -> bool:
    """Whether a document that was only found is no Kubernetes object: values, a patch, another program's file."""
    if not isinstance(value, dict):
        return True
    version, kind, meta = value.get("apiVersion"), value.get("kind"), value.get("metadata")
    # kustomize's own files lie beside manifests and never reach the API server
    if str(version).startswith(_KUSTOMIZE):
        return True
    if not version or not kind:
        return (not version and not kind) or not isinstance(meta, dict)
    if kind in KINDS or (isinstance(kind, str) and kind.endswith("List")):
        return False
    # a program's configuration has a kind, too (kind.x-k8s.io, kubeadm, skaffold), but no name
    return not isinstance(meta, dict) or not (meta.get("name") or meta.get("generateName"))


def _is_json_patch(value: Any) -> bool:
    """Whether a document is a list of operations on another object (RFC 6902)."""
    return isinstance(value, list) and all(isinstance(one, dict) and {"op", "path"} <= one.keys() for one in value)


def _templated(obj: JSON) -> bool:
    """Whether what an object is called is yet to be put in, as `${NAME}`."""
    meta = obj.get("metadata")
    heads = [obj.get("apiVersion"), obj.get("kind")]
    heads += [meta.get("name"), meta.get("namespace")] if isinstance(meta, dict) else []
    if any(isinstance(head, str) and mark in head for head in heads for mark in _TEMPLATED):
        return True
    labels = meta.get("labels") if isinstance(meta, dict) else None
    return isinstance(labels, dict) and any("{{" in str(value) for value in labels.values())


def _objects(value: Any) -> Iterator[JSON]:
    """The objects of a document: a List's items, or itself."""
    if not isinstance(value, dict):
        return
    items = value.get("items")
    if isinstance(items, list) and str(value.get("kind")).endswith("List"):
        yield from (item for item in items if isinstance(item, dict))
    else:
        yield value


def identity_of(obj: JSON) -> Identity:
    """What makes two objects the same one to the API server, whatever version of its API they are written for.

    >>> identity_of({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})
    ('apps', 'Deployment', '', 'web')
    """
    meta = obj.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    return group, str(obj.get("kind")), str(meta.get("namespace") or ""), str(meta.get("name") or "")


# -- kustomizations --------------------------------------------------------------------------------


class _Use(NamedTuple):
    """How a kustomization uses a file: as a patch, or as another input that is no object."""

    code: str
    home: str


def _kustomized(sheets: Iterable[Sheet]) -> dict[str, _Use]:
    """The files that kustomizations use as something else than objects, by their real path."""
    found: dict[str, _Use] = {}
    for sheet in sheets:
        path = Path(sheet.path)
        if path.name not in _KUSTOMIZATIONS:
            continue
        for document in sheet.documents:
            if isinstance(document.value, dict):
                for code, written in _inputs(document.value):
                    if "\n" not in written:
                        found.setdefault(_real(path.parent / written), _Use(code, printable(str(path.parent))))
    return found


def _inputs(kustomization: JSON) -> Iterator[tuple[str, str]]:
    """The files that a kustomization names besides its resources, each with the code of its use."""
    for field in ("patches", "patchesJson6902"):
        yield from (("patch", path) for path in _paths(kustomization.get(field), "path"))
    yield from (("patch", path) for path in _paths(kustomization.get("patchesStrategicMerge")))
    for field in ("configurations", "transformers", "generators", "validators"):
        yield from (("input", path) for path in _paths(kustomization.get(field)))
    yield from (("input", path) for path in _paths(kustomization.get("replacements"), "path"))
    for field in ("configMapGenerator", "secretGenerator"):
        for each in _mappings(kustomization.get(field)):
            for name in ("files", "envs"):
                yield from (("input", path.rpartition("=")[2]) for path in _paths(each.get(name)))
            yield from (("input", path) for path in _paths([each.get("env")]))
    for each in _mappings(kustomization.get("helmCharts")):
        yield from (("input", path) for path in _paths([each.get("valuesFile")]))
        yield from (("input", path) for path in _paths(each.get("additionalValuesFiles")))
    yield from (("input", path) for path in _paths([kustomization.get("openapi")], "path"))


def _paths(value: Any, field: str = "") -> Iterator[str]:
    for each in value if isinstance(value, list) else ():
        path = each.get(field) if field and isinstance(each, dict) else each
        if isinstance(path, str):
            yield path


def _mappings(value: Any) -> list[JSON]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


# -- what is said of it ----------------------------------------------------------------------------


def notes_of(left_out: Iterable[LeftOut]) -> tuple[str, ...]:
    """A note for each reason, chart and kustomization: how many files, the first of their names, and what to do.

    >>> notes_of([LeftOut("foreign", "a/values.yaml"), LeftOut("foreign", "b/values.yaml")])
    ('2 files left out, since they hold no Kubernetes object: a/values.yaml, b/values.yaml',)
    """
    groups: defaultdict[tuple[str, str], list[LeftOut]] = defaultdict(list)
    for each in left_out:
        groups[each.code, each.home if each.code in ("helm", "patch", "input") else ""].append(each)
    notes: list[str] = []
    for (code, home), found in groups.items():
        if code in ("unreadable", "object", "alternative", "foreign-part"):
            notes += (_one(each) for each in found)
        else:
            notes.append(_several(code, home, found))
    if len(notes) > _MOST_NOTES:
        notes[_MOST_NOTES:] = [say("folders.note.more", count=len(notes) - _MOST_NOTES)]
    return tuple(notes)


def _one(each: LeftOut) -> str:
    return say(f"folders.note.{each.code}", file=each.source, line=each.line, what=each.what, other=each.home)


def _several(code: str, home: str, found: Sequence[LeftOut]) -> str:
    names = list(Counter(each.source for each in found))
    files = ", ".join(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        files = say("folders.names.more", names=files, count=len(names) - _MOST_NAMES)
    form = ("chart" if code == "helm" and home else code) + ("-one" if len(names) == 1 else "")
    return say(f"folders.note.{form}", files=files, count=len(names), home=home)
