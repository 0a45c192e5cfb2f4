"""Objects as `-o` asks for them: yaml, json, name, jsonpath, custom columns; and kubectl's tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.kubectl.columns import format_labels, table_of
from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.json_text import indented, number_text
from k8sviz.kubectl.jsonpath import JsonPathError, fill, find
from k8sviz.kubectl.resources import Resource, of_kind
from k8sviz.kubectl.session import Session
from k8sviz.kubectl.tabwriter import table
from k8sviz.kubectl.yaml_text import to_yaml
from k8sviz.rules.fields import mapping, text
from k8sviz.rules.selectors import labels_of

__all__ = ["called", "is_table", "print_objects", "print_tables"]

_FORMATS = (
    "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,"
    "template,templatefile,wide,yaml"
)


def is_table(output: str) -> bool:
    """Whether `-o` asks for kubectl's own tables."""
    return output in ("", "wide")


def called(obj: Object) -> str:
    """An object as kubectl calls it: `deployment.apps/kubia`."""
    found = of_kind(text(obj, "kind"), text(obj, "apiVersion")) or of_kind(text(obj, "kind"))
    name = text(obj, "metadata", "name")
    return found.called(name) if found else f"{text(obj, 'kind').lower()}/{name}"


def print_objects(session: Session, call: Call, objects: Sequence[Object], *, single: bool) -> None:
    """Print with `-o`; `single` is one object, else it is a List. Raises Failed."""
    output = call.flag("output")
    form, _, template = output.partition("=")
    if form == "name":
        for obj in objects:
            session.show(called(obj))
        return
    shown = [_shown(obj, keep=call.on("show-managed-fields")) for obj in objects]
    whole: Object = (
        shown[0]
        if single and shown
        else {"apiVersion": "v1", "items": shown, "kind": "List", "metadata": {"resourceVersion": ""}}
    )
    if form == "yaml":
        session.out.append(to_yaml(whole))
    elif form == "json":
        session.out.append(indented(whole))
    elif form in ("jsonpath", "jsonpath-as-json", "jsonpath-file"):
        text = session.read(template) if form == "jsonpath-file" else template
        session.out.append(_by_path(text, whole, as_json=form == "jsonpath-as-json"))
    elif form in ("custom-columns", "custom-columns-file"):
        _columns(session, call, shown, template, from_file=form.endswith("file"))
    elif form in ("go-template", "template", "go-template-file", "templatefile", "kyaml"):
        raise Failed(f"-o {form} is not there in the built-in kubectl; use -o jsonpath or -o yaml")
    else:
        raise Failed(
            f'unable to match a printer suitable for the output format "{output}", allowed formats are: {_FORMATS}'
        )


def _shown(obj: Object, *, keep: bool) -> Object:
    if keep or "managedFields" not in mapping(obj, "metadata"):
        return obj
    return {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "managedFields"}}


def _by_path(template: str, whole: Object, *, as_json: bool) -> str:
    if not template:
        raise Failed("template format specified but no template given")
    try:
        if as_json:
            return indented(find(template, whole))
        return fill(template if "{" in template else "{" + template + "}", whole)
    except JsonPathError as error:
        raise Failed(f"error parsing jsonpath {template}, {error}") from None


def _columns(session: Session, call: Call, objects: Sequence[Object], spec: str, *, from_file: bool) -> None:
    if not spec:
        raise Failed("custom-columns format specified but no custom columns given")
    if from_file:
        heads, paths = (line.split() for line in session.read(spec).strip().split("\n")[:2])
    else:
        parts = [part.partition(":") for part in spec.split(",")]
        if any(not colon for _, colon, _ in parts):
            raise Failed(f"unexpected custom-columns spec: {spec}, expected <header>:<json-path-expr>")
        heads, paths = [part[0] for part in parts], [part[2] for part in parts]
    rows = [] if call.on("no-headers") else [heads]
    try:
        rows += [[_value(find(path, obj)) for path in paths] for obj in objects]
    except JsonPathError as error:
        raise Failed(str(error)) from None
    session.out.append(table(rows))


def _value(found: list[Any]) -> str:
    return ",".join(_plain(one) for one in found) if found else "<none>"


def _plain(value: Any) -> str:
    """As Go's %v: maps and lists in brackets."""
    if value is None:
        return "<none>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_plain(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_plain(one) for one in value) + "]"
    return value if isinstance(value, str) else number_text(value)


def print_tables(
    session: Session,
    call: Call,
    groups: Sequence[tuple[Resource, Sequence[Object]]],
    *,
    with_kind: bool,
    everywhere: bool,
) -> bool:
    """Print tables, one a kind; whether anything was printed. `everywhere` shows the namespaces."""
    wide, printed = call.flag("output") == "wide", False
    labels = call.listed("label-columns")
    for resource, objects in groups:
        if not objects:
            continue
        columns, row = table_of(resource.kind, wide=wide)
        name = columns.index("NAME") if resource.kind != "Event" or wide else -1
        prefix = f"{resource.word}/" if with_kind else ""
        head = [*(["NAMESPACE"] if everywhere and resource.namespaced else []), *columns]
        head += [label.rpartition("/")[2].upper() for label in labels]
        head += ["LABELS"] if call.on("show-labels") else []
        rows = [] if call.on("no-headers") else [head]
        more = _more(labels, everywhere=everywhere and resource.namespaced, all_labels=call.on("show-labels"))
        for obj in objects:
            cells = row(obj, session.target.now)
            if prefix and (name >= 0 or resource.kind == "Event"):
                cells[max(name, 0)] = prefix + cells[max(name, 0)]
            rows.append(more(obj, cells))
        if printed and not call.on("no-headers"):
            session.out.append("\n")
        session.out.append(table(rows))
        printed = True
    return printed


def _more(labels: Sequence[str], *, everywhere: bool, all_labels: bool) -> Callable[[Object, list[str]], list[str]]:
    def cells(obj: Object, own: list[str]) -> list[str]:
        if not everywhere and not labels and not all_labels:
            return own
        has = labels_of(obj)
        found = [text(obj, "metadata", "namespace"), *own] if everywhere else own
        return [*found, *(has.get(label, "") for label in labels), *([format_labels(has)] if all_labels else [])]

    return cells
