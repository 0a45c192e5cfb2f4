"""The overview: every object of a namespace, a cluster or a set of manifests, and all that ties them together.

Owners, Services to Pods, configuration at the grain of objects, claims and volumes, accounts and roles. What a Pod
uses is drawn from the Pod; a workload without Pods, as in a manifest, is drawn with what its template will use.
In a large picture what is alike stands once; in a larger one a card stands for a kind, and then for a namespace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.facts import deployment_state, node_state, pod_level, service_facts
from k8sviz.diagrams.kit.limits import LIMIT
from k8sviz.diagrams.kit.model import Diagram, Group, Level, Node
from k8sviz.diagrams.kit.stores import CARDS, class_card
from k8sviz.diagrams.kit.summary import sum_up
from k8sviz.history import Key, Object, Snapshot, key_of, ref_of
from k8sviz.kinds import KINDS, Ref
from k8sviz.rules.access import role_key
from k8sviz.rules.fields import JSON, flag, integer, listed, mapped, mapping, strings, text
from k8sviz.rules.meta import is_terminating, owners_of
from k8sviz.rules.references import references
from k8sviz.rules.selectors import Requirement, label_selector, labels_of, matches_all, parse_selector
from k8sviz.rules.services import endpoints_of, service_of, service_selector, target_port
from k8sviz.rules.statefulset import claim_templates, replicas_of
from k8sviz.rules.views import Pod, Service, Workload
from k8sviz.words import say

__all__ = ["overview"]

_MOST_ALONE: Final = 30  # things drawn one by one; with more, replicas stand once
_MOST_KINDS: Final = 120  # cards that stand for the kinds of namespaces; with more, a card is a namespace
_MOST_NAMESPACES: Final = 48
_ROOT_CA: Final = "kube-root-ca.crt"
_STANDARD: Final = "default"
_RANKS: Final[tuple[Level, ...]] = ("bad", "ending", "wait", "unknown", "ok", "off", "")


def overview(
    snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None, selector: str = ""
) -> Diagram:
    """Everything in a Snapshot, or in one namespace; or what hangs together with one object, or with a label.

    `selector` is what `kubectl -l` takes. Raises K8svizError when the object in focus is not there, or the selector
    is none.

    >>> from k8sviz.history import History
    >>> meta = {"name": "web", "namespace": "demo"}
    >>> pod = {"kind": "Pod", "metadata": {**meta, "labels": {"app": "web"}}}
    >>> service = {"kind": "Service", "metadata": meta, "spec": {"selector": {"app": "web"}}}
    >>> [(e.source, e.relation, e.target) for e in overview(History.of([pod, service]).at()).edges]
    [('Service/demo/web', 'selects', 'Pod/demo/web')]
    """
    wanted = parse_selector(selector)
    b = Builder(snapshot, namespace, focus)
    story = _Story(b)
    story.draw()
    diagram = story.diagram(_title(b, selector))
    if focus is not None:
        frame = b.id_of(focus)
        diagram = diagram.around(*(n.id for n in diagram.nodes if n.ref == focus or n.group == frame))
    if wanted:
        diagram = diagram.around(*(i for i, obj in story.drawn.items() if matches_all(wanted, labels_of(obj))))
    elif namespace is not None and focus is None:
        diagram = _without_strangers(diagram, namespace)
    if not diagram.nodes and not diagram.groups:
        diagram = diagram._replace(notes=(*diagram.notes, say("stories.overview.nothing")))
    return _readable(diagram, story.short)


def _title(b: Builder, selector: str) -> str:
    if selector and b.focus is None:
        return say("overview.title.selector", selector=selector)
    homes = {key_of(obj).namespace for obj in b.snapshot.objects()} - {""}
    # a recording of one namespace is of that namespace, though some of its objects are the whole cluster's
    return b.title("overview") if b.namespace or b.focus or len(homes) == 1 else say("stories.overview.all")


def _without_strangers(diagram: Diagram, namespace: str) -> Diagram:
    """A namespace's picture without what belongs to the whole cluster and has nothing to do with it."""
    kept = diagram.around(*(n.id for n in diagram.nodes if n.ref is not None and n.ref.namespace == namespace))
    gone = len(diagram.nodes) - len(kept.nodes)
    notes = (*kept.notes, say("overview.note.strangers", count=gone)) if gone else kept.notes
    frames = tuple(g for g in diagram.groups if g.ref is not None and g.ref.name == namespace)
    return kept._replace(notes=notes, groups=kept.groups or frames)


