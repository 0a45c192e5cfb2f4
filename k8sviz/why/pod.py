"""Why a Pod waits, fails or goes: the kubelet's and the scheduler's words read against the rules.

A Pod's STATUS is one word for a chain of things (a node, volumes, an image, a container, a probe); the first that does
not work is the cause.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from k8sviz.errors import nearest
from k8sviz.history import Object
from k8sviz.rules.environment import environment
from k8sviz.rules.fields import flag, integer, listed, mapping, strings, text
from k8sviz.rules.objects import Objects
from k8sviz.rules.pods import is_ready, pod_status, restarts
from k8sviz.rules.reasons import Reason
from k8sviz.rules.references import references
from k8sviz.rules.start import start_report
from k8sviz.why.case import Case, Level, Matcher, called, condition, condition_fact, event_fact, fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.node import node_is_lost
from k8sviz.why.scheduling import pod_unscheduled, tolerated_seconds
from k8sviz.words import say

__all__ = ["POD"]

JSON = Mapping[str, Any]

_STARTING = ("ContainerCreating", "PodInitializing", "")
_LOST_TAINTS = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
_OVERDUE = 60  # seconds after which a Pod that should be gone is no longer normal
_PROBE_SLACK = 5  # seconds that a starting program is given beyond its probe's own patience


# -- reading a Pod ----------------------------------------------------------------------------------------


def _node(case: Case) -> Object | None:
    name = text(case.obj, "spec", "nodeName")
    return case.snapshot.get("Node", name) if name else None


def _objects(case: Case) -> Objects:
    kinds = ("ConfigMap", "Secret", "Service", "Node", "ServiceAccount")
    found = [obj for kind in kinds for obj in case.snapshot.objects(kind)]
    return Objects(found, namespace=case.namespace or "default")


def _problems(case: Case) -> list[Reason]:
    """What would keep the Pod from starting if it were started now."""
    report = start_report(case.obj, _objects(case))
    return [*report.pod, *(reason for reasons in report.containers.values() for reason in reasons)]


def _statuses(pod: JSON) -> Iterator[JSON]:
    yield from listed(pod, "status", "initContainerStatuses")
    yield from listed(pod, "status", "containerStatuses")


def _spec_of(pod: JSON, name: str) -> JSON:
    for part in ("initContainers", "containers"):
        for container in listed(pod, "spec", part):
            if text(container, "name") == name:
                return container
    return {}


def _state_fact(case: Case, status: JSON, state: str = "state") -> Evidence:
    """A container's state as evidence, in one line."""
    name = text(status, "name")
    path = f"status.containerStatuses[{name}].{state}"
    kind, details = next(iter(mapping(status, state).items()), ("", {}))
    words = [str(kind), text(details, "reason"), text(details, "message")]
    if integer(details, "exitCode") is not None:
        words.append(say("why.exit.code", code=integer(details, "exitCode")))
    return Evidence(
        say("why.text.field", path=path, subject=called(case.ref)), " ".join(word for word in words if word)
    )


def _exit_words(ended: JSON) -> str:
    """How a container ended, in words."""
    code = integer(ended, "exitCode")
    if text(ended, "reason") == "OOMKilled":
        return say("why.exit.oom")
    known = {0: "0", 126: "126", 127: "127", 137: "137", 139: "139", 143: "143"}
    if code in known:
        return say(f"why.exit.{known[code]}")
    return say("why.exit.other", code=code) if code is not None else say("why.exit.unknown")


# -- going --------------------------------------------------------------------------------------------------


