"""`kubectl exec` and `kubectl logs`: what happens in containers."""

from __future__ import annotations

from typing import Final

from k8sviz.cluster.refused import Refused, bad_request
from k8sviz.history import Object
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.rules.fields import integer, listed, mapped, mapping, text
from k8sviz.rules.selectors import labels_of, matches

__all__ = ["EXEC_FLAGS", "LOGS_FLAGS", "execute", "logs"]

EXEC_FLAGS: Final = "container,c= stdin,i tty,t quiet,q pod-running-timeout= filename,f="
LOGS_FLAGS: Final = (
    "container,c= previous,p follow,f tail= since= since-time= timestamps all-containers all-pods selector,l= prefix "
    "max-log-requests= ignore-errors limit-bytes= pod-running-timeout= insecure-skip-tls-verify-backend"
)
_DEFAULT: Final = "kubectl.kubernetes.io/default-container"


def _pod(session: Session, call: Call, word: str) -> Object:
    """The Pod of POD or TYPE/NAME: of a workload, its first (AttachablePodForObject). Raises Refused, Failed."""
    kind, slash, name = word.partition("/")
    namespace = session.namespace(call)
    resource = session.resource(kind if slash else "pod")
    obj = session.get(Wanted(resource, name if slash else word), namespace)
    if resource.kind == "Pod":
        return obj
    selector = mapped(obj, "spec", "selector")
    if resource.kind in ("Service", "ReplicationController"):
        selector = {"matchLabels": selector or {}}
    pods = [
        pod for pod in session.api.list("Pod", namespace) if selector is not None and matches(selector, labels_of(pod))
    ]
    if not pods:
        raise Failed("timed out waiting for the condition")
    return sorted(pods, key=_readiness)[0]


def _readiness(pod: Object) -> tuple[object, ...]:
    """ActivePods, reversed as kubectl sorts them: assigned, running, ready, longest ready."""
    ready = next((one for one in listed(pod, "status", "conditions") if one.get("type") == "Ready"), {})
    is_ready = ready.get("status") == "True"
    return (
        not text(pod, "spec", "nodeName"),
        {"Running": 0, "Unknown": 1, "Pending": 2}.get(text(pod, "status", "phase"), 3),
        not is_ready,
        bool(text(pod, "metadata", "deletionTimestamp")),
        text(ready, "lastTransitionTime") if is_ready else "",
        sum(integer(one, "restartCount") or 0 for one in listed(pod, "status", "containerStatuses")),
        text(pod, "metadata", "creationTimestamp"),
    )


def _container(session: Session, call: Call, pod: Object, given: str = "") -> str:
    """The container that is meant, with kubectl's word about a default. Raises Failed."""
    names = [text(one, "name") for one in listed(pod, "spec", "containers")]
    first = [text(one, "name") for one in listed(pod, "spec", "initContainers")]
    wanted = given or call.flag("container")
    if wanted:
        if wanted not in names + first:
            raise Refused(
                400, "BadRequest", f"container {wanted} is not valid for pod {text(pod, 'metadata', 'name')}", {}
            )
        return wanted
    marked = mapping(pod, "metadata", "annotations").get(_DEFAULT)
    if isinstance(marked, str) and marked in names:
        return marked
    if len(names) + len(first) > 1 and not call.on("quiet"):
        shown = names + [f"{name} (init)" for name in first]
        session.warn(f'Defaulted container "{names[0]}" out of: {", ".join(shown)}')
    return names[0] if names else ""


def execute(session: Session, call: Call) -> None:
    """Run a command in a container. Raises Failed, Refused."""
    words, command = call.words, call.after
    if not call.dashed and len(words) > 1:
        raise Failed(
            "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl "
            "exec -h' for help and examples"
        )
    if not words:
        raise Failed("pod, type/name or --filename must be specified")
    if not command:
        raise Failed("you must specify at least one command for the container")
    pod = _pod(session, call, words[0])
    if text(pod, "status", "phase") in ("Succeeded", "Failed"):
        raise Failed(
            f"cannot exec into a container in a completed pod; current phase is {text(pod, 'status', 'phase')}"
        )
    name = _container(session, call, pod)
    code, out, err = session.target.execute(pod, name, command, session.stdin if call.on("stdin") else "")
    session.out.append(out)
    if err:
        session.err.append(err)
    if code:
        session.fail(f"command terminated with exit code {code}", code)


def logs(session: Session, call: Call) -> None:
    """Print what containers wrote. Raises Failed, Refused."""
    if call.has("selector"):
        found = session.api.list("Pod", session.namespace(call), labels=call.flag("selector"))
        if not found:
            session.warn(f"No resources found in {session.namespace(call)} namespace.")
        for pod in found:
            _log(session, call, pod, tail=call.flag("tail") or "10")
        return
    if not call.words:
        raise Failed(
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required "
            "argument for the logs command\nSee 'kubectl logs -h' for help and examples"
        )
    pod = _pod(session, call, call.words[0])
    _log(session, call, pod, given=call.words[1] if len(call.words) > 1 else "", tail=call.flag("tail"))


def _log(session: Session, call: Call, pod: Object, *, given: str = "", tail: str = "") -> None:
    if call.on("all-containers"):
        lists = ("initContainers", "containers")
        names = [text(one, "name") for part in lists for one in listed(pod, "spec", part)]
    else:
        names = [_container(session, call, pod, given)]
    for name in names:
        try:
            found = _text(session, call, pod, name)
        except Refused as refused:
            session.fail(explained(refused))
            continue
        lines = found.splitlines(keepends=True)
        if tail.isdigit():
            lines = lines[len(lines) - int(tail) :] if int(tail) < len(lines) else lines
        prefix = f"[pod/{text(pod, 'metadata', 'name')}/{name}] " if call.on("prefix") else ""
        session.out.append("".join(prefix + line for line in lines))


def _text(session: Session, call: Call, pod: Object, name: str) -> str:
    """The log, or the kubelet's words for a container that has none yet. Raises Refused."""
    statuses = listed(pod, "status", "initContainerStatuses") + listed(pod, "status", "containerStatuses")
    status = next((one for one in statuses if one.get("name") == name), None)
    pod_name = text(pod, "metadata", "name")
    if status is None and not text(pod, "spec", "nodeName"):
        return ""
    waiting = text(status or {}, "state", "waiting", "reason")
    if call.on("previous") and mapped(status or {}, "lastState", "terminated") is None:
        raise bad_request(f'previous terminated container "{name}" in pod "{pod_name}" not found')
    ran = mapped(status or {}, "lastState", "terminated") is not None
    if waiting and not ran:
        why = "trying and failing to pull image" if waiting in ("ImagePullBackOff", "ErrImagePull") else waiting
        said = f"is waiting to start: {why}"
        raise bad_request(f'container "{name}" in pod "{pod_name}" {said}')
    return session.target.logs(pod, name, previous=call.on("previous"))