# -- what is drawn -----------------------------------------------------------------------------------


class _Story:
    """Draws every object once, then what ties them together."""

    def __init__(self, b: Builder) -> None:
        self.b, self.snapshot, self.namespace, self.shown = b, b.snapshot, b.namespace, b.focus
        self.drawn: dict[str, Object] = {}  # node id → object
        self.owner: dict[str, str] = {}  # node id → the id of its controller
        self.left_out: Counter[str] = Counter()
        self.ids: dict[Key, str] = {}  # an object's key → node id
        self.bound = _bound_accounts(b.snapshot)

    def draw(self) -> None:
        objects = [obj for obj in self.snapshot.objects(namespace=self.namespace) if self.wanted(obj)]
        for space in (obj for obj in objects if text(obj, "kind") == "Namespace"):
            self.frame(space)
        objects = [obj for obj in objects if text(obj, "kind") != "Namespace"]
        self.ids = {key_of(obj): self.id_for(obj) for obj in objects}
        for obj in objects:
            self.card(obj)
        for node, obj in self.drawn.items():
            self.owners(node, obj)
        self.runners = _Runners(dict(self.running()), self.alike)
        for node, pod in self.runners.specs.items():
            self.uses(node, pod)
        for node, obj in self.drawn.items():
            relation = _RELATIONS.get(text(obj, "kind"))
            if relation is not None and _is_ours(obj):
                relation(self, node, obj)

    def wanted(self, obj: Object) -> bool:
        """Whether the object is drawn: Events and what Kubernetes puts into each namespace are counted only."""
        ref = ref_of(obj)
        kind = text(obj, "kind")
        standard = (kind == "ConfigMap" and ref.name == _ROOT_CA) or (
            kind == "ServiceAccount" and ref.name == _STANDARD and (ref.namespace, ref.name) not in self.bound
        )
        if (kind != "Event" and not standard) or ref == self.shown:
            return True
        self.left_out[f"{kind} {ref.name}" if standard else kind] += 1
        return False

    def frame(self, obj: Object) -> None:
        """A Namespace is a frame, and no card."""
        if self.namespace in (None, key_of(obj).name):
            ending = text(obj, "status", "phase") == "Terminating"
            self.b.group(ref_of(obj), state="Terminating" if ending else "", level="ending" if ending else "")

    def id_for(self, obj: Object) -> str:
        """A node's id; two kinds of one name and of different API groups stay apart."""
        ref = ref_of(obj)
        node = self.b.id_of(ref)
        return node if _is_ours(obj) else f"{ref.kind}.{_group(obj)}/{ref.namespace}/{ref.name}"

    def card(self, obj: Object) -> None:
        """One object: what it is, and how it is, by its kind."""
        ref, node = ref_of(obj), self.ids[key_of(obj)]
        kind = ref.kind if _is_ours(obj) else ""
        if kind in _STORAGE:
            _STORAGE[kind](self.b, obj)
        else:
            facts, state, level = _WORDS.get(kind, _anything)(obj)
            if is_terminating(obj) and kind != "Pod":
                state, level = "Terminating", "ending"
            self.b.node(ref.kind, ref.name, node, facts, state=state, level=level, ref=ref)
        self.drawn[node] = obj

    def owners(self, node: str, obj: Object) -> None:
        """metadata.ownerReferences: by uid, and by name where a manifest has no uids."""
        for owner in owners_of(obj):
            source = self.owner_id(owner, obj)
            if source == node:
                continue
            if flag(owner, "controller") is not False:
                self.owner.setdefault(node, source)
            self.b.edge(source, node, "owns", "")

    def owner_id(self, owner: JSON, obj: Object) -> str:
        found = self.snapshot.by_uid(text(owner, "uid"))
        kind, name = text(owner, "kind"), text(owner, "name")
        home = key_of(obj).namespace if kind not in KINDS or KINDS[kind].namespaced else ""
        if found is None and not text(owner, "uid"):
            found = self.snapshot.find(Ref(kind, name, home))
        if found is not None and key_of(found) in self.ids:
            return self.ids[key_of(found)]
        if found is not None:
            return self.b.place(ref_of(found))[0]
        return self.b.ghost(Ref(kind, name, home), say(f"diagrams.storage.{self.snapshot.missing(kind)}"))

    def running(self) -> Iterator[tuple[str, Object]]:
        """What has a Pod's spec, by its node: Pods, and the workloads that no Pod here comes from."""
        pods = {node: obj for node, obj in self.drawn.items() if obj.get("kind") == "Pod" and _is_ours(obj)}
        busy: set[str] = set()
        for pod in pods:
            node = self.owner.get(pod, "")
            while node and node not in busy:
                busy.add(node)
                node = self.owner.get(node, "")
        yield from pods.items()
        for node, obj in self.drawn.items():
            template = _template(obj)
            if template is not None and node not in busy and self.owner.get(node, "") not in self.drawn:
                meta = {**mapping(template, "metadata"), "namespace": key_of(obj).namespace}
                yield node, {**template, "metadata": meta}

    def uses(self, node: str, pod: Object) -> None:
        """ConfigMaps, Secrets, claims and the account of something that has a Pod's spec."""
        home = text(pod, "metadata", "namespace")
        ways: dict[Ref, tuple[set[str], bool]] = {}
        for use in references(pod):
            ref = Ref(use.kind, use.name, home)
            words, optional = ways.get(ref, (set(), True))
            ways[ref] = ({*words, use.way}, optional and use.optional)
        for ref, (words, optional) in ways.items():
            if ref.name and (ref.name != _ROOT_CA or ref == self.shown):
                label = ", ".join(say(f"overview.way.{word}") for word in sorted(words))
                self.b.link(node, ref, "uses", label, optional=optional)
        for name in Pod(pod).claims:
            self.b.link(node, Ref("PersistentVolumeClaim", name, home), "claim", say("overview.edge.mounts"))
        account = Pod(pod).account
        if account != _STANDARD or (home, account) in self.bound or Ref("ServiceAccount", account, home) == self.shown:
            self.b.link(node, Ref("ServiceAccount", account, home), "runs-as", say("overview.edge.runs-as"))

    # -- the whole -------------------------------------------------------------------------------------

    def alike(self, node: str) -> str:
        """What makes things of one kind and state alike: their owners, all the way up, or their claim's template."""
        obj = self.drawn.get(node)
        if obj is None:
            return ""
        if node in self.owner:
            return str(self.families.of(self.owner[node]))
        claim = ref_of(obj)
        if claim.kind == "PersistentVolume":
            named = mapping(obj, "spec", "claimRef")
            claim = Ref("PersistentVolumeClaim", text(named, "name"), text(named, "namespace"))
        if claim.kind == "PersistentVolumeClaim" and self.b.template_of(claim.namespace, claim.name):
            return f"{claim.namespace}/{claim.name.rpartition('-')[0]}"
        return ""

    def short(self, node: Node) -> str:
        """A name for a card of many: that of the owner highest up, since those below it are made from it."""
        return self.short_of(node.id) or node.name

    def short_of(self, node: str) -> str:
        """The name of the owner highest up; '' for something that is no object."""
        seen = {node}
        while self.owner.get(node, node) not in seen:
            node = self.owner[node]
            seen.add(node)
        obj = self.drawn.get(node, {})
        return text(obj, "spec", "claimRef", "name") or text(obj, "metadata", "name")

    @cached_property
    def families(self) -> _Families:
        states = self.b.states()
        words = {node: f"{text(obj, 'kind')} {states.get(node, '')}" for node, obj in self.drawn.items()}
        return _Families(self.owner, words)

    def diagram(self, title: str) -> Diagram:
        """Everything drawn, each object in the frame of its namespace."""
        bare = self.b.diagram("overview", title)
        frames = {group.id: group for group in bare.groups}
        nodes = []
        for node in bare.nodes:
            home = Ref("Namespace", node.ref.namespace) if node.ref is not None and node.ref.namespace else None
            frame = self.b.id_of(home) if home is not None else ""
            if home is not None and frame not in frames:
                frames[frame] = Group(frame, home.kind, home.name, ref=home)
            nodes.append(node._replace(group=frame, alike=self.alike(node.id) or node.alike * (node.alike == "ghost")))
        notes = bare.notes
        if self.left_out:
            what = ", ".join(f"{name} × {count}" for name, count in sorted(self.left_out.items()))
            notes = (*notes, say("overview.note.left-out", what=what))
        return bare._replace(nodes=tuple(nodes), groups=tuple(frames.values()), notes=notes)


