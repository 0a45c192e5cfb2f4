"""`kubectl apply`, `create -f` and `replace`: what files hold becomes what the cluster holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.json_text import compact
from k8sviz.kubectl.manifests import Given, given
from k8sviz.kubectl.printing import print_objects
from k8sviz.kubectl.session import Session
from k8sviz.kubectl.warnings import warnings
from k8sviz.rules.fields import mapping, text
from k8sviz.rules.merges import three_way

__all__ = ["APPLY_FLAGS", "LAST_APPLIED", "REPLACE_FLAGS", "apply", "create_files", "done", "dry_run", "replace"]

APPLY_FLAGS: Final = (
    "filename,f= recursive,R dry-run=unchanged output,o= server-side force-conflicts field-manager= validate=strict "
    "overwrite prune selector,l= all wait timeout= record=true force grace-period= cascade= openapi-patch "
    "show-managed-fields subresource= template= allow-missing-template-keys kustomize,k="
)
REPLACE_FLAGS: Final = (
    "filename,f= recursive,R dry-run=unchanged output,o= force grace-period= cascade= timeout= wait validate=strict "
    "save-config field-manager= raw= subresource= show-managed-fields"
)
_WARNED: Final = ("created", "configured", "replaced", "patched")
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def dry_run(session: Session, call: Call) -> str:
    """none, client or server. Raises Failed."""
    if not call.has("dry-run"):
        return "none"
    said = call.flag("dry-run")
    if said == "unchanged":
        session.warn(
            "W0101 00:00:00.000000       1 helpers.go:731] --dry-run is deprecated and can be replaced with "
            "--dry-run=client."
        )
        return "client"
    if said not in ("none", "client", "server", "true", "false"):
        raise Failed(f'Invalid dry-run value ({said}). Must be "none", "server", or "client".')
    return {"true": "client", "false": "none"}.get(said, said)


def done(session: Session, call: Call, obj: Object, operation: str, *, dry: str = "none") -> None:
    """Say what was done to an object, or print it with `-o`."""
    from k8sviz.kubectl.printing import called

    if dry != "client" and operation in _WARNED:
        for line in warnings(obj):
            session.warn(f"Warning: {line}")
    output = call.flag("output")
    if output and output != "name":
        print_objects(session, call, [obj], single=True)
        return
    if output == "name":
        session.show(called(obj))
        return
    suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(dry, "")
    session.show(f"{called(obj)} {operation}{suffix}")


def _objects(session: Session, call: Call, doing: str) -> tuple[list[Given], list[str]]:
    if call.has("kustomize"):
        raise Failed("-k is not there in the built-in kubectl; use -f")
    if not call.has("filename"):
        raise Failed("must specify one of -f and -k")
    found, wrong = given(session, call)
    if not found and not wrong:
        raise Failed(f"no objects passed to {doing}")
    return found, wrong


def _each(session: Session, call: Call, doing: str, work: Any) -> None:
    """Do one thing to every object; what goes wrong with one does not hold up the others."""
    found, wrong = _objects(session, call, doing)
    for one in found:
        try:
            work(one)
        except Failed as failed:
            session.fail(
                failed.said if failed.said.startswith(("Error", "The ")) else f"error: {failed.said}", failed.code
            )
    for line in wrong:
        session.fail(f"error: {line}")


def apply(session: Session, call: Call) -> None:
    """Create what is not there, change what is. Raises Failed."""
    dry = dry_run(session, call)
    record_warning(session, call)
    _each(session, call, "apply", lambda one: _apply(session, call, one, dry))


def record_warning(session: Session, call: Call) -> None:
    """--record still works, and says that it will not for long."""
    if call.has("record"):
        session.warn("Flag --record has been deprecated, --record will be removed in the future")


def remembered(obj: Object) -> Object:
    """The object with the annotation by which the next apply knows what this one set."""
    meta = mapping(obj, "metadata")
    notes = {key: value for key, value in mapping(meta, "annotations").items() if key != LAST_APPLIED}
    bare = {**obj, "metadata": {**meta, "annotations": notes}}
    return {**obj, "metadata": {**meta, "annotations": {**notes, LAST_APPLIED: compact(bare) + "\n"}}}


def _apply(session: Session, call: Call, one: Given, dry: str) -> None:
    source = f'"{one.source}"'
    if not one.name:
        if text(one.object, "metadata", "generateName"):
            raise Failed(f"from {text(one.object, 'metadata', 'generateName')}-: cannot use generate name with apply")
        raise Failed(
            f'error when retrieving current configuration of:\nResource: "{one.resource.api_version}, '
            f'Resource={one.resource.plural}": resource name may not be empty'
        )
    wanted = remembered(one.object)
    try:
        current = session.api.get(one.resource.kind, one.name, one.namespace)
    except Refused as refused:
        if refused.reason != "NotFound":
            raise Failed(explained(refused)) from None
        made = wanted
        if dry != "client":
            try:
                made = session.api.create(wanted, dry_run=dry == "server", user=session.user)
            except Refused as why:
                raise Failed(explained(why, f"error when creating {source}")) from None
        done(session, call, made, "created", dry=dry)
        return
    notes = mapping(current, "metadata", "annotations")
    if LAST_APPLIED not in notes:
        session.warn(
            f"Warning: resource {one.resource.plural}/{one.name} is missing the {LAST_APPLIED} annotation which is "
            "required by kubectl apply. kubectl apply should only be used on resources created declaratively by either "
            "kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically."
        )
    patch = three_way(_loaded(notes.get(LAST_APPLIED)), wanted, current)
    if not patch:
        done(session, call, current, "unchanged", dry=dry)
        return
    changed = current
    if dry != "client":
        try:
            changed = session.api.patch(
                one.resource.kind, one.name, one.namespace, patch, type="strategic", dry_run=dry == "server"
            )
        except Refused as why:
            doing = f"error when applying patch:\n{compact(patch)}\nto:\n{_described(one)}\nfor: "
            doing += f"{source}: error when patching {source}"
            raise Failed(explained(why, doing)) from None
    done(session, call, changed, "configured", dry=dry)


def _described(one: Given) -> str:
    return (
        f'Resource: "{one.resource.api_version}, Resource={one.resource.plural}", GroupVersionKind: '
        f'"{one.resource.api_version}, Kind={one.resource.kind}"\nName: "{one.name}", Namespace: "{one.namespace}"'
    )


def _loaded(note: object) -> Mapping[str, Any]:
    try:
        found = json.loads(str(note)) if note else {}
    except (ValueError, RecursionError):
        found = {}
    return found if isinstance(found, dict) else {}


def create_files(session: Session, call: Call) -> None:
    """`kubectl create -f`. Raises Failed."""
    dry = dry_run(session, call)
    record_warning(session, call)

    def work(one: Given) -> None:
        made = remembered(one.object) if call.on("save-config") else one.object
        if dry != "client":
            try:
                made = session.api.create(made, dry_run=dry == "server", user=session.user)
            except Refused as why:
                raise Failed(explained(why, f'error when creating "{one.source}"')) from None
        done(session, call, made, "created", dry=dry)

    _each(session, call, "create", work)


def replace(session: Session, call: Call) -> None:
    """`kubectl replace`. Raises Failed."""
    dry = dry_run(session, call)
    if call.on("force"):
        _forced(session, call)
        return

    def work(one: Given) -> None:
        made = one.object
        current = session.api.get(one.resource.kind, one.name, one.namespace)
        if LAST_APPLIED in mapping(current, "metadata", "annotations") or call.on("save-config"):
            made = remembered(made)
        if dry != "client":
            try:
                made = session.api.replace(made, dry_run=dry == "server")
            except Refused as why:
                raise Failed(explained(why, f'error when replacing "{one.source}"')) from None
        done(session, call, made, "replaced", dry=dry)

    def guarded(one: Given) -> None:
        try:
            work(one)
        except Refused as why:
            raise Failed(explained(why)) from None

    _each(session, call, "replace", guarded)


def _forced(session: Session, call: Call) -> None:
    """`replace --force`: delete, wait, create."""
    from k8sviz.kubectl.delete import delete_one

    def work(one: Given) -> None:
        try:
            delete_one(session, call, one.resource, one.name, one.namespace, quiet=False)
        except Refused as why:
            if why.reason != "NotFound":
                raise Failed(explained(why)) from None
        try:
            done(session, call, session.api.create(one.object, user=session.user), "replaced")
        except Refused as why:
            raise Failed(explained(why, f'error when creating "{one.source}"')) from None

    _each(session, call, "replace", work)
