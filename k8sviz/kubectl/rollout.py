"""`kubectl rollout`: status, history, undo, pause, resume, restart (k8s.io/kubectl/pkg/polymorphichelpers)."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.apply import LAST_APPLIED, done, dry_run
from k8sviz.kubectl.change import chosen
from k8sviz.kubectl.describe.podspec import pod_template
from k8sviz.kubectl.describe.writer import Writer
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call, read
from k8sviz.kubectl.printing import called
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.kubectl.tabwriter import aligned
from k8sviz.kubectl.times import parse_duration
from k8sviz.rules.deployment import same_template
from k8sviz.rules.fields import flag, integer, listed, mapped, mapping, text
from k8sviz.rules.merges import strategic

__all__ = ["rollout"]

_COMMON: Final = (
    "filename,f= recursive,R selector,l= output,o= kustomize,k= field-manager= template= show-managed-fields "
)
_FLAGS: Final = {
    "status": _COMMON + "watch,w=true revision= timeout=",
    "history": _COMMON + "revision=",
    "undo": _COMMON + "to-revision= dry-run=unchanged",
    "pause": _COMMON,
    "resume": _COMMON,
    "restart": _COMMON,
}
_REVISION: Final = "deployment.kubernetes.io/revision"
_CAUSE: Final = "kubernetes.io/change-cause"
_PATIENCE: Final = 600.0


def rollout(session: Session, words: list[str]) -> None:
    """`kubectl rollout WHAT …`. Raises Failed, Refused."""
    what = words[0] if words else ""
    if what not in _FLAGS:
        raise Failed(
            f'unknown command "{what}" for "kubectl rollout"\nSee \'kubectl rollout -h\' for help and examples'
        )
    call = read(f"rollout {what}", words[1:], _FLAGS[what])
    if not call.words and not call.has("filename"):
        raise Failed("required resource not specified")
    run = {"status": _status, "history": _history, "undo": _undo, "restart": _restart}.get(what)
    for one in chosen(session, call, call.words):
        try:
            obj = session.get(one, session.namespace(call))
            if run is not None:
                run(session, call, one, obj)
            else:
                _pause(session, call, one, obj, paused=what == "pause")
        except Refused as refused:
            session.fail(explained(refused))


# -- status ----------------------------------------------------------------------------------------


def _status(session: Session, call: Call, one: Wanted, obj: Object) -> None:
    viewer = {"Deployment": deployment_status, "StatefulSet": stateful_set_status, "DaemonSet": _daemon_set_status}.get(
        one.resource.kind
    )
    if viewer is None:
        raise Failed(
            f"no status viewer has been implemented for {one.resource.kind}"
            if not one.resource.group
            else f"no status viewer has been implemented for {one.resource.kind}.{one.resource.group}"
        )
    wanted = integer({"r": int(call.flag("revision", "0") or 0)}, "r") or 0
    watch, uid = call.on("watch", default=True), text(obj, "metadata", "uid")
    name, namespace = one.name, session.namespace(call)
    done, wrong = [False], list[Failed]()

    def show(found: Object) -> None:
        said, done[0] = viewer(found, wanted)
        session.out.append(said)

    def saw(change: str, found: Object) -> None:
        meta = mapping(found, "metadata")
        if found.get("kind") != one.resource.kind or (meta.get("name"), meta.get("namespace")) != (name, namespace):
            return
        if done[0] or wrong or meta.get("uid") != uid:
            return
        try:
            if change == "DELETED":
                raise Failed("object has been deleted")
            show(found)
        except Failed as failed:  # said when the cluster has done its part
            wrong.append(failed)

    stop = session.target.subscribe(saw)
    try:
        show(obj)
        limit = parse_duration(call.flag("timeout", "0s")) or _PATIENCE
        ended = not watch or session.target.run_until(lambda: done[0] or bool(wrong), limit)
    finally:
        stop()
    if wrong:
        raise wrong[0]
    if not ended:
        raise Failed("timed out waiting for the condition")


def deployment_status(obj: Object, revision: int = 0) -> tuple[str, bool]:
    """What `rollout status` says of a Deployment, and whether it is done. Raises Failed past its deadline."""
    name, spec, status = text(obj, "metadata", "name"), mapping(obj, "spec"), mapping(obj, "status")
    if revision:
        found = text(obj, "metadata", "annotations", _REVISION)
        if found != str(revision):
            raise Failed(f"desired revision ({revision}) is different from the running revision ({found})")
    if (integer(obj, "metadata", "generation") or 0) > (integer(status, "observedGeneration") or 0):
        return "Waiting for deployment spec update to be observed...\n", False
    for condition in listed(status, "conditions"):
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise Failed(f'deployment "{name}" exceeded its progress deadline')
    replicas = integer(spec, "replicas")
    total, updated, available = (
        integer(status, one) or 0 for one in ("replicas", "updatedReplicas", "availableReplicas")
    )
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if replicas is not None and updated < replicas:
        return f"{waiting}{updated} out of {replicas} new replicas have been updated...\n", False
    if total > updated:
        return f"{waiting}{total - updated} old replicas are pending termination...\n", False
    if available < updated:
        return f"{waiting}{available} of {updated} updated replicas are available...\n", False
    return f'deployment "{name}" successfully rolled out\n', True


def stateful_set_status(obj: Object, _: int = 0) -> tuple[str, bool]:
    """What `rollout status` says of a StatefulSet, and whether it is done. Raises Failed for OnDelete."""
    spec, status = mapping(obj, "spec"), mapping(obj, "status")
    if text(spec, "updateStrategy", "type") != "RollingUpdate":
        raise Failed("rollout status is only available for RollingUpdate strategy type")
    observed = integer(status, "observedGeneration") or 0
    if not observed or (integer(obj, "metadata", "generation") or 0) > observed:
        return "Waiting for statefulset spec update to be observed...\n", False
    replicas = integer(spec, "replicas")
    ready, updated = (integer(status, one) or 0 for one in ("readyReplicas", "updatedReplicas"))
    if replicas is not None and ready < replicas:
        return f"Waiting for {replicas - ready} pods to be ready...\n", False
    partition = integer(spec, "updateStrategy", "rollingUpdate", "partition")
    if mapped(spec, "updateStrategy", "rollingUpdate") is not None:
        wanted = (replicas or 0) - (partition or 0)
        if replicas is not None and partition is not None and updated < wanted:
            counts = f"{updated} out of {wanted} new pods have been updated..."
            return f"Waiting for partitioned roll out to finish: {counts}\n", False
        return f"partitioned roll out complete: {updated} new pods have been updated...\n", True
    if text(status, "updateRevision") != text(status, "currentRevision"):
        revision = text(status, "updateRevision")
        return f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}...\n", False
    current = integer(status, "currentReplicas") or 0
    return (
        f"statefulset rolling update complete {current} pods at revision {text(status, 'currentRevision')}...\n",
        True,
    )


def _daemon_set_status(obj: Object, _: int = 0) -> tuple[str, bool]:
    name, status = text(obj, "metadata", "name"), mapping(obj, "status")
    if (integer(obj, "metadata", "generation") or 0) > (integer(status, "observedGeneration") or 0):
        return "Waiting for daemon set spec update to be observed...\n", False
    wanted, updated, available = (
        integer(status, one) or 0 for one in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    waiting = f'Waiting for daemon set "{name}" rollout to finish: '
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new pods have been updated...\n", False
    if available < wanted:
        return f"{waiting}{available} of {wanted} updated pods are available...\n", False
    return f'daemon set "{name}" successfully rolled out\n', True


# -- history ---------------------------------------------------------------------------------------


def _revisions(session: Session, one: Wanted, obj: Object) -> dict[int, tuple[str, Object]]:
    """Revision, and its change-cause and Pod template."""
    uid, namespace = text(obj, "metadata", "uid"), text(obj, "metadata", "namespace")
    found: dict[int, tuple[str, Object]] = {}
    if one.resource.kind == "Deployment":
        for rs in _owned(session, "ReplicaSet", uid, namespace):
            notes = mapping(rs, "metadata", "annotations")
            number = str(notes.get(_REVISION, "0"))
            found[int(number) if number.isdigit() else 0] = (
                str(notes.get(_CAUSE, "")),
                dict(mapping(rs, "spec", "template")),
            )
    else:
        for revision in _owned(session, "ControllerRevision", uid, namespace):
            cause = str(mapping(revision, "metadata", "annotations").get(_CAUSE, ""))
            patch = mapping(revision, "data")
            template = mapping(strategic(obj, patch) if patch else obj, "spec", "template")
            found[integer(revision, "revision") or 0] = (cause, dict(template))
    return found


def _owned(session: Session, kind: str, uid: str, namespace: str) -> list[Object]:
    return [
        found
        for found in session.api.list(kind, namespace)
        if any(one.get("controller") and one.get("uid") == uid for one in listed(found, "metadata", "ownerReferences"))
    ]


def _with_history(one: Wanted) -> None:
    if one.resource.kind not in ("Deployment", "StatefulSet", "DaemonSet"):
        kind = f"{one.resource.kind}.{one.resource.group}" if one.resource.group else one.resource.kind
        raise Failed(f'no history viewer has been implemented for "{kind}"')


def _history(session: Session, call: Call, one: Wanted, obj: Object) -> None:
    _with_history(one)
    revisions = _revisions(session, one, obj)
    wanted = int(call.flag("revision") or 0) if call.flag("revision").isdigit() else 0
    if not wanted:
        lines = "".join(f"{number}\t{revisions[number][0] or '<none>'}\n" for number in sorted(revisions))
        session.out.append(f"{called(obj)} \n" + aligned(f"REVISION\tCHANGE-CAUSE\n{lines}", 0, 2) + "\n")
        return
    if wanted not in revisions:
        raise Failed("unable to find the specified revision")
    cause, template = revisions[wanted]
    if cause:
        meta = mapping(template, "metadata")
        template = {**template, "metadata": {**meta, "annotations": {**mapping(meta, "annotations"), _CAUSE: cause}}}
    w = Writer(session.target.now)
    pod_template(w, template)
    session.show(f"{called(obj)} with revision #{wanted}")
    session.out.append(w.text())
    session.show("")


# -- undo, pause, restart --------------------------------------------------------------------------


def _undo(session: Session, call: Call, one: Wanted, obj: Object) -> None:
    if one.resource.kind not in ("Deployment", "StatefulSet", "DaemonSet"):
        kind = f"{one.resource.kind}.{one.resource.group}" if one.resource.group else one.resource.kind
        raise Failed(f'no rollbacker has been implemented for "{kind}"')
    dry = dry_run(session, call)
    if LAST_APPLIED in mapping(obj, "metadata", "annotations"):
        session.warn(
            f"Warning: resource {one.resource.plural}/{one.name} was previously managed with 'kubectl apply'. "
            f"Rolling back "
            f"will not update the {LAST_APPLIED} annotation, which may cause unexpected behavior on future "
            f"'kubectl apply' "
            "operations. Consider using 'kubectl apply' with your previous configuration file instead."
        )
    revisions = _revisions(session, one, obj)
    wanted = int(call.flag("to-revision")) if call.flag("to-revision").isdigit() else 0
    if one.resource.kind == "Deployment" and flag(obj, "spec", "paused"):
        raise Failed(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again"
        )
    numbers = sorted(revisions)
    if wanted and wanted not in revisions:
        raise Failed(f"unable to find specified revision {wanted} in history")
    if not wanted and len(numbers) < 2:
        raise Failed(f'no rollout history found for {one.resource.kind.lower()} "{one.name}"')
    template = deepcopy(revisions[wanted or numbers[-2]][1])
    _drop_hash(template)
    if same_template(mapping(obj, "spec", "template"), template):
        session.show(
            f"{called(obj)} skipped rollback (current template already matches revision {wanted or numbers[-2]})"
        )
        return
    if dry != "client":
        changes = [{"op": "replace", "path": "/spec/template", "value": template}]
        if one.resource.kind == "Deployment":
            notes = _notes_after(obj, _notes_of(session, obj, wanted or numbers[-2]))
            changes.append({"op": "replace", "path": "/metadata/annotations", "value": notes})
        session.api.patch(
            one.resource.kind, one.name, session.namespace(call), changes, type="json", dry_run=dry == "server"
        )
    done(session, call, obj, "rolled back", dry=dry)


_DEPLOYMENTS_OWN: Final = frozenset(
    {
        LAST_APPLIED,
        _REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)


def _notes_of(session: Session, obj: Object, revision: int) -> Mapping[str, Any]:
    """The annotations of the ReplicaSet of a revision."""
    for rs in _owned(session, "ReplicaSet", text(obj, "metadata", "uid"), text(obj, "metadata", "namespace")):
        notes = mapping(rs, "metadata", "annotations")
        if notes.get(_REVISION) == str(revision):
            return notes
    return {}


def _notes_after(obj: Object, old: Mapping[str, Any]) -> dict[str, Any]:
    """The annotations that a Deployment has when it is rolled back (DeploymentRollbacker)."""
    now = mapping(obj, "metadata", "annotations")
    kept = {key: value for key, value in now.items() if key in _DEPLOYMENTS_OWN}
    return {**kept, **{key: value for key, value in old.items() if key not in _DEPLOYMENTS_OWN}}


def _drop_hash(template: Object) -> None:
    meta = template.get("metadata")
    labels = meta.get("labels") if isinstance(meta, dict) else None
    if isinstance(labels, dict):
        labels.pop("pod-template-hash", None)


def _pause(session: Session, call: Call, one: Wanted, obj: Object, *, paused: bool) -> None:
    word = "paused" if paused else "resumed"
    if one.resource.kind != "Deployment":
        raise Failed(f"{called(obj)} {'pausing' if paused else 'resuming'} is not supported")
    is_paused = bool(flag(obj, "spec", "paused"))
    if is_paused is paused:
        raise Failed(f'{one.resource.full} "{one.name}" is {"already paused" if paused else "not paused"}')
    change: dict[str, Any] = {"spec": {"paused": True if paused else None}}
    new = session.api.patch(one.resource.kind, one.name, session.namespace(call), change, type="merge")
    done(session, call, new, word)


def _restart(session: Session, call: Call, one: Wanted, obj: Object) -> None:
    if one.resource.kind not in ("Deployment", "StatefulSet", "DaemonSet"):
        raise Failed(f"{called(obj)} restarting is not supported")
    if flag(obj, "spec", "paused"):
        raise Failed(f'{one.resource.full} "{one.name}" can\'t restart paused deployment (run rollout resume first)')
    from datetime import UTC, datetime

    stamp = datetime.fromtimestamp(session.target.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    change = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": stamp}}}}}
    new = session.api.patch(one.resource.kind, one.name, session.namespace(call), change, type="strategic")
    done(session, call, new, "restarted")