class _Families:
    """A number for each owner: the same for owners of one kind and state with the same owner, and so on upwards."""

    def __init__(self, owner: Mapping[str, str], words: Mapping[str, str]) -> None:
        self.owner, self.words = owner, words
        self.known: dict[str, int] = {}
        self.numbers: dict[tuple[int, str], int] = {}

    def of(self, node: str) -> int:
        way: list[str] = []
        seen: set[str] = set()
        while node not in self.known and node in self.owner and node not in seen:
            seen.add(node)
            way.append(node)
            node = self.owner[node]
        number = self.known.get(node, -1)
        if number < 0:
            number = self.known[node] = self.numbers.setdefault((-1, node), len(self.numbers))
        for one in reversed(way):
            key = (number, self.words.get(one, ""))
            number = self.known[one] = self.numbers.setdefault(key, len(self.numbers))
        return number


class _Runners:
    """Everything with labels that a Service may select, found by label."""

    def __init__(self, specs: dict[str, Object], alike: Callable[[str], str]) -> None:
        self.specs = specs
        self.labels = {node: labels_of(pod) for node, pod in specs.items()}
        crowd = len(specs) > LIMIT
        # replicas stand once in a large picture, so one line to them is enough
        self.same = {node: alike(node) or node if crowd else node for node in specs}
        self.by_label: dict[tuple[str, str, str], list[str]] = {}
        self.by_home: dict[str, list[str]] = {}
        for node, pod in specs.items():
            home = text(pod, "metadata", "namespace")
            self.by_home.setdefault(home, []).append(node)
            for key, value in self.labels[node].items():
                self.by_label.setdefault((home, key, value), []).append(node)
        self.found: dict[tuple[str, str], list[str]] = {}

    def select(self, home: str, requirements: Sequence[Requirement]) -> list[str]:
        """The nodes in a namespace whose labels meet every requirement; in a crowd one for all that are alike."""
        key = (home, repr(requirements))
        if key not in self.found:
            exact = [r for r in requirements if r.operator == "In" and len(r.values) == 1]
            lists = [self.by_label.get((home, r.key, r.values[0]), []) for r in exact]
            candidates = min(lists, key=len) if lists else self.by_home.get(home, [])
            chosen = {self.same[n]: n for n in candidates if matches_all(requirements, self.labels[n])}
            self.found[key] = list(chosen.values())
        return self.found[key]


