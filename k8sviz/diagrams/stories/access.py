"""The access story: a Pod's three questions to the API server, what answers each, and what its account may then do.

Where is it (the variables of the Service `kubernetes`, or its DNS name), whom to trust (`ca.crt` of the ConfigMap
kube-root-ca.crt), who am I (the token of the ServiceAccount)? An ambassador container answers them for its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.facts import container_level, pod_level
from k8sviz.diagrams.kit.limits import LIMIT
from k8sviz.diagrams.kit.model import Diagram
from k8sviz.diagrams.kit.summary import sum_up
from k8sviz.diagrams.stories.allowing import Grants
from k8sviz.history import History, Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.observed import Received, received, received_now
from k8sviz.rules.access import ambassador, can_reach_api
from k8sviz.rules.admission import admitted, in_start_order, service_account
from k8sviz.rules.fields import listed, text
from k8sviz.rules.objects import Objects
from k8sviz.rules.pods import container_state, pod_status
from k8sviz.rules.views import Workload
from k8sviz.words import say

__all__ = ["access"]

_SERVICE: Final = Ref("Service", "kubernetes", "default")
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"
_SERVER: Final = "api-server"
_OWNERS: Final = ("metadata", "ownerReferences")
_RUN: Final = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob")


def access(
    snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None, history: History | None = None
) -> Diagram:
    """The access story of a Snapshot: all of it, or what hangs together with one object.

    With the `history` that the Snapshot is of, an address that a recorded output shows is drawn. Raises K8svizError
    when the object in focus is not there.

    >>> main = {"name": "main", "image": "curl"}
    >>> proxy = {"name": "ambassador", "image": "kubectl", "args": ["proxy"]}
    >>> pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [main, proxy]}}
    >>> [edge.label for edge in access(History.of([pod]).at()).edges if edge.relation == "plain"]
    ['plain HTTP\\nlocalhost:8001']
    """
    if focus is not None:
        snapshot.require(focus)
    story = _Story(Builder(snapshot, namespace), history)
    for ref, pod in _running(snapshot, namespace):
        if focus is None or focus.kind not in _RUN or ref == focus:
            story.pod(pod, ref)
    story.grants.everything()
    # seven steps from a program to what it may do: from left to right they would not fit a page
    diagram = story.b.diagram("access", _title(snapshot, namespace, focus))._replace(direction="TB")
    diagram = diagram._replace(notes=(*diagram.notes, *story.grants.notes))
    if not any(snapshot.objects(kind) for kind in ("ClusterRole", "ClusterRoleBinding")) and diagram.nodes:
        elsewhere = snapshot.missing("ClusterRole") == "elsewhere"
        note = say("access.note.cluster-elsewhere") if elsewhere else say("access.note.cluster")
        diagram = diagram._replace(notes=(*diagram.notes, note))
    if focus is not None:
        frames = {group.id for group in diagram.groups if group.ref == focus}
        diagram = diagram.around(*(n.id for n in diagram.nodes if n.ref == focus or n.group in frames))
    elif not diagram.nodes:
        diagram = diagram._replace(notes=(*diagram.notes, say("access.note.nothing")))
    return sum_up(diagram, LIMIT)


def _title(snapshot: Snapshot, namespace: str | None, focus: Ref | None) -> str:
    if focus is not None:
        return say("access.title.one", what=focus)
    name = namespace or snapshot.about.namespace
    return say("access.title.namespace", namespace=name) if name else say("access.title.all")


def _running(snapshot: Snapshot, namespace: str | None) -> Iterator[tuple[Ref, Object]]:
    """Pods, and workloads that have none: what will run by their template, by the object that is drawn for it."""
    pods = snapshot.objects("Pod", namespace=namespace)
    yield from ((ref_of(pod), pod) for pod in pods)
    makers = [obj for kind in _RUN[1:] for obj in snapshot.objects(kind, namespace=namespace)]
    owners = {_name_of(ref_of(obj)): listed(obj, "metadata", "ownerReferences") for obj in makers}
    todo = [(owner, text(pod, "metadata", "namespace")) for pod in pods for owner in listed(pod, *_OWNERS)]
    busy: set[str] = set()
    while todo:
        owner, home = todo.pop()
        name = _name_of(Ref(text(owner, "kind"), text(owner, "name"), home))
        if name not in busy:
            busy.add(name)
            todo += [(above, home) for above in owners.get(name, ())]
    for obj in makers:
        ref, workload = ref_of(obj), Workload(obj)
        if _name_of(ref) not in busy and workload.template is not None and not owners[_name_of(ref)]:
            pod = dict(workload.pod.json)
            yield ref, {**pod, "kind": "Pod", "metadata": {**pod["metadata"], "name": str(ref)}}


def _name_of(ref: Ref) -> str:
    return f"{ref.kind}/{ref.namespace}/{ref.name}"


class _Story:
    """Draws Pods with their three answers, and what their accounts may do."""

    def __init__(self, builder: Builder, history: History | None) -> None:
        self.b, self.history = builder, history
        self.grants = Grants(builder)
        self.objects = Objects(builder.snapshot.objects("ServiceAccount"))

    # -- the three questions -------------------------------------------------------------------------

    def pod(self, pod: Object, ref: Ref) -> None:
        """Reads the containers' images, words and mounts, the volumes and serviceAccountName."""
        if not text(pod, "metadata", "uid"):
            pod = dict(admitted(pod, self.objects))  # as it will be once the API server has taken it
        status = say("access.state.template") if ref.kind != "Pod" else pod_status(pod) if "status" in pod else ""
        owner = self.b.owner_of(pod)
        frame = self.b.group(ref, state=status, level=pod_level(status), alike=f"{owner} {status}" if owner else "")
        proxy = ambassador(pod)
        for container, role in in_start_order(pod):
            name = text(container, "name")
            node = self.container(
                pod, container, "InitContainer" if role in ("init", "sidecar") else "Container", frame
            )
            if proxy is not None and name != proxy.container:
                target = self.in_pod(pod, "container", proxy.container)
                self.b.edge(node, target, "plain", say("access.edge.plain", port=proxy.port))
            else:
                self.answers(pod, container, node, frame)

    def container(self, pod: Object, container: Mapping[str, Any], kind: str, frame: str) -> str:
        name = text(container, "name")
        state = container_state(pod, name)
        proxy = ambassador(pod)
        facts = [text(container, "image")] if text(container, "image") else []
        if proxy is not None:
            mine = proxy.container == name
            facts += [say("access.fact.proxy", port=proxy.port)] if mine else [say("access.fact.plain")]
        return self.b.node(
            kind,
            name,
            self.in_pod(pod, "container", name),
            facts,
            state=state.word,
            level=container_level(pod, state),
            group=frame,
            alike=self.alike(pod, name),
        )

    def alike(self, pod: Object, name: str) -> str:
        owner = self.b.owner_of(pod)
        return f"{owner} {name}" if owner else ""

    def in_pod(self, pod: Object, what: str, name: str) -> str:
        ref = ref_of(pod)
        return f"{what}/{ref.namespace}/{ref.name}/{name}"

    def answers(self, pod: Object, container: Mapping[str, Any], node: str, frame: str) -> None:
        """What the container has to find the API server, to trust it, and to log in."""
        name = text(container, "name")
        has = can_reach_api(container, listed(pod, "spec", "volumes"))
        self.where(pod, name, node, frame)
        self.trust(pod, name, has.get("ca", ""), node, frame)
        self.who(pod, name, has.get("token", ""), node, frame)

    def where(self, pod: Object, container: str, node: str, frame: str) -> None:
        shown = self.variables(pod, container)
        host, port = shown.get(_HOST), shown.get(_PORT) or "443"
        facts = [
            say("access.fact.host", value=host) if host else say("access.fact.host-unknown"),
            say("access.fact.port", name=_PORT, value=port),
            say("access.fact.dns", name="kubernetes.default.svc"),
        ]
        at = self.in_pod(pod, "variable", f"{container}/{_HOST}")
        alike = self.alike(pod, f"{container} {_HOST}")
        variable = self.b.node("Variable", _HOST, at, facts, group=frame, alike=alike)
        self.b.edge(node, variable, "where", say("access.question.where"))
        service = self.b.object(_SERVICE, [say("access.fact.in-namespace", namespace=_SERVICE.namespace)])
        self.b.edge(variable, service, "address", say("access.edge.address"))
        self.b.edge(service, self.server(), "server")

    def server(self) -> str:
        return self.b.node("Endpoint", say("access.name.server"), _SERVER, [say("access.fact.https")])

    def variables(self, pod: Object, container: str) -> dict[str, str | None]:
        """The variables that say where the API server is; an address that only the node knew if an output shows it."""
        if self.b.snapshot.find(ref_of(pod)) is None:  # a template's Pod: what is written is all there is
            written = next((c for c, _ in in_start_order(pod) if text(c, "name") == container), {})
            return {text(e, "name"): text(e, "value") or None for e in listed(written, "env")}
        if self.history is None:
            got: Received = received_now(self.b.snapshot, ref_of(pod), container)
        else:
            t = min(self.b.snapshot.t, self.history.end)
            got = received(self.history, t, ref_of(pod), container)
        values = got.environment.all_values()
        # a Pod may set them itself, even from a Secret, whose value is not for a picture
        found = {name: values.get(name) for name in (_HOST, _PORT) if name not in got.secret_names}
        seen = {s.name: (s.content or b"").decode() for s in got.seen if s.what == "variable" and s.name in found}
        return {**found, **{name: value for name, value in seen.items() if found[name] is None}}

    def trust(self, pod: Object, container: str, path: str, node: str, frame: str) -> None:
        at = self.in_pod(pod, "trust", container)
        alike = self.alike(pod, f"{container} ca.crt")
        if not path:
            answer = self.b.node(
                "File",
                "ca.crt",
                at,
                [say("access.fact.no-ca")],
                state=say("access.state.untrusted"),
                level="bad",
                group=frame,
                alike=alike,
            )
            self.b.edge(node, answer, "trust", say("access.question.trust"), "bad")
            return
        answer = self.b.node(
            "File", "ca.crt", at, [say("access.fact.path", path=_short(path))], group=frame, alike=alike
        )
        self.b.edge(node, answer, "trust", say("access.question.trust"))
        self.b.link(
            answer, Ref("ConfigMap", "kube-root-ca.crt", ref_of(pod).namespace), "from-key", say("access.edge.from-key")
        )

    def who(self, pod: Object, container: str, path: str, node: str, frame: str) -> None:
        at = self.in_pod(pod, "token", container)
        alike = self.alike(pod, f"{container} token")
        if not path:
            state = say("access.state.anonymous")
            answer = self.b.node(
                "Token", "token", at, [say("access.fact.no-token")], state=state, level="bad", group=frame, alike=alike
            )
            self.b.edge(node, answer, "who", say("access.question.who"), "bad")
            return
        facts = [say("access.fact.path", path=_short(path)), say("access.fact.expires", seconds=_seconds(pod))]
        answer = self.b.node("Token", "token", at, facts, group=frame, alike=alike)
        self.b.edge(node, answer, "who", say("access.question.who"))
        home = Ref("ServiceAccount", service_account(pod), ref_of(pod).namespace)
        self.grants.account(home)
        self.b.edge(answer, self.b.id_of(home), "token", say("access.edge.token"))


def _short(path: str) -> str:
    """The end of a path: the token's usual folder is longer than a card."""
    return path if len(path) < 30 else "…/" + "/".join(path.split("/")[-2:])


def _seconds(pod: Object) -> int:
    """How long the token is good for that the Pod's projected volumes ask for; 3600 by default."""
    for volume in listed(pod, "spec", "volumes"):
        for source in listed(volume, "projected", "sources"):
            token = source.get("serviceAccountToken")
            if isinstance(token, Mapping):
                seconds = token.get("expirationSeconds")
                return seconds if isinstance(seconds, int) else 3600
    return 3600
