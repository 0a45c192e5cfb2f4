"""The access story: a Pod's three questions to the API server, what answers each, and what its account may then do.

Where is it (the variables of the Service `kubernetes`, or its DNS name), whom to trust (`ca.crt` of the ConfigMap
kube-root-ca.crt), who am I (the token of the ServiceAccount)? An ambassador container answers them for its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from k8sviz.diagrams.kit.builder import Builder, Looks
from k8sviz.diagrams.kit.facts import container_level
from k8sviz.diagrams.kit.model import Diagram
from k8sviz.diagrams.kit.pods import PodFrame, container_kind
from k8sviz.diagrams.stories.allowing import Grants
from k8sviz.history import History, Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.access import ambassador, can_reach_api
from k8sviz.rules.admission import admitted, in_start_order
from k8sviz.rules.fields import JSON, integer, listed, mapped, text
from k8sviz.rules.meta import owners_of
from k8sviz.rules.objects import Objects
from k8sviz.rules.pods import container_state
from k8sviz.rules.views import Pod, Workload
from k8sviz.words import say

__all__ = ["access"]

_SERVICE: Final = Ref("Service", "kubernetes", "default")
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"
_SERVER: Final = "api-server"
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
    story = _Story(Builder(snapshot, namespace, focus), history)
    for ref, pod in _running(snapshot, namespace):
        if focus is None or focus.kind not in _RUN or ref == focus:
            story.pod(pod, ref)
    story.grants.everything()
    story.b.notes += story.grants.notes
    if not any(snapshot.objects(kind) for kind in ("ClusterRole", "ClusterRoleBinding")) and story.b.states():
        elsewhere = snapshot.missing("ClusterRole") == "elsewhere"
        story.b.notes.append(say("access.note.cluster-elsewhere") if elsewhere else say("access.note.cluster"))
    # seven steps from a program to what it may do: from left to right they would not fit a page
    return story.b.told("access")._replace(direction="TB")


def _running(snapshot: Snapshot, namespace: str | None) -> Iterator[tuple[Ref, Object]]:
    """Pods, and workloads that have none: what will run by their template, by the object that is drawn for it."""
    pods = snapshot.objects("Pod", namespace=namespace)
    yield from ((ref_of(pod), pod) for pod in pods)
    makers = [obj for kind in _RUN[1:] for obj in snapshot.objects(kind, namespace=namespace)]
    owners = {_name_of(ref_of(obj)): owners_of(obj) for obj in makers}
    todo = [(owner, text(pod, "metadata", "namespace")) for pod in pods for owner in owners_of(pod)]
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
        status = say("access.state.template") if ref.kind != "Pod" else None
        frame = PodFrame(self.b, pod, ref=ref, status=status)
        proxy = ambassador(pod)
        for container, role in in_start_order(pod):
            name = text(container, "name")
            node = self.container(frame, container, role)
            if proxy is not None and name != proxy.container:
                target = frame.at("container", proxy.container)
                self.b.edge(node, target, "plain", say("access.edge.plain", port=proxy.port))
            else:
                self.answers(frame, container, node)

    def container(self, frame: PodFrame, container: JSON, role: str) -> str:
        name = text(container, "name")
        state = container_state(frame.pod.json, name)
        proxy = ambassador(frame.pod.json)
        facts = [text(container, "image")] if text(container, "image") else []
        if proxy is not None:
            mine = proxy.container == name
            facts += [say("access.fact.proxy", port=proxy.port)] if mine else [say("access.fact.plain")]
        looks = Looks(state=state.word, level=container_level(frame.pod.json, state), alike=frame.alike(name))
        kind = container_kind("" if role == "ephemeral" else role)
        return self.b.node(kind, name, frame.at("container", name), facts, group=frame.id, **looks)

    def answers(self, frame: PodFrame, container: JSON, node: str) -> None:
        """What the container has to find the API server, to trust it, and to log in."""
        name = text(container, "name")
        has = can_reach_api(container, listed(frame.pod.json, "spec", "volumes"))
        self.where(frame, name, node)
        self.trust(frame, name, has.get("ca", ""), node)
        self.who(frame, name, has.get("token", ""), node)

    def where(self, frame: PodFrame, container: str, node: str) -> None:
        shown = self.variables(frame, container)
        host, port = shown.get(_HOST), shown.get(_PORT) or "443"
        facts = [
            say("access.fact.host", value=host) if host else say("access.fact.host-unknown"),
            say("access.fact.port", name=_PORT, value=port),
            say("access.fact.dns", name="kubernetes.default.svc"),
        ]
        variable = frame.put("Variable", _HOST, facts, of=container)
        self.b.edge(node, variable, "where", say("access.question.where"))
        service = self.b.object(_SERVICE, [say("access.fact.in-namespace", namespace=_SERVICE.namespace)])
        self.b.edge(variable, service, "address", say("access.edge.address"))
        self.b.edge(service, self.server(), "server")

    def server(self) -> str:
        return self.b.node("Endpoint", say("access.name.server"), _SERVER, [say("access.fact.https")])

    def variables(self, frame: PodFrame, container: str) -> dict[str, str | None]:
        """The variables that say where the API server is; an address that only the node knew if an output shows it."""
        if self.b.snapshot.find(frame.pod.ref) is None:  # a template's Pod: what is written is all there is
            written = next((c for c, _ in in_start_order(frame.pod.json) if text(c, "name") == container), {})
            return {text(e, "name"): text(e, "value") or None for e in listed(written, "env")}
        got = frame.received(container, self.history)
        values = got.environment.all_values()
        # a Pod may set them itself, even from a Secret, whose value is not for a picture
        found = {name: values.get(name) for name in (_HOST, _PORT) if name not in got.secret_names}
        seen = {s.name: (s.content or b"").decode() for s in got.seen if s.what == "variable" and s.name in found}
        return {**found, **{name: value for name, value in seen.items() if found[name] is None}}

    def trust(self, frame: PodFrame, container: str, path: str, node: str) -> None:
        question = say("access.question.trust")
        if not path:
            looks = Looks(state=say("access.state.untrusted"), level="bad")
            answer = frame.put("File", "ca.crt", [say("access.fact.no-ca")], of=container, **looks)
            self.b.edge(node, answer, "trust", question, "bad")
            return
        answer = frame.put("File", "ca.crt", [say("access.fact.path", path=_short(path))], of=container)
        self.b.edge(node, answer, "trust", question)
        ref = Ref("ConfigMap", "kube-root-ca.crt", frame.pod.namespace)
        self.b.link(answer, ref, "from-key", say("access.edge.from-key"))

    def who(self, frame: PodFrame, container: str, path: str, node: str) -> None:
        question = say("access.question.who")
        if not path:
            looks = Looks(state=say("access.state.anonymous"), level="bad")
            answer = frame.put("Token", "token", [say("access.fact.no-token")], of=container, **looks)
            self.b.edge(node, answer, "who", question, "bad")
            return
        expires = say("access.fact.expires", seconds=_seconds(frame.pod))
        answer = frame.put("Token", "token", [say("access.fact.path", path=_short(path)), expires], of=container)
        self.b.edge(node, answer, "who", question)
        home = Ref("ServiceAccount", frame.pod.account, frame.pod.namespace)
        self.grants.account(home)
        self.b.edge(answer, self.b.id_of(home), "token", say("access.edge.token"))


def _short(path: str) -> str:
    """The end of a path: the token's usual folder is longer than a card."""
    return path if len(path) < 30 else "…/" + "/".join(path.split("/")[-2:])


def _seconds(pod: Pod) -> int:
    """How long the token is good for that the Pod's projected volumes ask for; 3600 by default."""
    sources = (source for volume in pod.volumes for source in listed(volume.source, "sources"))
    token = next((found for source in sources if (found := mapped(source, "serviceAccountToken")) is not None), {})
    return integer(token, "expirationSeconds") or 3600