def _bound_accounts(snapshot: Snapshot) -> set[tuple[str, str]]:
    """The ServiceAccounts that some binding names, as (namespace, name)."""
    return {
        (text(entry, "namespace") or key_of(binding).namespace, text(entry, "name"))
        for kind in ("RoleBinding", "ClusterRoleBinding")
        for binding in snapshot.objects(kind)
        for entry in listed(binding, "subjects")
        if text(entry, "kind") == "ServiceAccount"
    }


def _group(obj: Object) -> str:
    return text(obj, "apiVersion").rpartition("/")[0]


def _is_ours(obj: Object) -> bool:
    """Whether the object's kind is Kubernetes' own, or nobody else's: Knative has a Service too."""
    kind = KINDS.get(text(obj, "kind"))
    return kind is None or _group(obj) in (kind.api_version.rpartition("/")[0], "extensions", "")


def _template(obj: Object) -> JSON | None:
    """The Pod template of a workload."""
    return Workload(obj).template if text(obj, "kind") in (*_SIZES, "Job", "CronJob") else None


# -- what ties things together -------------------------------------------------------------------------


def _service(story: _Story, node: str, service: Object) -> None:
    """spec.selector and ports: which workloads share the Service, and which of them lacks a port that it names."""
    if not service_selector(service):
        return
    reached = _select(story, node, service, {"matchLabels": service_selector(service)}, "selects")
    pods = {target for target in reached if story.drawn[target].get("kind") == "Pod"}
    makers = sorted({story.short_of(target) for target in reached if target in story.owner or target not in pods})
    if len(makers) > 1:
        story.b.add_fact(node, say("overview.fact.shared", count=len(makers), names=", ".join(makers[:4])))
    for target in reached:
        pod = story.runners.specs[target]
        lacking = [text(p, "targetPort") for p in listed(service, "spec", "ports") if target_port(p, pod) is None]
        if lacking:
            label = say("overview.edge.no-port", names=", ".join(lacking))
            story.b.edge(node, target, "selects", label, "bad")


