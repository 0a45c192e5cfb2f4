"""`kubectl get`, and `kubectl events` beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cmp_to_key
from typing import Any, Final

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.columns import event_times
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.jsonpath import JsonPathError, find
from k8sviz.kubectl.manifests import named_in_files
from k8sviz.kubectl.naming import wanted
from k8sviz.kubectl.printing import is_table, print_objects, print_tables
from k8sviz.kubectl.raw import raw
from k8sviz.kubectl.resources import Resource
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.kubectl.tabwriter import table
from k8sviz.rules.availability import epoch
from k8sviz.rules.fields import mapping, text
from k8sviz.rules.quantity import quantity_or_none

__all__ = ["EVENTS_FLAGS", "GET_FLAGS", "events", "get", "natural"]

GET_FLAGS: Final = (
    "output,o= selector,l= field-selector= all-namespaces,A watch,w watch-only no-headers show-labels label-columns,L= "
    "show-kind sort-by= ignore-not-found filename,f= recursive,R raw= chunk-size= allow-missing-template-keys "
    "show-managed-fields server-print template= subresource= output-watch-events kustomize,k="
)
EVENTS_FLAGS: Final = "output,o= all-namespaces,A for= types= watch,w no-headers chunk-size= show-managed-fields"
_NOTHING: Final = (
    'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported '
    'resources.\n\nerror: Required resource not specified.\nUse "kubectl explain <resource>" for a detailed '
    "description "
    "of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and examples"
)
Group = tuple[Resource, list[Object]]


def get(session: Session, call: Call) -> None:
    """Print objects. Raises Failed, Refused."""
    if call.has("raw"):
        raw(session, call.flag("raw"))
        return
    everywhere = call.on("all-namespaces")
    asked = named_in_files(session, call) if call.has("filename") else wanted(session, call.words)
    if not asked:
        session.fail(_NOTHING)
        return
    if any(one.name for one in asked):
        _refuse_with_names(call, everywhere)
    groups = _asked(session, call, asked, None if everywhere else session.namespace(call))
    if call.flag("sort-by"):
        groups = [(resource, _sorted(objects, call.flag("sort-by"))) for resource, objects in groups]
    kinds = {one.resource.kind for one in asked}
    if is_table(call.flag("output")):
        with_kind = call.on("show-kind") or len(kinds) > 1
        printed = print_tables(session, call, groups, with_kind=with_kind, everywhere=everywhere)
        if not printed and not session.code and not call.on("ignore-not-found"):
            scoped = not everywhere and any(one.resource.namespaced for one in asked)
            session.warn(
                f"No resources found in {session.namespace(call)} namespace." if scoped else "No resources found"
            )
        return
    objects = [obj for _, found in groups for obj in found]
    if objects or not any(one.name for one in asked):
        print_objects(session, call, objects, single=len(asked) == 1 and bool(asked[0].name))


def _refuse_with_names(call: Call, everywhere: bool) -> None:
    if everywhere:
        raise Failed("a resource cannot be retrieved by name across all namespaces")
    if call.flag("selector"):
        raise Failed("name cannot be provided when a selector is specified")
    if call.flag("field-selector"):
        raise Failed("name cannot be provided when a selector is specified")


def _asked(session: Session, call: Call, asked: Sequence[Wanted], namespace: str | None) -> list[Group]:
    groups: list[Group] = []
    for one in asked:
        try:
            if one.name:
                found = [session.get(one, namespace or "")]
            else:
                found = session.list(
                    one.resource, namespace, labels=call.flag("selector"), fields=call.flag("field-selector")
                )
        except Refused as refused:
            if refused.reason == "NotFound" and call.on("ignore-not-found"):
                continue
            doing = ""
            if refused.reason == "BadRequest" and call.flag("field-selector"):
                doing = (
                    f'Unable to find "{one.resource.plural}" that match label selector "{call.flag("selector")}", '
                    f'field selector "{call.flag("field-selector")}"'
                )
            session.fail(explained(refused, doing))
            continue
        if groups and groups[-1][0] == one.resource:
            groups[-1][1].extend(found)
        else:
            groups.append((one.resource, found))
    return groups


def _sorted(objects: list[Object], path: str) -> list[Object]:
    try:
        keys = [find(path, obj) for obj in objects]
    except JsonPathError as error:
        raise Failed(str(error)) from None
    if objects and not any(keys):
        raise Failed(f'couldn\'t find any field with path "{path}" in the list of objects')
    order = sorted(range(len(objects)), key=lambda i: (bool(keys[i]), _Order(keys[i][0] if keys[i] else None)))
    return [objects[i] for i in order]


def natural(value: str) -> list[tuple[int, int, str]]:
    """A key that sorts `a10` after `a2` (sortorder.NaturalLess).

    >>> sorted(["a10", "a2", "b"], key=natural)
    ['a2', 'a10', 'b']
    """
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", value)]


def _compared(one: Any, two: Any) -> int:
    if isinstance(one, str) and isinstance(two, str):
        first, second = quantity_or_none(one), quantity_or_none(two)
        if first is not None and second is not None:
            return (first > second) - (first < second)
        return (natural(one) > natural(two)) - (natural(one) < natural(two))
    if isinstance(one, int | float) and isinstance(two, int | float):
        return (one > two) - (one < two)
    return (str(one) > str(two)) - (str(one) < str(two))


_Order = cmp_to_key(_compared)


def events(session: Session, call: Call) -> None:
    """`kubectl events`: by time, with the age of a row that came several times. Raises Failed."""
    everywhere = call.on("all-namespaces")
    fields: list[str] = []
    if call.flag("for"):
        [about] = wanted(session, [call.flag("for")])
        fields = [f"involvedObject.kind={about.resource.kind}", f"involvedObject.name={about.name}"]
    found = session.list(
        session.resource("events"), None if everywhere else session.namespace(call), fields=",".join(fields)
    )
    types = [one.lower() for one in call.listed("types")]
    found = [event for event in found if not types or text(event, "type").lower() in types]
    found.sort(key=_when)
    if not found:
        where = "" if everywhere else f" in {session.namespace(call)} namespace."
        session.warn(f"No events found{where}")
        return
    if call.flag("output"):
        print_objects(session, call, found, single=False)
        return
    head = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    rows = [] if call.on("no-headers") else [(["NAMESPACE"] if everywhere else []) + head]
    for event in found:
        last, first, count = event_times(event, session.target.now)
        about_it = mapping(event, "involvedObject")
        rows.append(
            ([text(event, "metadata", "namespace")] if everywhere else [])
            + [
                f"{last} (x{count} over {first})" if count > 1 else last,
                text(event, "type"),
                text(event, "reason"),
                f"{text(about_it, 'kind')}/{text(about_it, 'name')}",
                text(event, "message").strip(),
            ]
        )
    session.out.append(table(rows))


def _when(event: Object) -> float:
    stamp = text(event, "series", "lastObservedTime") or text(event, "lastTimestamp") or text(event, "eventTime")
    return epoch(stamp) or 0.0
