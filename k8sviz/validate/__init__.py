"""Manifest checking: would the API server take this text, and if not, which line, which field, what to write?

Types and fields are judged by Kubernetes' published schemas with jsonschema (`published`); what schemas cannot say by
the rules of the API server's own validation, one function for each named type (`pods`, `stores`, `workloads`); what
no single object shows by `together`, and what an update may not touch by `changes`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from k8sviz.errors import nearest
from k8sviz.kinds import KINDS
from k8sviz.rules.fields import mapping, strings, text
from k8sviz.sources import manifests
from k8sviz.sources.places import Place, Places
from k8sviz.validate.changes import update_problems
from k8sviz.validate.enums import enum_problems
from k8sviz.validate.forms import amount_problems, form_problems
from k8sviz.validate.model import FieldPath, Finding, Problem, Report, field_text, shown_value
from k8sviz.validate.names import is_qualified, key_problems, label_problems, name_problem, object_name_problem
from k8sviz.validate.pods import POD_RULES
from k8sviz.validate.published import Part, empty_required, kinds, parts, schema_problems, version, without_nulls
from k8sviz.validate.stores import STORE_RULES
from k8sviz.validate.together import doubts
from k8sviz.validate.workloads import WORKLOAD_RULES
from k8sviz.words import say

__all__ = ["Finding", "Problem", "Report", "check_files", "check_text", "field_text", "problems", "version"]

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
# since when the API server no longer knows them
_GONE = {
    "extensions/v1beta1": "1.16",
    "apps/v1beta1": "1.16",
    "apps/v1beta2": "1.16",
    "batch/v1beta1": "1.25",
    "policy/v1beta1": "1.25",
    "discovery.k8s.io/v1beta1": "1.25",
    "autoscaling/v2beta1": "1.25",
    "autoscaling/v2beta2": "1.26",
    "networking.k8s.io/v1beta1": "1.22",
    "storage.k8s.io/v1beta1": "1.22",
    "rbac.authorization.k8s.io/v1beta1": "1.22",
    "rbac.authorization.k8s.io/v1alpha1": "1.22",
}


@dataclass(frozen=True, slots=True)
class _Written:
    """What stands for an object, where it was written, and its path in its document (it may be a List's item)."""

    obj: Any
    source: str
    places: Places
    document: int
    line: int
    prefix: FieldPath = ()

    def finding(self, problem: Problem) -> Finding:
        place = self.places.find(self.document, (*self.prefix, *problem.path)) or Place(self.line, 0)
        name = text(self.obj, "metadata", "name")
        subject = f"{text(self.obj, 'kind').lower()}/{name}" if name else text(self.obj, "kind").lower()
        return Finding(problem, self.source, place.line, place.column, subject)


def check_text(written: str, name: str = "input") -> Report:
    """Check the manifests of one text; `name` is what findings call it.

    An object that comes twice is an update of the first. Raises ManifestError for what is no YAML at all.

    >>> print(check_text("apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: c}\\ndata:\\n  size: 5"))
    input, line 5: data.size: 5 is a number; this field takes text. Write "5", in quotes.
    """
    return _checked(_opened(written, name))


def check_files(paths: Sequence[str | os.PathLike[str]]) -> Report:
    """Check the manifests of files and folders, all together. Raises ManifestError."""
    return _checked([found for name, written in manifests.texts(paths) for found in _opened(written, name)])


def problems(obj: object) -> list[Problem]:
    """What is wrong with one object by itself.

    >>> [str(p) for p in problems({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "Demo"}})]
    ['metadata.name: "Demo" is not a valid name here: lower-case letters, digits and - only. Write for example demo.']
    """
    if not isinstance(obj, Mapping):
        code = "list" if isinstance(obj, list) else "no-object"
        return [Problem((), code, {"value": shown_value(obj)})]
    found, definition = _known(obj)
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
    return [problem for problem in found if problem.path not in meant]


def _of_part(part: Part, root: Mapping[str, Any]) -> Iterator[Problem]:
    yield from empty_required(part)
    yield from enum_problems(part)
    yield from form_problems(part)
    yield from amount_problems(part)
    rule = _RULES.get(part.definition)
    if rule is not None:
        yield from rule(part, root)


def _opened(written: str, name: str) -> list[_Written]:
    places = Places(written)
    found: list[_Written] = []
    for number, (value, line) in enumerate(manifests.documents(written, name)):
        whole = _Written(value, name, places, number, line)
        found += _items(whole)
    return found


def _items(whole: _Written) -> Iterator[_Written]:
    items = whole.obj.get("items") if isinstance(whole.obj, Mapping) else None
    if not isinstance(items, list) or not text(whole.obj, "kind").endswith("List"):
        yield whole
        return
    kind, api = text(whole.obj, "kind").removesuffix("List"), whole.obj.get("apiVersion")
    for i, item in enumerate(items):
        if kind and isinstance(item, Mapping) and "kind" not in item:
            item = {"apiVersion": api, "kind": kind, **item}  # as kubectl reads a PodList
        yield _Written(item, whole.source, whole.places, whole.document, whole.line, ("items", i))


def _checked(written: Iterable[_Written]) -> Report:
    everything = list(written)
    objects = [each.obj for each in everything if isinstance(each.obj, Mapping)]
    before: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    found: list[Finding] = []
    for each in everything:
        mine = problems(each.obj)
        if isinstance(each.obj, Mapping):
            mine += doubts(each.obj, objects)
            key = (text(each.obj, "kind"), text(each.obj, "metadata", "namespace"), text(each.obj, "metadata", "name"))
            if key in before:
                mine += update_problems(before[key], each.obj)
            before[key] = each.obj
        found += sorted(map(each.finding, mine), key=lambda finding: (finding.line, finding.column))
    return Report(tuple(found), len(everything))


# -- what every object has -------------------------------------------------------------------------


def _known(obj: Mapping[str, Any]) -> tuple[list[Problem], str | None]:
    """The definition of an object's kind, or why there is none."""
    api, kind = obj.get("apiVersion"), obj.get("kind")
    found = [_missing_head(field, obj) for field in ("apiVersion", "kind") if not obj.get(field)]
    for field, value in (("apiVersion", api), ("kind", kind)):
        if value and not isinstance(value, str):
            found.append(Problem((field,), "no-text", {"value": shown_value(value)}))
    if found or not isinstance(api, str) or not isinstance(kind, str):
        return found, None
    definition = kinds().get((api, kind))
    return ([], definition) if definition else ([_no_such_kind(api, kind)], None)


def _with_specs(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with the specs that it leaves out, which are then empty ones."""
    if text(obj, "kind") not in _WITH_SPEC:
        return obj
    spec = obj.get("spec", {})
    template = spec.get("template") if isinstance(spec, dict) else None
    if isinstance(template, dict) and "spec" not in template:
        spec = {**spec, "template": {**template, "spec": {}}}
    return {**obj, "spec": spec}


def _missing_head(field: str, obj: Mapping[str, Any]) -> Problem:
    kind = obj.get("kind")
    api = KINDS[kind].api_version if isinstance(kind, str) and kind in KINDS else "v1"
    return Problem((field,), f"no-{field.lower()}", {"api": api})


def _no_such_kind(api: str, kind: str) -> Problem:
    versions = sorted(a for a, k in kinds() if k == kind)
    if versions:
        code = "gone-version" if api in _GONE else "other-version"
        facts = {"api": api, "kind": kind, "since": _GONE.get(api, ""), "right": versions[-1]}
        return Problem(("apiVersion",), code, facts)
    if any(a == api for a, _ in kinds()):
        names = [k for a, k in kinds() if a == api]
        same = next((k for k in names if k.lower() == kind.lower()), "")
        hint = say("check.hint.letters", name=same) if same else nearest(kind, names)
        return Problem(("kind",), "no-such-kind", {"kind": kind, "api": api, "hint": hint})
    return Problem(("kind",), "not-checked", {"kind": kind, "api": api}, error=False)


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
