"""`kubectl cordon`, `uncordon`, `drain` and `taint`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.apply import done, dry_run
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.kubectl.times import parse_duration
from k8sviz.rules.fields import flag, listed, mapping, text

__all__ = ["CORDON_FLAGS", "DRAIN_FLAGS", "TAINT_FLAGS", "cordon", "drain", "taint"]

CORDON_FLAGS: Final = "selector,l= dry-run=unchanged"
DRAIN_FLAGS: Final = (
    "selector,l= dry-run=unchanged force grace-period= ignore-daemonsets delete-emptydir-data delete-local-data "
    "timeout= "
    "pod-selector= disable-eviction skip-wait-for-delete-timeout= chunk-size="
)
TAINT_FLAGS: Final = (
    "selector,l= all overwrite dry-run=unchanged output,o= field-manager= validate=strict show-managed-fields template="
)
_PATIENCE: Final = 600.0
_RETRY: Final = 5.0
_EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _nodes(session: Session, call: Call, words: Sequence[str]) -> list[Wanted]:
    resource = session.resource("nodes")
    if call.has("selector") or call.on("all"):
        found = session.list(resource, None, labels=call.flag("selector"))
        return [Wanted(resource, text(node, "metadata", "name")) for node in found]
    return [Wanted(resource, word.removeprefix("node/").removeprefix("nodes/")) for word in words]


def cordon(session: Session, call: Call, *, off: bool = False) -> None:
    """Mark nodes as not to be scheduled on, or (`off`) as to be. Raises Failed, Refused."""
    found = _nodes(session, call, call.words)
    if not found:
        raise Failed(
            f"USAGE: {'uncordon' if off else 'cordon'} NODE [flags]\nSee 'kubectl "
            f"{'uncordon' if off else 'cordon'} -h' for help and examples"
        )
    dry = dry_run(session, call) if call.has("dry-run") else "none"
    for one in found:
        try:
            _cordon(session, one, off=off, dry=dry)
        except Refused as refused:
            session.fail(explained(refused))


def _cordon(session: Session, one: Wanted, *, off: bool, dry: str) -> None:
    node = session.get(one, "")
    word = "uncordoned" if off else "cordoned"
    if bool(flag(node, "spec", "unschedulable")) is not off:
        session.show(f"node/{one.name} already {word}")
        return
    if dry != "client":
        change: dict[str, Any] = {"spec": {"unschedulable": None if off else True}}
        session.api.patch("Node", one.name, "", change, type="strategic", dry_run=dry == "server")
    suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(dry, "")
    session.show(f"node/{one.name} {word}{suffix}")


# -- drain -----------------------------------------------------------------------------------------


def drain(session: Session, call: Call) -> None:
    """Cordon nodes and evict their Pods, as budgets allow it. Raises Failed, Refused."""
    found = _nodes(session, call, call.words)
    if not found:
        raise Failed("USAGE: drain NODE [flags]\nSee 'kubectl drain -h' for help and examples")
    for one in found:
        _cordon(session, one, off=False, dry="none")
    for one in found:
        _drain(session, call, one)


def _drain(session: Session, call: Call, one: Wanted) -> None:
    pods = session.api.list("Pod", fields=f"spec.nodeName={one.name}")
    if call.has("pod-selector"):
        chosen = session.api.list("Pod", labels=call.flag("pod-selector"), fields=f"spec.nodeName={one.name}")
        names = {_key(pod) for pod in chosen}
        pods = [pod for pod in pods if _key(pod) in names]
    evicted, errors, warnings = _sorted_out(call, pods)
    if errors:
        session.fail(f'error: unable to drain node "{one.name}" due to error: {_joined(errors)}, continuing command...')
        session.warn(f"There are pending nodes to be drained:\n {one.name}\n{_joined(errors)}")
        return
    if warnings:
        said = [f"{why}: {', '.join(names)}" for why, names in warnings.items()]
        session.warn(f"Warning: {'; '.join(said)}")
    for pod in evicted:
        session.show(f"evicting pod {'/'.join(_key(pod))}")
    _evict(session, call, evicted)
    session.show(f"node/{one.name} drained")


def _key(pod: Object) -> tuple[str, str]:
    return text(pod, "metadata", "namespace"), text(pod, "metadata", "name")


def _joined(errors: dict[str, list[str]]) -> str:
    said = [f"cannot delete {why}: {', '.join(names)}" for why, names in errors.items()]
    return said[0] if len(said) == 1 else f"[{', '.join(said)}]"


def _sorted_out(call: Call, pods: Sequence[Object]) -> tuple[list[Object], dict[str, list[str]], dict[str, list[str]]]:
    """Which Pods are evicted, what forbids it, and what is worth a warning (drain's filters)."""
    evicted: list[Object] = []
    errors: dict[str, list[str]] = {}
    warnings: dict[str, list[str]] = {}
    for pod in pods:
        name = "/".join(_key(pod))
        owners = [one for one in listed(pod, "metadata", "ownerReferences") if one.get("controller")]
        ended = text(pod, "status", "phase") in ("Succeeded", "Failed")
        if "kubernetes.io/config.mirror" in mapping(pod, "metadata", "annotations"):
            continue
        if owners and owners[0].get("kind") == "DaemonSet" and not ended:
            if call.on("ignore-daemonsets"):
                warnings.setdefault("ignoring DaemonSet-managed Pods", []).append(name)
            else:
                errors.setdefault("DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", []).append(name)
            continue
        keeps = any("emptyDir" in volume for volume in listed(pod, "spec", "volumes"))
        deletes = call.on("delete-emptydir-data") or call.on("delete-local-data")
        if keeps and not ended and not deletes:
            errors.setdefault("Pods with local storage (use --delete-emptydir-data to override)", []).append(name)
            continue
        if not owners and not ended:
            if not call.on("force"):
                why = "Pods that declare no controller (use --force to override)"
                errors.setdefault(why, []).append(name)
                continue
            warnings.setdefault("deleting Pods that declare no controller", []).append(name)
        evicted.append(pod)
    return evicted, errors, warnings


def _evict(session: Session, call: Call, pods: Sequence[Object]) -> None:
    """Ask for each Pod's eviction until all are gone; a budget that forbids one is asked again after 5 s."""
    limit = parse_duration(call.flag("timeout", "0s")) or _PATIENCE
    end = session.target.now + limit
    asked: set[str] = set()
    while session.target.now < end:
        waiting = [pod for pod in pods if not _is_gone(session, pod)]
        if not waiting:
            break
        for pod in waiting:
            uid = text(pod, "metadata", "uid")
            if uid not in asked:
                _ask(session, call, pod, asked)
        session.target.run_until(
            lambda: all(_is_gone(session, pod) for pod in pods), min(_RETRY, end - session.target.now)
        )
    left = [pod for pod in pods if not _is_gone(session, pod)]
    for pod in pods:
        if pod not in left:
            session.show(f"pod/{text(pod, 'metadata', 'name')} evicted")
    if left:
        raise Failed(f"unable to drain node, global timeout reached: {limit:.0f}s")


def _ask(session: Session, call: Call, pod: Object, asked: set[str]) -> None:
    namespace, name = _key(pod)
    grace = call.flag("grace-period", "-1")
    try:
        session.target.evict(pod, int(grace) if grace != "-1" else None)
        asked.add(text(pod, "metadata", "uid"))
    except Refused as refused:
        if refused.code == 429:
            session.warn(f'error when evicting pods/"{name}" -n "{namespace}" (will retry after 5s): {refused.message}')
        elif refused.reason != "NotFound":
            raise


def _is_gone(session: Session, pod: Object) -> bool:
    namespace, name = _key(pod)
    try:
        return text(session.api.get("Pod", name, namespace), "metadata", "uid") != text(pod, "metadata", "uid")
    except Refused:
        return True


# -- taint -----------------------------------------------------------------------------------------

_SPEC: Final = re.compile(r"([^=:]+?)(?:=([^:]*))?(?::([^:-]+))?(-)?")


def taint(session: Session, call: Call) -> None:
    """`kubectl taint node NAME KEY=VALUE:EFFECT…`. Raises Failed, Refused."""
    if not call.words or session.resource(call.words[0]).kind != "Node":
        raise Failed(
            f"invalid resource type {call.words[0] if call.words else ''}, only node(s) is supported".replace("  ", " ")
        )
    first = next(
        (
            i
            for i, word in enumerate(call.words)
            if i and re.search(r"[=:]|-\Z", word) and (":" in word or word.endswith("-"))
        ),
        0,
    )
    if not first or first == len(call.words):
        raise Failed("at least one taint update is required")
    names, specs = call.words[1:first], call.words[first:]
    new, removed = _specs(specs)
    dry = dry_run(session, call) if call.has("dry-run") else "none"
    for one in _nodes(session, call, names):
        node = session.get(one, "")
        try:
            after, word = _tainted(
                listed(node, "spec", "taints"), new, removed, overwrite=call.on("overwrite"), name=one.name
            )
        except Failed as failed:
            session.fail(f"error: {failed.said}", failed.code)
            continue
        if dry != "client":
            node = session.api.patch(
                "Node", one.name, "", {"spec": {"taints": after or None}}, type="merge", dry_run=dry == "server"
            )
        done(session, call, node, word, dry=dry)


def _specs(words: Sequence[str]) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    new: list[dict[str, Any]] = []
    removed: list[tuple[str, str]] = []
    for word in words:
        if word.endswith("-"):
            key, _, effect = word[:-1].partition(":")
            removed.append((key.partition("=")[0], effect))
            continue
        rest, colon, effect = word.rpartition(":")
        key, equal, value = rest.partition("=")
        if not colon:
            raise Failed(f"invalid taint spec: {word}")
        if effect not in _EFFECTS:
            raise Failed(f"invalid taint effect: {effect}, unsupported taint effect")
        new.append({"effect": effect, "key": key, **({"value": value} if equal else {})})
    return new, removed


def _tainted(
    before: Sequence[Any], new: list[dict[str, Any]], removed: list[tuple[str, str]], *, overwrite: bool, name: str
) -> tuple[list[Any], str]:
    """The taints after, and what was done (reorganizeTaints)."""
    for one in new:
        same = [old for old in before if (old.get("key"), old.get("effect")) == (one["key"], one["effect"])]
        if same and not overwrite:
            raise Failed(f"node {name} already has {one['key']} taint(s) with same effect(s) and --overwrite is false")
    kept = [
        dict(old)
        for old in before
        if not any((old.get("key"), old.get("effect")) == (one["key"], one["effect"]) for one in new)
    ]
    after = new + kept
    for key, effect in removed:
        rest = [one for one in after if one.get("key") != key or (effect and one.get("effect") != effect)]
        if len(rest) == len(after):
            raise Failed(f'taint "{key}{":" + effect if effect else ""}" not found')
        after = rest
    word = "modified" if new and removed else "untainted" if removed else "tainted"
    if new and not removed and any(old.get("key") == one["key"] for old in before for one in new) and overwrite:
        word = "modified"
    return after, word