def _select(story: _Story, node: str, obj: Object, selector: JSON | None, relation: str) -> list[str]:
    requirements = label_selector(selector)
    reached = story.runners.select(key_of(obj).namespace, requirements) if requirements is not None else []
    for target in reached:
        story.b.edge(node, target, relation, say(f"overview.edge.{relation}"))
    return reached


def _slice(story: _Story, node: str, endpoint_slice: Object) -> None:
    """The label kubernetes.io/service-name, where no owner says it; endpoints that no selector explains."""
    home = key_of(endpoint_slice).namespace
    service = Ref("Service", service_of(endpoint_slice), home)
    if service.name and not owners_of(endpoint_slice):
        story.b.edge(story.b.place(service)[0], node, "owns", "")
    owner = story.snapshot.find(service)
    if owner is None or not service_selector(owner):
        for endpoint in endpoints_of(endpoint_slice):
            if endpoint.name:
                story.b.link(node, Ref(endpoint.kind, endpoint.name, home), "endpoint")


def _ingress(story: _Story, node: str, ingress: Object) -> None:
    """Backends of rules and the default one; TLS Secrets."""
    home = key_of(ingress).namespace
    spec = mapping(ingress, "spec")
    paths = [path for rule in listed(spec, "rules") for path in listed(rule, "http", "paths")]
    backends = [mapping(path, "backend") for path in paths]
    for backend in (*backends, mapping(spec, "defaultBackend"), mapping(spec, "backend")):
        name = text(backend, "service", "name") or text(backend, "serviceName")
        if name:
            story.b.link(node, Ref("Service", name, home), "routes", say("overview.edge.routes"))
    for tls in listed(spec, "tls"):
        if text(tls, "secretName"):
            story.b.link(node, Ref("Secret", text(tls, "secretName"), home), "uses", say("overview.way.tls"))
    if text(spec, "ingressClassName"):
        ref = Ref("IngressClass", text(spec, "ingressClassName"))
        story.b.link(node, ref, "class", say("diagrams.storage.class"), optional=True)


def _autoscaler(story: _Story, node: str, autoscaler: Object) -> None:
    """spec.scaleTargetRef."""
    target = mapping(autoscaler, "spec", "scaleTargetRef")
    if text(target, "name"):
        ref = Ref(text(target, "kind"), text(target, "name"), key_of(autoscaler).namespace)
        story.b.link(node, ref, "scales", say("overview.edge.scales"))


def _budget(story: _Story, node: str, budget: Object) -> None:
    """spec.selector of a PodDisruptionBudget."""
    _select(story, node, budget, mapped(budget, "spec", "selector"), "protects")


def _policy(story: _Story, node: str, policy: Object) -> None:
    """spec.podSelector of a NetworkPolicy; none selects all."""
    _select(story, node, policy, mapping(policy, "spec", "podSelector"), "guards")


def _account(story: _Story, node: str, account: Object) -> None:
    """secrets and imagePullSecrets."""
    for part in ("imagePullSecrets", "secrets"):
        for secret in listed(account, part):
            if text(secret, "name"):
                ref = Ref("Secret", text(secret, "name"), key_of(account).namespace)
                story.b.link(node, ref, "uses", say("overview.way.imagePullSecrets"), optional=True)


def _binding(story: _Story, node: str, binding: Object) -> None:
    """roleRef, and every subject."""
    kind, home, name = role_key(binding)
    if name:
        missing_is_normal = kind == "ClusterRole"  # it is no part of a namespace's recording
        story.b.link(node, Ref(kind, name, home), "role", say("access.edge.role"), optional=missing_is_normal)
    for entry in listed(binding, "subjects"):
        who = Ref(text(entry, "kind"), text(entry, "name"))
        if who.kind == "ServiceAccount":
            home = text(entry, "namespace") or key_of(binding).namespace
            source, level = story.b.place(Ref(who.kind, who.name, home))
        else:
            source, level = story.b.node(who.kind, who.name, f"{who.kind}//{who.name}"), ""
        story.b.edge(source, node, "bound", say("access.edge.bound"), level)


_RELATIONS: Final[dict[str, Callable[[_Story, str, Object], None]]] = {
    "Service": _service,
    "EndpointSlice": _slice,
    "Ingress": _ingress,
    "HorizontalPodAutoscaler": _autoscaler,
    "PodDisruptionBudget": _budget,
    "NetworkPolicy": _policy,
    "ServiceAccount": _account,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
}