def _manifest(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") or text(case.obj, "metadata", "uid"):
        return None
    lacks = [Evidence(called(case.ref), say(f"rules.pod.{reason.code}", **reason.facts)) for reason in _problems(case)]
    return case.tell("pod.manifest", say("why.state.manifest"), evidence=lacks)


def _terminating(case: Case) -> Explanation | None:
    if not case.deleting:
        return None
    state = pod_status(case.obj)
    node = _node(case)
    proof = [
        *fields(case.obj, ("metadata", "deletionTimestamp"), ("metadata", "deletionGracePeriodSeconds")),
        condition_fact(case.obj, "DisruptionTarget"),
        case.fact("spec", "nodeName"),
    ]
    if node is not None and node_is_lost(node):
        proof += [condition_fact(node, "Ready"), fact(node, "spec", "taints")]
        return case.tell(
            "pod.terminating-unreachable",
            state,
            "error",
            evidence=proof,
            also=[case.ask(node)],
            node=called(node),
            name=case.name,
        )
    held = strings(case.obj, "metadata", "finalizers")
    if held:
        proof.append(case.fact("metadata", "finalizers"))
        return case.tell("object.finalizers", state, "waiting", evidence=proof, finalizers=join(held))
    overdue = case.age(case.deleting)
    seconds = integer(case.obj, "metadata", "deletionGracePeriodSeconds")
    told: dict[str, Any] = {"seconds": say("why.pod-words.some") if seconds is None else seconds}
    if overdue is not None and overdue > _OVERDUE:
        proof += map(event_fact, case.events[:3])
        return case.tell("pod.terminating-overdue", state, "error", evidence=proof, overdue=round(overdue), **told)
    if text(case.obj, "status", "phase") in ("Succeeded", "Failed"):
        proof += [_state_fact(case, status) for status in _statuses(case.obj)]
        return case.tell("pod.stopped", state, "waiting", evidence=proof)
    proof += map(event_fact, case.events_with("Killing")[:1])
    return case.tell("pod.terminating", state, "waiting", evidence=proof, **told)


def _finished(case: Case) -> Explanation | None:
    phase = text(case.obj, "status", "phase")
    if phase not in ("Succeeded", "Failed"):
        return None
    ends = [_state_fact(case, status) for status in _statuses(case.obj)]
    if phase == "Succeeded":
        return case.tell("pod.succeeded", pod_status(case.obj), evidence=[case.fact("status", "phase"), *ends])
    reason = text(case.obj, "status", "reason")
    message = text(case.obj, "status", "message")
    proof = [*fields(case.obj, ("status", "phase"), ("status", "reason"), ("status", "message")), *ends]
    if reason:
        code = "pod.evicted" if reason == "Evicted" else "pod.failed-by"
        return case.tell(
            code,
            pod_status(case.obj),
            "error",
            evidence=proof,
            reason=reason,
            message=message or say("why.text.no-message"),
        )
    bad = [s for s in _statuses(case.obj) if integer(s, "state", "terminated", "exitCode")]
    ended = join(
        say("why.exit.container", name=text(s, "name"), how=_exit_words(mapping(s, "state", "terminated"))) for s in bad
    )
    return case.tell(
        "pod.failed", pod_status(case.obj), "error", evidence=proof, ended=ended or say("why.text.no-message")
    )


def _node_lost(case: Case) -> Explanation | None:
    node = _node(case)
    if node is None or not node_is_lost(node):
        return None
    taints = [taint for taint in listed(node, "spec", "taints") if text(taint, "effect") == "NoExecute"]
    lost = next((taint for taint in taints if text(taint, "key") in _LOST_TAINTS), {})
    proof = [
        case.fact("spec", "nodeName"),
        condition_fact(node, "Ready"),
        fact(node, "spec", "taints"),
        condition_fact(case.obj, "Ready"),
        *map(event_fact, case.events_with("NodeNotReady", "TaintManagerEviction")[:1]),
    ]
    return case.tell(
        "pod.node-unreachable",
        pod_status(case.obj),
        "error",
        evidence=proof,
        also=[case.ask(node)],
        node=called(node),
        then=_eviction(case, lost),
    )


def _eviction(case: Case, taint: JSON) -> str:
    """When the Pod will be marked for deletion; the taint follows the node's condition a moment later."""
    seconds = tolerated_seconds(case.obj, text(taint, "key") or _LOST_TAINTS[0])
    if seconds is None:
        return say("why.pod-words.never-evicted")
    passed = case.age(text(taint, "timeAdded"))
    if passed is None:
        return say("why.pod-words.evicted-after", seconds=seconds)
    return say("why.pod-words.evicted-in", left=max(0, round(seconds - passed)), seconds=seconds)


# -- volumes --------------------------------------------------------------------------------------------------


def _has_started(case: Case) -> bool:
    """Whether the kubelet is past the volumes: some container runs, has run, or waits for something of its own."""
    for status in _statuses(case.obj):
        waiting = mapping(status, "state", "waiting")
        if not waiting or text(waiting, "reason") not in _STARTING or mapping(status, "lastState"):
            return True
    return False


_NOT_FOUND = re.compile(r'(?P<kind>configmap|secret) "(?P<name>[^"]+)" not found', re.IGNORECASE)
_NO_KEY = re.compile(r"references non-existent (?:config|secret) key: (?P<key>\S+)")


def _failed_mount(case: Case) -> Explanation | None:
    if _has_started(case):
        return None
    events = case.events_with("FailedMount", "FailedAttachVolume", "FailedMapVolume")
    # "Unable to attach or mount volumes: ... timed out" only sums up what another event says
    events.sort(key=lambda event: text(event, "message").startswith("Unable to attach or mount"))
    for event in events:
        found = _explain_mount(case, event)
        if found is not None:
            return found
    return _missing_before_event(case)


def _explain_mount(case: Case, event: JSON) -> Explanation | None:
    message = text(event, "message")
    named = re.match(
        r'(?:MountVolume|MapVolume|AttachVolume|UnmountVolume)\S* failed for volume "([^"]+)" ?: ?(.*)',
        message,
        re.DOTALL,
    )
    volume, said = (named[1], named[2]) if named else ("", message)
    for pattern, explain in _MOUNTS:
        match = pattern.search(said)
        if match:
            return explain(case, event, volume, match)
    proof = [event_fact(event), _volume_fact(case, volume)]
    return case.tell("pod.mount-failed", pod_status(case.obj), "error", evidence=proof, volume=volume, message=said)


def _volume(case: Case, name: str) -> JSON:
    return next((v for v in listed(case.obj, "spec", "volumes") if text(v, "name") == name), {})


def _volume_fact(case: Case, name: str, *path: str) -> Evidence | None:
    """A volume of the Pod's spec as evidence, or one field of it."""
    volume = _volume(case, name)
    found = fact(volume, *path) if path else None
    kind = next((key for key in volume if key != "name"), "")
    if not kind:
        return None
    source = ".".join((f"spec.volumes[{name}]", *(path or (kind,))))
    value = found.text if found else _plain(mapping(volume, kind))
    return Evidence(say("why.text.field", path=source, subject=called(case.ref)), value)


def _plain(source: JSON) -> str:
    return ", ".join(f"{key}: {value}" for key, value in source.items() if isinstance(value, str | int)) or "{}"


def _mount_type(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    wanted = text(_volume(case, volume), "hostPath", "type")
    return case.tell(
        "pod.host-path-type",
        pod_status(case.obj),
        "error",
        volume=volume,
        path=match["path"],
        type=wanted,
        evidence=[event_fact(event), _volume_fact(case, volume), case.fact("spec", "nodeName")],
        node=text(case.obj, "spec", "nodeName"),
    )


def _mount_git(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:  # noqa: ARG001
    proof = [event_fact(event), _volume_fact(case, volume)]
    return case.tell("pod.git-repo-off", pod_status(case.obj), "error", evidence=proof, volume=volume)


def _mount_object(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    kind = "Secret" if match["kind"].lower() == "secret" else "ConfigMap"
    proof = [event_fact(event), _volume_fact(case, volume)]
    return _missing_object(case, kind, match["name"], "", proof, say("why.pod-words.volume", name=volume))


def _mount_key(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    source = _volume(case, volume)
    kind = "Secret" if "secret" in source else "ConfigMap"
    name = text(source, "secret", "secretName") or text(source, "configMap", "name")
    proof = [event_fact(event), _volume_fact(case, volume)]
    return _missing_object(case, kind, name, match["key"], proof, say("why.pod-words.volume", name=volume))


def _mount_cache(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:  # noqa: ARG001
    return case.tell("pod.mount-cache", pod_status(case.obj), "waiting", evidence=[event_fact(event)], volume=volume)


def _mount_driver(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    return case.tell(
        "pod.csi-driver-missing",
        pod_status(case.obj),
        "error",
        evidence=[event_fact(event)],
        volume=volume,
        driver=match["driver"],
        node=text(case.obj, "spec", "nodeName"),
    )


def _mount_elsewhere(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:  # noqa: ARG001
    return case.tell("pod.multi-attach", pod_status(case.obj), "error", evidence=[event_fact(event)], volume=volume)


def _mount_no_path(case: Case, event: JSON, volume: str, match: re.Match[str]) -> Explanation:
    return case.tell(
        "pod.local-path-missing",
        pod_status(case.obj),
        "error",
        evidence=[event_fact(event)],
        volume=volume,
        path=match["path"],
        node=text(case.obj, "spec", "nodeName"),
    )


_MOUNTS: tuple[tuple[re.Pattern[str], Callable[[Case, JSON, str, re.Match[str]], Explanation]], ...] = (
    (re.compile(r"hostPath type check failed: (?P<path>.+?) is not a"), _mount_type),
    (re.compile(r"git-?[rR]epo volume plugin has been disabled"), _mount_git),
    (_NOT_FOUND, _mount_object),
    (_NO_KEY, _mount_key),
    (re.compile(r"not registered|failed to sync (configmap|secret) cache"), _mount_cache),
    (re.compile(r"driver name (?P<driver>\S+) not found in the list of registered CSI drivers"), _mount_driver),
    (re.compile(r"Multi-Attach error"), _mount_elsewhere),
    (re.compile(r'path "(?P<path>[^"]+)" does not exist'), _mount_no_path),
)


def _missing_before_event(case: Case) -> Explanation | None:
    """A ConfigMap or Secret that is missing, before the kubelet has said so."""
    for reason in start_report(case.obj, _objects(case)).pod:
        kind = _KIND_OF.get(reason.code, reason.facts.get("kind", ""))
        if kind and reason.facts.get("name"):
            proof = [Evidence(called(case.ref), say(f"rules.pod.{reason.code}", **reason.facts))]
            where = say("why.pod-words.a-volume")
            return _missing_object(case, kind, reason.facts["name"], reason.facts.get("key", ""), proof, where)
    return None


# -- ConfigMaps and Secrets -----------------------------------------------------------------------------------

_KIND_OF = {"config-map-not-found": "ConfigMap", "secret-not-found": "Secret"}


def _missing_object(
    case: Case, kind: str, name: str, key: str, proof: Sequence[Evidence | None], where: str
) -> Explanation:
    """A ConfigMap, a Secret, or a key of it, that the Pod needs and that is not there, or was not until now."""
    state = pod_status(case.obj)
    found = case.find(kind, name)
    word = kind.lower()
    told: dict[str, Any] = {"kind": kind, "name": name, "where": where, "key": key}
    if found is None:
        hint = nearest(name, case.names(kind))
        if kind == "Secret":
            return case.tell("config.secret-missing", state, "error", evidence=proof, hint=hint, **told)
        return case.tell("config.config-map-missing", state, "error", evidence=proof, hint=hint, **told)
    keys = sorted({*mapping(found, "data"), *mapping(found, "binaryData"), *mapping(found, "stringData")})
    if key and key not in keys:
        keys_fact = Evidence(say("why.text.keys", subject=f"{word}/{name}"), join(keys) or say("why.text.none"))
        return case.tell(
            "config.key-missing", state, "error", evidence=[*proof, keys_fact], hint=nearest(key, keys), **told
        )
    return case.tell("config.there-now", state, "waiting", evidence=proof, **told)


# -- containers -------------------------------------------------------------------------------------------------


def _container_waits(case: Case) -> Explanation | None:
    for status in _statuses(case.obj):
        reason = text(status, "state", "waiting", "reason")
        if reason in _STARTING:
            continue
        explain = _WAITS.get(reason, _waits_otherwise)
        return explain(case, status, text(status, "state", "waiting", "message"))
    return None


def _config_error(case: Case, status: JSON, message: str) -> Explanation:
    name = text(status, "name")
    proof: list[Evidence | None] = [_state_fact(case, status), *map(event_fact, case.events_with("Failed")[:1])]
    missing = _NOT_FOUND.search(message)
    where = say("why.pod-words.container", name=name)
    if missing:
        kind = "Secret" if missing["kind"].lower() == "secret" else "ConfigMap"
        proof += _reference_facts(case, name, kind, missing["name"])
        return _missing_object(case, kind, missing["name"], "", proof, where)
    key = re.search(r"couldn't find key (?P<key>\S+) in (?P<kind>ConfigMap|Secret) [^/\s]*/?(?P<name>\S+)", message)
    if key:
        proof += _reference_facts(case, name, key["kind"], key["name"])
        return _missing_object(case, key["kind"], key["name"], key["key"], proof, where)
    if "runAsNonRoot" in message:
        return case.tell("config.runs-as-root", pod_status(case.obj), "error", evidence=proof, container=name)
    return case.tell(
        "config.create-error",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=name,
        message=message or say("why.text.no-message"),
    )


def _reference_facts(case: Case, container: str, kind: str, name: str) -> list[Evidence]:
    """Where the container's variables refer to the object."""
    found = []
    for use in references(case.obj):
        if (use.container, use.kind, use.name) != (container, kind, name) or use.way not in ("env", "envFrom"):
            continue
        path = f"spec.containers[{container}].{use.way}" + (f"[{use.target}]" if use.way == "env" else "")
        key = say("why.pod-words.key-of", key=use.key, kind=kind, name=name) if use.key else f"{kind} {name}"
        found.append(Evidence(say("why.text.field", path=path, subject=called(case.ref)), key))
    return found


_PULLS = (
    (re.compile(r"not found|manifest unknown|does not exist"), "not-found"),
    (re.compile(r"unauthorized|denied|forbidden|authentication required", re.IGNORECASE), "denied"),
    (re.compile(r"toomanyrequests|rate limit", re.IGNORECASE), "rate-limit"),
    (re.compile(r"x509|certificate"), "certificate"),
    (re.compile(r"no such host|dial tcp|timeout|timed out|connection refused|i/o"), "unreachable"),
)


def _image_pull(case: Case, status: JSON, message: str) -> Explanation:
    name = text(status, "name")
    events = [
        e for e in case.events_with("Failed", "ErrImageNeverPull", "InspectFailed") if "image" in text(e, "message")
    ]
    said = f"{message} {' '.join(text(e, 'message') for e in events[:2])}"
    cause = next((word for pattern, word in _PULLS if pattern.search(said)), "other")
    proof = [_state_fact(case, status), *map(event_fact, events[:2]), case.fact("spec", "imagePullSecrets")]
    image = text(_spec_of(case.obj, name), "image") or text(status, "image")
    return case.tell(
        "container.image-pull",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=name,
        image=image,
        cause=say(f"why.pull.{cause}"),
        remedy=say(f"why.pull-remedy.{cause}"),
    )


def _image_name(case: Case, status: JSON, message: str) -> Explanation:  # noqa: ARG001
    name = text(status, "name")
    image = text(_spec_of(case.obj, name), "image")
    return case.tell(
        "container.image-name",
        pod_status(case.obj),
        "error",
        evidence=[_state_fact(case, status)],
        container=name,
        image=image,
    )


def _image_never(case: Case, status: JSON, message: str) -> Explanation:  # noqa: ARG001
    name = text(status, "name")
    image = text(_spec_of(case.obj, name), "image")
    return case.tell(
        "container.image-never",
        pod_status(case.obj),
        "error",
        evidence=[_state_fact(case, status)],
        container=name,
        image=image,
        node=text(case.obj, "spec", "nodeName"),
    )


def _crash_loop(case: Case, status: JSON, message: str) -> Explanation:  # noqa: ARG001
    last = mapping(status, "lastState", "terminated")
    proof = [
        _state_fact(case, status),
        _state_fact(case, status, "lastState") if last else None,
        *map(event_fact, case.events_with("Unhealthy", "BackOff")[:2]),
    ]
    return case.tell(
        "container.crash-loop",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=text(status, "name"),
        count=integer(status, "restartCount") or 0,
        ended=_exit_words(last),
        name=case.name,
    )


def _start_failed(case: Case, status: JSON, message: str) -> Explanation:
    proof = [_state_fact(case, status), *map(event_fact, case.events_with("Failed")[:1])]
    return case.tell(
        "container.start-failed",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=text(status, "name"),
        message=message or say("why.text.no-message"),
    )


def _waits_otherwise(case: Case, status: JSON, message: str) -> Explanation:
    proof = [_state_fact(case, status), *map(event_fact, case.events[:3])]
    return case.tell(
        "container.waits",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=text(status, "name"),
        reason=text(status, "state", "waiting", "reason"),
        message=message or say("why.text.no-message"),
    )


_WAITS: dict[str, Callable[[Case, JSON, str], Explanation]] = {
    "CreateContainerConfigError": _config_error,
    "CreateContainerError": _start_failed,
    "RunContainerError": _start_failed,
    "PostStartHookError": _start_failed,
    "ErrImagePull": _image_pull,
    "ImagePullBackOff": _image_pull,
    "RegistryUnavailable": _image_pull,
    "InvalidImageName": _image_name,
    "ErrImageNeverPull": _image_never,
    "CrashLoopBackOff": _crash_loop,
}


def _sandbox(case: Case) -> Explanation | None:
    if _has_started(case):
        return None
    failed = case.events_with("FailedCreatePodSandBox", "FailedPodSandBoxStatus", "NetworkNotReady")
    if not failed:
        return None
    return case.tell(
        "pod.sandbox-failed",
        pod_status(case.obj),
        "error",
        evidence=[event_fact(failed[0])],
        message=text(failed[0], "message"),
        node=text(case.obj, "spec", "nodeName"),
    )


def _initializing(case: Case) -> Explanation | None:
    """An init container is at work, or has failed."""
    for status in listed(case.obj, "status", "initContainerStatuses"):
        name, ended = text(status, "name"), mapping(status, "state", "terminated")
        sidecar = text(_spec_of(case.obj, name), "restartPolicy") == "Always"
        if "running" in mapping(status, "state") and not sidecar:
            return case.tell(
                "container.init-running",
                pod_status(case.obj),
                "waiting",
                evidence=[_state_fact(case, status)],
                container=name,
            )
        if ended and integer(ended, "exitCode"):
            return case.tell(
                "container.init-failed",
                pod_status(case.obj),
                "error",
                evidence=[_state_fact(case, status)],
                container=name,
                ended=_exit_words(ended),
            )
    return None


def _container_ended(case: Case) -> Explanation | None:
    """A container has ended and is about to be started again."""
    if text(case.obj, "spec", "restartPolicy") == "Never":
        return None
    for status in listed(case.obj, "status", "containerStatuses"):
        ended = mapping(status, "state", "terminated")
        if not ended:
            continue
        bad = bool(integer(ended, "exitCode"))
        if not bad and text(case.obj, "spec", "restartPolicy") == "OnFailure":
            continue
        return case.tell(
            "container.ended",
            pod_status(case.obj),
            "error" if bad else "waiting",
            evidence=[_state_fact(case, status)],
            container=text(status, "name"),
            ended=_exit_words(ended),
            count=integer(status, "restartCount") or 0,
        )
    return None


def _starting(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Pending":
        return None
    proof = [case.fact("spec", "nodeName"), *(_state_fact(case, status) for status in _statuses(case.obj))]
    pulling, pulled = case.events_with("Pulling"), case.events_with("Pulled")
    doing = say("why.doing.setting-up")
    if len(pulling) > len(pulled):
        doing = say("why.doing.pulling")
        proof.append(event_fact(pulling[0]))
    return case.tell(
        "pod.starting",
        pod_status(case.obj),
        "waiting",
        evidence=proof,
        doing=doing,
        node=text(case.obj, "spec", "nodeName"),
    )


# -- running ------------------------------------------------------------------------------------------------------


def _unready(case: Case) -> Explanation | None:
    if is_ready(case.obj):
        return None
    for status in listed(case.obj, "status", "containerStatuses"):
        if flag(status, "ready"):
            continue
        found = _unready_container(case, status)
        if found is not None:
            return found
    gates = [text(g, "conditionType") for g in listed(case.obj, "spec", "readinessGates")]
    closed = [gate for gate in gates if text(condition(case.obj, gate), "status") != "True"]
    if closed:
        proof = [case.fact("spec", "readinessGates"), *(condition_fact(case.obj, gate) for gate in closed)]
        return case.tell(
            "pod.readiness-gate", say("why.state.not-ready"), "waiting", evidence=proof, gates=join(closed)
        )
    if text(case.obj, "status", "phase") == "Running":
        proof = [condition_fact(case.obj, "Ready"), condition_fact(case.obj, "ContainersReady")]
        return case.tell("pod.becoming-ready", say("why.state.not-ready"), "waiting", evidence=proof)
    return None


def _unready_container(case: Case, status: JSON) -> Explanation | None:
    name = text(status, "name")
    spec = _spec_of(case.obj, name)
    started = text(status, "state", "running", "startedAt")
    if not started:
        return None
    state = say("why.state.not-ready")
    kind = "startup" if mapping(spec, "startupProbe") and not flag(status, "started") else "readiness"
    probe = mapping(spec, f"{kind}Probe")
    proof = [condition_fact(case.obj, "Ready"), _probe_fact(case, name, kind, probe)]
    failed = [e for e in case.events_with("Unhealthy") if text(e, "message").lower().startswith(kind)]
    told: dict[str, Any] = {"container": name, "kind": kind, "probe": _probe_words(probe)}
    if not probe or not failed:
        return case.tell("pod.waits-for-probe", state, "waiting", evidence=proof, **told)
    said = text(failed[0], "message").partition(": ")[2] or text(failed[0], "message")
    level: Level = "error" if _was_ready(case, started) or _too_long(case, started, probe) else "waiting"
    proof.append(event_fact(failed[0]))
    return case.tell("pod.probe-failing", state, level, evidence=proof, message=said, **told)


def _was_ready(case: Case, started: str) -> bool:
    """Whether the Pod was Ready since its container started: only then did the condition change after that."""
    return text(condition(case.obj, "Ready"), "lastTransitionTime") > started


def _too_long(case: Case, started: str, probe: JSON) -> bool:
    def seconds(name: str, default: int) -> int:
        found = integer(probe, name)
        return default if found is None else found

    patience = seconds("initialDelaySeconds", 0) + seconds("failureThreshold", 3) * seconds("periodSeconds", 10)
    age = case.age(started)
    return age is not None and age > patience + _PROBE_SLACK


def _probe_words(probe: JSON) -> str:
    """What a probe does, in a few words."""
    if "httpGet" in probe:
        got = mapping(probe, "httpGet")
        return f"GET {text(got, 'path') or '/'} :{got.get('port', '')}"
    if "tcpSocket" in probe:
        return f"TCP :{mapping(probe, 'tcpSocket').get('port', '')}"
    if "grpc" in probe:
        return f"gRPC :{mapping(probe, 'grpc').get('port', '')}"
    return " ".join(strings(probe, "exec", "command")) or say("why.text.none")


def _probe_fact(case: Case, container: str, kind: str, probe: JSON) -> Evidence | None:
    if not probe:
        return None
    path = f"spec.containers[{container}].{kind}Probe"
    numbers = {key: value for key, value in probe.items() if isinstance(value, int)}
    return Evidence(
        say("why.text.field", path=path, subject=called(case.ref)), f"{_probe_words(probe)}; {_plain(numbers)}"
    )


def _running(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Running":
        return None
    state = pod_status(case.obj)
    proof = [condition_fact(case.obj, "Ready"), case.fact("spec", "nodeName"), *_left_out(case)]
    again = [s for s in _statuses(case.obj) if integer(s, "restartCount")]
    if not again:
        return case.tell("pod.running", state, evidence=proof, node=text(case.obj, "spec", "nodeName"))
    last = [s for s in again if mapping(s, "lastState", "terminated")]
    ended = [
        say("why.exit.container", name=text(s, "name"), how=_exit_words(mapping(s, "lastState", "terminated")))
        for s in last
    ]
    proof += [_state_fact(case, status, "lastState") for status in last]
    return case.tell(
        "pod.restarted",
        state,
        evidence=proof,
        count=restarts(case.obj),
        ended="; ".join(ended) or say("why.exit.unknown"),
    )


def _left_out(case: Case) -> list[Evidence]:
    """Optional references that found nothing: the container runs without them."""
    objects, found = _objects(case), []
    for container in listed(case.obj, "spec", "containers"):
        for reason in environment(case.obj, container, objects).skipped:
            where = f"spec.containers[{text(container, 'name')}]"
            words = say("why.pod-words.optional", reason=say(f"rules.pod.{reason.code}", **reason.facts))
            found.append(Evidence(say("why.text.field", path=where, subject=called(case.ref)), words))
    return found


POD: tuple[Matcher, ...] = (
    _manifest,
    _terminating,
    _finished,
    _node_lost,
    pod_unscheduled,
    _failed_mount,
    _container_waits,
    _sandbox,
    _initializing,
    _container_ended,
    _starting,
    _unready,
    _running,
)
