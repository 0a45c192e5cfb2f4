"""Manifest checking: would the API server take this text, and if not, which line, which field, what to write?

Types and fields are judged by Kubernetes' published schemas with jsonschema (`published`); what schemas cannot say by
the rules of the API server's own validation, one function for each named type (`pods`, `stores`, `workloads`); what
no single object shows by `together`, and what an update may not touch by `changes`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from k8sviz.kinds import KINDS
from k8sviz.rules.fields import mapping, strings, text
from k8sviz.sources import folders, manifests
from k8sviz.sources._documents import Document
from k8sviz.sources.places import Place, Places
from k8sviz.validate.among import Among
from k8sviz.validate.changes import growth_problems, update_problems
from k8sviz.validate.enums import enum_problems
from k8sviz.validate.forms import amount_problems, form_problems
from k8sviz.validate.heads import identity, is_other, known
from k8sviz.validate.hidden import veiled
from k8sviz.validate.model import FieldPath, Finding, Problem, Report, field_text, shown_value
from k8sviz.validate.named import missing_problems
from k8sviz.validate.names import is_qualified, key_problems, label_problems, name_problem, object_name_problem
from k8sviz.validate.pods import POD_RULES
from k8sviz.validate.published import Part, empty_required, parts, schema_problems, version, without_nulls
from k8sviz.validate.stores import STORE_RULES
from k8sviz.validate.together import doubts
from k8sviz.validate.workloads import WORKLOAD_RULES

__all__ = [
    "Finding",
    "Problem",
    "Report",
    "check_files",
    "check_text",
    "field_text",
    "problems",
    "update_problems",
    "version",
]

_RULES = {**POD_RULES, **STORE_RULES, **WORKLOAD_RULES}
_WITH_SPEC: Final = frozenset(
    {
        "Pod",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "Service",
        "ReplicationController",
        "ReplicaSet",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
    }
)
_FINALIZERS: Final = ("kubernetes", "orphan", "foregroundDeletion")  # those without a domain


@dataclass(frozen=True, slots=True)
class _Written:
    """What stands for an object, where it was written, and its path in its document (it may be a List's item)."""

    obj: Any
    source: str
    places: Places
    line: int
    prefix: FieldPath = ()
    group: str = ""  # what was named together, or lies in one folder
    alternative: bool = False  # another version of something in the same folder, and no update of it

    def finding(self, problem: Problem) -> Finding:
        place = self.places.find(self.line, (*self.prefix, *problem.path)) or Place(self.line, 0)
        name = text(self.obj, "metadata", "name")
        subject = f"{text(self.obj, 'kind').lower()}/{name}" if name else text(self.obj, "kind").lower()
        return Finding(veiled(problem, self.obj), self.source, place.line, place.column, subject)


def check_text(written: str, name: str = "input") -> Report:
    """Check the manifests of one text; `name` is what findings call it.

    An object that comes twice is an update of the first. Raises ManifestError for what is no YAML at all.

    >>> print(check_text("apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: c}\\ndata:\\n  size: 5"))
    input, line 5: data.size: 5 is a number; this field takes text. Write "5", in quotes.
    """
    read = manifests.documents(written, name)
    return _checked(_opened(folders.Sheet(name, written, tuple(Document(value, line, {}) for value, line in read))))


def check_files(paths: Sequence[str | os.PathLike[str]], *, complete: bool = False) -> Report:
    """Check the manifests of files and folders, all together.

    `complete`: they are all there is, so a name of something that is not among them is an error.

    A file that cannot be read is a finding; what is no manifest is left out, and the report says so. Raises
    ManifestError where nothing at all can be read.
    """
    gathered = folders.gather(paths)
    written = [each for sheet in gathered.sheets for each in _opened(sheet)]
    written += [each for sheet in gathered.alternatives for each in _opened(sheet, alternative=True)]
    report = _checked(written, complete=complete)
    broken = [_unreadable(each) for each in gathered.left_out if each.error]
    left_out = [each for each in gathered.left_out if not each.error and each.code != "alternative"]
    return replace(report, findings=(*report.findings, *broken), left_out=tuple(left_out))


def problems(obj: object) -> list[Problem]:
    """What is wrong with one object by itself.

    >>> [str(p) for p in problems({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "Demo"}})]
    ['metadata.name: "Demo" is not a valid name here: lower-case letters, digits and - only. Write for example demo.']
    """
    if not isinstance(obj, Mapping):
        code = "list" if isinstance(obj, list) else "no-object"
        return [Problem((), code, {"value": shown_value(obj)})]
    found, definition = known(obj)
    if definition is None:
        return found
    plain = _with_specs(without_nulls(obj))
    found += schema_problems(plain, definition)
    found += _metadata(plain)
    causes = {problem.path[:n] for problem in found for n in range(1, len(problem.path) + 1)}
    for part in parts(plain, definition):
        # what follows from a problem in the same place or below it is not said
        found += (problem for problem in _of_part(part, plain) if problem.path not in causes)
    meant = {(*p.path[:-1], p.facts["near"]) for p in found if p.code == "unknown-field"}
    return [veiled(problem, obj) for problem in found if problem.path not in meant]


def _of_part(part: Part, root: Mapping[str, Any]) -> Iterator[Problem]:
    yield from empty_required(part)
    yield from enum_problems(part)
    yield from form_problems(part)
    yield from amount_problems(part)
    rule = _RULES.get(part.definition)
    if rule is not None:
        yield from rule(part, root)


def _opened(sheet: folders.Sheet, *, alternative: bool = False) -> list[_Written]:
    places = Places(sheet.text)
    found: list[_Written] = []
    for document in sheet.documents:
        group = str(Path(sheet.path).parent) if sheet.in_folder else ""
        whole = _Written(document.value, sheet.name, places, document.line, (), group, alternative)
        found += _items(whole)
    return found


def _unreadable(each: folders.LeftOut) -> Finding:
    return Finding(Problem((), "unreadable", {"what": each.what}), each.source, each.line)


def _items(whole: _Written) -> Iterator[_Written]:
    items = manifests.items_of(whole.obj) if isinstance(whole.obj, dict) else None
    if items is None:
        yield whole
        return
    kind, api = text(whole.obj, "kind").removesuffix("List"), whole.obj.get("apiVersion")
    for i, item in enumerate(items):
        if kind and isinstance(item, Mapping) and "kind" not in item:
            item = {"apiVersion": api, "kind": kind, **item}  # as kubectl reads a PodList
        yield replace(whole, obj=item, prefix=("items", i))


def _checked(written: Iterable[_Written], *, complete: bool = False) -> Report:
    everything = list(written)
    among = Among((each.obj, each.group) for each in everything if isinstance(each.obj, Mapping))
    before: dict[tuple[str, ...], Mapping[str, Any]] = {}
    found: list[Finding] = []
    others: Counter[str] = Counter()
    for each in everything:
        mine = problems(each.obj)
        if isinstance(each.obj, Mapping):
            others[text(each.obj, "kind")] += is_other(each.obj)
            mine += doubts(each.obj, among, each.group)
            if complete:
                missing = list(missing_problems(each.obj, among, among.named_by_custom))
                gone = {problem.path for problem in missing}
                mine = [*(problem for problem in mine if problem.path not in gone), *missing]
            key = identity(each.obj)
            if key in before and not each.alternative:
                mine += _updates(before[key], each.obj, among)
            before[key] = each.obj
        found += sorted(map(each.finding, mine), key=lambda finding: (finding.line, finding.column))
    return Report(tuple(found), len(everything), dict(+others))


def _updates(old: Mapping[str, Any], new: Mapping[str, Any], among: Among) -> Iterator[Problem]:
    """What the API server refuses of a change, `among` other objects that it would look at."""
    yield from update_problems(old, new)
    if text(new, "kind") == "PersistentVolumeClaim":
        yield from growth_problems(old, new, lambda name: among.find("StorageClass", name))


# -- what every object has -------------------------------------------------------------------------


def _with_specs(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with the specs that it leaves out, which are then empty ones."""
    if text(obj, "kind") not in _WITH_SPEC:
        return obj
    spec = obj.get("spec", {})
    template = spec.get("template") if isinstance(spec, dict) else None
    if isinstance(template, dict) and "spec" not in template:
        spec = {**spec, "template": {**template, "spec": {}}}
    return {**obj, "spec": spec}


def _metadata(obj: Mapping[str, Any]) -> Iterator[Problem]:
    meta, kind = mapping(obj, "metadata"), text(obj, "kind")
    path: FieldPath = ("metadata",)
    name = meta.get("name", "")
    if isinstance(name, str) and name:
        yield from object_name_problem(kind, name, (*path, "name"))
    elif not name and not meta.get("generateName") and isinstance(obj.get("metadata", {}), Mapping):
        yield Problem((*path, "name"), "no-name", {"kind": kind})
    prefix = text(meta, "generateName")
    if prefix:
        ended = prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix
        yield from object_name_problem(kind, ended, (*path, "generateName"))
    if kind in KINDS and KINDS[kind].namespaced:
        yield from name_problem(meta.get("namespace"), (*path, "namespace"))
    for i, each in enumerate(strings(meta, "finalizers")):
        if not is_qualified(each) or ("/" not in each and each not in _FINALIZERS):
            yield Problem((*path, "finalizers", i), "finalizer", {"value": shown_value(each)})
    # a template's labels are labels too
    for where in (("metadata",), ("spec", "template", "metadata")):
        found = mapping(obj, *where)
        yield from label_problems(found.get("labels"), (*where, "labels"))
        yield from key_problems(mapping(found, "annotations"), (*where, "annotations"))