# -- what cards say --------------------------------------------------------------------------------------

_Words = tuple[Sequence[str], str, Level]
_STORAGE: Final = {**CARDS, "StorageClass": class_card}
_SIZES: Final = {
    "Deployment": ("replicas", "readyReplicas"),
    "ReplicaSet": ("replicas", "readyReplicas"),
    "StatefulSet": ("replicas", "readyReplicas"),
    "ReplicationController": ("replicas", "readyReplicas"),
    "DaemonSet": ("desiredNumberScheduled", "numberReady"),
}


def _pod(pod: Object) -> _Words:
    """Reads status and spec.nodeName."""
    it = Pod(pod)
    return [say("diagrams.storage.on", node=it.node)] if it.node else [], it.status, pod_level(it.status)


def _node(node: Object) -> _Words:
    """The Ready condition."""
    return (), *node_state(node)


def _workload(obj: Object) -> _Words:
    """How many Pods are asked for, and how many are ready."""
    kind = text(obj, "kind")
    facts = [say("overview.fact.claims", names=", ".join(claim_templates(obj)))] if claim_templates(obj) else []
    if mapped(obj, "status") is None:
        if kind != "DaemonSet":
            facts.append(say("overview.fact.replicas", count=replicas_of(obj)))
        return facts, "", ""
    wanted = integer(obj, "status", _SIZES[kind][0]) or 0 if kind == "DaemonSet" else replicas_of(obj)
    ready = integer(obj, "status", _SIZES[kind][1]) or 0
    if kind == "Deployment" and deployment_state(obj)[1] == "bad":
        return facts, *deployment_state(obj)
    level: Level = "wait" if ready != wanted else "ok" if wanted else "off"
    return facts, say("overview.state.ready", ready=ready, wanted=wanted), level


def _job(job: Object) -> _Words:
    """The conditions Complete and Failed."""
    for condition in listed(job, "status", "conditions"):
        if text(condition, "status") == "True" and text(condition, "type") in ("Complete", "Failed"):
            return (), text(condition, "type"), "off" if text(condition, "type") == "Complete" else "bad"
    active = integer(job, "status", "active")
    return (), say("overview.state.active", count=active) if active else "", "wait" if active else ""


def _cron(cron: Object) -> _Words:
    """spec.schedule and spec.suspend."""
    suspended = bool(flag(cron, "spec", "suspend"))
    facts = [text(cron, "spec", "schedule")]
    return facts, say("overview.state.suspended") if suspended else "", "off" if suspended else ""


def _service_words(service: Object) -> _Words:
    """spec.type, spec.selector and spec.clusterIP."""
    facts = service_facts(service) if service_selector(service) else []
    kind = Service(service).type
    return [*([kind] if kind != "ClusterIP" else []), *facts], "", ""


def _slice_words(endpoint_slice: Object) -> _Words:
    """How many endpoints are ready."""
    endpoints = endpoints_of(endpoint_slice)
    ready = sum(e.ready for e in endpoints)
    state = say("overview.state.ready", ready=ready, wanted=len(endpoints))
    return (), state, "ok" if ready and ready == len(endpoints) else "wait"


def _ingress_words(ingress: Object) -> _Words:
    """The hosts."""
    hosts = [text(rule, "host") for rule in listed(ingress, "spec", "rules") if text(rule, "host")]
    return hosts[:3], "", ""


def _holder(obj: Object) -> _Words:
    """How many keys it holds, never what is in them."""
    keys = {*mapping(obj, "data"), *mapping(obj, "binaryData"), *mapping(obj, "stringData")}
    return [say("diagrams.storage.keys", count=len(keys))], "", ""


def _role(role: Object) -> _Words:
    """What its rules are about."""
    names = dict.fromkeys(name for rule in listed(role, "rules") for name in strings(rule, "resources"))
    return [", ".join(names)] if names else [], "", ""


def _anything(obj: Object) -> _Words:
    """An object of a kind that nobody knows: its condition Ready or Available, or its phase."""
    for condition in listed(obj, "status", "conditions"):
        kind, status = text(condition, "type"), text(condition, "status")
        if kind in ("Ready", "Available", "Established") and status in ("True", "False"):
            no = text(condition, "reason") or say("overview.state.not", condition=kind)
            return (), kind if status == "True" else no, "ok" if status == "True" else "bad"
    phase = text(obj, "status", "phase")
    return (), phase, pod_level(phase) if phase in ("Running", "Pending", "Terminating", "Failed") else ""


