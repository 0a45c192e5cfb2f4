"""`kubectl delete`: asks for the end, and waits for it."""

from __future__ import annotations

from typing import Final

from k8sviz.cluster.api import Propagation
from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.apply import dry_run
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.manifests import given
from k8sviz.kubectl.naming import kinds_of, wanted_names
from k8sviz.kubectl.resources import Resource
from k8sviz.kubectl.session import Session
from k8sviz.kubectl.times import parse_duration
from k8sviz.rules.fields import text
from k8sviz.words import say

__all__ = ["DELETE_FLAGS", "delete", "delete_one"]

DELETE_FLAGS: Final = (
    "filename,f= recursive,R all all-namespaces,A selector,l= field-selector= cascade=background force grace-period= "
    "ignore-not-found now output,o= timeout= wait=true dry-run=unchanged interactive,i kustomize,k= raw="
)
_FORCED: Final = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The "
    "resource may continue to run on the cluster indefinitely."
)
_PATIENCE: Final = 600.0  # seconds of the cluster: kubectl would wait for ever, which helps nobody here
_CASCADES: Final[dict[str, Propagation]] = {
    "background": "Background",
    "true": "Background",
    "foreground": "Foreground",
    "orphan": "Orphan",
    "false": "Orphan",
}


def delete(session: Session, call: Call) -> None:
    """Delete what is named, all of a kind, or what files hold. Raises Failed, Refused."""
    found = _named(session, call)
    cascade = call.flag("cascade", "background")
    if cascade not in _CASCADES:
        raise Failed(f'invalid cascade value ({cascade}). Must be "background", "foreground", or "orphan".')
    if call.on("force"):
        session.warn(_FORCED)
    waiting: list[tuple[Resource, Object]] = []
    for resource, name, namespace in found:
        try:
            gone = delete_one(session, call, resource, name, namespace)
        except Refused as refused:
            if refused.reason == "NotFound" and (
                call.on("ignore-not-found") or call.on("all") or call.flag("selector")
            ):
                continue
            session.fail(explained(refused))
            continue
        if gone is not None:
            waiting.append((resource, gone))
    if call.on("wait", default=True) and dry_run_of(call) == "none" and not _immediate(call):
        _wait(session, call, waiting)
    if not found and not session.code and not call.on("ignore-not-found"):
        session.show("No resources found")


def dry_run_of(call: Call) -> str:
    """What --dry-run says, without a word about it."""
    return {"unchanged": "client", "true": "client", "false": "none"}.get(
        call.flag("dry-run"), call.flag("dry-run") or "none"
    )


def _immediate(call: Call) -> bool:
    return call.on("force") and call.flag("grace-period", "-1") in ("0", "-1")


def _named(session: Session, call: Call) -> list[tuple[Resource, str, str]]:
    namespace = session.namespace(call)
    if call.has("filename"):
        found, wrong = given(session, call)
        for line in wrong:
            session.fail(f"error: {line}")
        return [(one.resource, one.name, one.namespace) for one in found]
    if not call.words:
        raise Failed(
            "You must provide one or more resources by argument or filename.\nExample resource specifications "
            "include:\n"
            "   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'"
        )
    chosen = call.on("all") or call.has("selector") or call.has("field-selector")
    if len(call.words) == 1 and "/" not in call.words[0]:
        if not chosen:
            kinds_of(session, call.words[0])
            raise Failed("resource(s) were provided, but no name was specified")
        everywhere = call.on("all-namespaces")
        return [
            (resource, text(obj, "metadata", "name"), text(obj, "metadata", "namespace"))
            for resource in kinds_of(session, call.words[0])
            for obj in session.list(
                resource,
                None if everywhere else namespace,
                labels=call.flag("selector"),
                fields=call.flag("field-selector"),
            )
        ]
    if chosen:
        what = "--all" if call.on("all") else "a selector"
        raise Failed(
            "name cannot be provided when a selector is specified"
            if what != "--all"
            else "setting 'all' parameter but found a non empty selector. "
        )
    return [(one.resource, one.name, namespace) for one in wanted_names(session, call.words)]


def delete_one(
    session: Session, call: Call, resource: Resource, name: str, namespace: str, *, quiet: bool = False
) -> Object | None:
    """Ask for one object's end and say so. Returns it as it is then. Raises Refused, Failed."""
    dry = dry_run(session, call) if call.has("dry-run") else "none"
    grace: int | None = None
    if call.has("grace-period") and call.flag("grace-period") != "-1":
        grace = int(call.flag("grace-period"))
    if call.on("now"):
        grace = 1
    if call.on("force") and grace is None:
        grace = 0
    if grace == 0 and not call.on("force"):  # kubectl turns it into 1 unless it is forced, and waits
        grace = 1
    where = namespace if resource.namespaced else ""
    obj = session.api.get(resource.kind, name, where)
    if dry != "client":
        propagation = _CASCADES[call.flag("cascade", "background")]
        session.api.delete(resource.kind, name, where, grace=grace, propagation=propagation, dry_run=dry == "server")
    if not quiet:
        suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(dry, "")
        place = f" from {where} namespace" if where else ""
        verb = "force deleted" if grace == 0 else "deleted"
        if call.flag("output") == "name":
            session.show(f"{resource.word}/{name}")
        else:
            session.show(f'{resource.word} "{name}" {verb}{place}{suffix}')
    return obj if dry == "none" else None


def _wait(session: Session, call: Call, found: list[tuple[Resource, Object]]) -> None:
    limit = parse_duration(call.flag("timeout", "0s")) or _PATIENCE
    left = min(limit, _PATIENCE) if limit > 0 else _PATIENCE
    for resource, obj in found:
        uid = text(obj, "metadata", "uid")
        name, where = text(obj, "metadata", "name"), text(obj, "metadata", "namespace")

        def is_gone(kind: str = resource.kind, name: str = name, where: str = where, uid: str = uid) -> bool:
            try:
                return text(session.api.get(kind, name, where), "metadata", "uid") != uid
            except Refused:
                return True

        if not session.target.run_until(is_gone, left):
            if call.has("timeout") and limit <= _PATIENCE:
                session.fail(f"error: timed out waiting for the condition on {resource.plural}/{name}")
            else:
                session.fail(say("kubectl.waited", object=f"{resource.kind.lower()}/{name}", seconds=int(left)))
            return
