"""`kubectl wait`: until a condition, a field's value, or an object's end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.change import chosen
from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.jsonpath import JsonPathError, find
from k8sviz.kubectl.printing import called
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.kubectl.times import parse_duration
from k8sviz.rules.fields import integer, listed, mapping, text

__all__ = ["WAIT_FLAGS", "wait"]

WAIT_FLAGS: Final = (
    "for= timeout= filename,f= recursive,R selector,l= field-selector= all all-namespaces,A output,o= local "
    "show-managed-fields template="
)


def wait(session: Session, call: Call) -> None:
    """Wait for each object in turn. Raises Failed, Refused."""
    wanted = call.flag("for")
    left = parse_duration(call.flag("timeout", "30s"))
    if left is None:
        raise Failed(
            f'invalid argument "{call.flag("timeout")}" for "--timeout" flag: time: invalid duration '
            f'"{call.flag("timeout")}"'
        )
    if left < 0:
        left = 7 * 24 * 3600.0
    end = session.target.now + left
    kind, _, what = wanted.partition("=")
    test = _test(kind, what)
    if kind == "create":
        _created(session, call, end)
        return
    found = chosen(session, call, call.words)
    if not found:
        raise Failed("no matching resources found")
    for one in found:
        _one(session, call, one, test, end)


def _created(session: Session, call: Call, end: float) -> None:
    """`--for=create`: until it is there."""
    for one in chosen(session, call, call.words):
        state: list[Object] = []

        def is_there(one: Wanted = one, state: list[Object] = state) -> bool:
            try:
                state.append(session.get(one, session.namespace(call)))
            except Refused:
                return False
            return True

        if not session.target.run_until(is_there, max(0.0, end - session.target.now)):
            session.fail(f"error: timed out waiting for the condition on {one.resource.plural}/{one.name}")
        else:
            session.show(f"{called(state[-1])} condition met")


Test = Callable[[Object | None], bool]


def _test(kind: str, what: str) -> Test:
    if kind == "delete":
        return lambda obj: obj is None
    if kind == "create":
        return lambda obj: obj is not None
    if kind == "condition":
        name, equal, value = what.partition("=")
        return lambda obj: obj is not None and _has(obj, name, value if equal else "true")
    if kind == "jsonpath":
        found = re.fullmatch(r"'?(\{[^}]*\})'?(?:=(.*))?", what, re.DOTALL)
        if not found:
            raise Failed(
                "jsonpath expression is required"
                if not what
                else "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or "
                "--for=jsonpath='{.status.readyReplicas}'"
            )
        return lambda obj: obj is not None and _is(obj, found[1], found[2])
    raise Failed(f'unrecognized condition: "{"=".join(filter(None, (kind, what)))}"')


def _has(obj: Object, name: str, value: str) -> bool:
    for condition in listed(obj, "status", "conditions"):
        if text(condition, "type").lower() == name.lower():
            seen = integer(condition, "observedGeneration")
            if seen is not None and seen < (integer(obj, "metadata", "generation") or 0):
                return False
            return text(condition, "status").lower() == value.strip("'\"").lower()
    return False


def _is(obj: Object, path: str, value: str | None) -> bool:
    try:
        found = find(path, obj)
    except JsonPathError as error:
        raise Failed(f"{path} {error}") from None
    if len(found) > 1:
        raise Failed("given jsonpath expression matches more than one value")
    if value is None:
        return bool(found)
    if not found:
        return False
    if isinstance(found[0], dict | list):
        raise Failed("jsonpath leads to a nested object or list which is not supported")
    shown = str(found[0]).lower() if isinstance(found[0], bool) else str(found[0])
    return shown.strip().lower() == value.strip("'\" ").lower()


def _one(session: Session, call: Call, one: Wanted, test: Test, end: float) -> None:
    namespace = session.namespace(call)
    deletes = test(None)
    try:
        state: list[Object | None] = [session.get(one, namespace)]
    except Refused:
        if not deletes:
            raise
        return
    uid = text(state[0], "metadata", "uid")

    def holds() -> bool:
        try:
            found: Object | None = session.get(one, namespace)
        except Refused:
            found = None
        if found is not None and deletes and text(found, "metadata", "uid") != uid:
            found = None
        if found is not None:
            state[0] = found
        return test(found)

    if session.target.run_until(holds, max(0.0, end - session.target.now)):
        obj = state[0]
        name = called(obj) if obj is not None and mapping(obj, "metadata") else one.resource.called(one.name)
        session.show(f"{name} condition met")
    else:
        session.fail(f"error: timed out waiting for the condition on {one.resource.plural}/{one.name}")