_WORDS: Final[dict[str, Callable[[Object], _Words]]] = {
    **dict.fromkeys(_SIZES, _workload),
    "Pod": _pod,
    "Node": _node,
    "Job": _job,
    "CronJob": _cron,
    "Service": _service_words,
    "EndpointSlice": _slice_words,
    "Ingress": _ingress_words,
    "ConfigMap": _holder,
    "Secret": _holder,
    "Role": _role,
    "ClusterRole": _role,
}

# -- few enough to be read -------------------------------------------------------------------------------


_Names = Callable[[Node], str]


def _readable(diagram: Diagram, short: _Names) -> Diagram:
    """The first of these that has few enough cards: all things; what is alike once; kinds; namespaces."""
    drawn = sum_up(diagram, _MOST_ALONE)
    if len(drawn.nodes) <= LIMIT:
        return drawn
    kinds = _by_kind(diagram, short)
    if len(kinds.nodes) <= _MOST_KINDS:
        return _with_way_in(kinds)
    return _with_way_in(_by_namespace(diagram, short))


def _with_way_in(diagram: Diagram) -> Diagram:
    return diagram._replace(notes=(*diagram.notes, say("overview.note.way-in")))


def _by_kind(diagram: Diagram, short: _Names) -> Diagram:
    """A card for all things of a kind in a namespace that are equally well."""
    words = {level: say(f"overview.level.{level or 'plain'}") for level in _RANKS}
    nodes = (n._replace(alike=n.kind, state=words[n.level], name=short(n)) for n in diagram.nodes)
    return sum_up(diagram._replace(nodes=tuple(nodes)), 0, _examples)


def _examples(names: Sequence[str]) -> str:
    """The first two different names, with a mark for the rest."""
    first = list(dict.fromkeys(names[:40]))[:2]
    return ", ".join(first) + (" …" if len(set(names)) > 2 else "")


def _by_namespace(diagram: Diagram, short: _Names) -> Diagram:
    """What the cluster is made of, kind by kind, and a card for each namespace."""
    bare = diagram._replace(nodes=tuple(n._replace(group="") for n in diagram.nodes), groups=())
    whole = _by_kind(bare, short)
    inside: dict[str, list[Node]] = {}
    for node in diagram.nodes:
        if node.group:
            inside.setdefault(node.group, []).append(node)
    cards = [_namespace_card(group, inside.get(group.id, [])) for group in diagram.groups]
    cards.sort(key=lambda card: (_RANKS.index(card.level), -sum(1 for _ in inside.get(card.id, ()))))
    shown = cards[:_MOST_NAMESPACES]
    rest = [node for card in cards[_MOST_NAMESPACES:] for node in inside.get(card.id, ())]
    if len(cards) > len(shown):
        name = say("overview.namespaces.more")
        shown.append(
            _namespace_card(Group("more-namespaces", "Namespace", name), rest)._replace(
                ref=None, count=len(cards) - _MOST_NAMESPACES
            )
        )
    frame = Group("namespaces", "", say("overview.namespaces.title", count=len(cards)))
    return whole._replace(nodes=(*whole.nodes, *(card._replace(group=frame.id) for card in shown)), groups=(frame,))


def _namespace_card(group: Group, nodes: Sequence[Node]) -> Node:
    """A namespace in a few lines: how many of what, and how many are not well."""
    kinds = Counter(node.kind for node in nodes)
    facts = [f"{kind} × {count}" for kind, count in kinds.most_common(4)]
    others = sum(kinds.values()) - sum(count for _, count in kinds.most_common(4))
    facts += [say("overview.namespaces.others", count=others)] if others else []
    worst = _worst(node.level for node in nodes)
    many = sum(node.level == worst for node in nodes)
    state = say(f"overview.namespaces.{worst}", count=many) if worst in ("bad", "ending", "wait") else ""
    return Node(group.id, group.kind, group.name, tuple(facts), state, worst if state else "", ref=group.ref)


def _worst(levels: Iterable[Level]) -> Level:
    found = set(levels)
    return next((level for level in _RANKS if level in found), "")
