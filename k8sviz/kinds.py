"""Kubernetes' kinds by all the names that kubectl gives them."""

from typing import NamedTuple

from k8sviz.errors import K8svizError, nearest

__all__ = ["KINDS", "Kind", "Ref", "kind_named", "kind_or_none", "may_be_own", "parse_ref"]


class Kind(NamedTuple):
    """One kind as `kubectl api-resources` lists it."""

    name: str
    plural: str
    short: str
    api_version: str
    namespaced: bool = True


def _kinds(*rows: tuple[str, str, str, str, bool]) -> dict[str, Kind]:
    return {row[0]: Kind(*row) for row in rows}


KINDS: dict[str, Kind] = _kinds(
    ("Pod", "pods", "po", "v1", True),
    ("PersistentVolumeClaim", "persistentvolumeclaims", "pvc", "v1", True),
    ("PersistentVolume", "persistentvolumes", "pv", "v1", False),
    ("StorageClass", "storageclasses", "sc", "storage.k8s.io/v1", False),
    ("VolumeAttributesClass", "volumeattributesclasses", "vac", "storage.k8s.io/v1", False),
    ("CSIDriver", "csidrivers", "", "storage.k8s.io/v1", False),
    ("CSINode", "csinodes", "", "storage.k8s.io/v1", False),
    ("VolumeAttachment", "volumeattachments", "", "storage.k8s.io/v1", False),
    ("ConfigMap", "configmaps", "cm", "v1", True),
    ("Secret", "secrets", "", "v1", True),
    ("ServiceAccount", "serviceaccounts", "sa", "v1", True),
    ("Service", "services", "svc", "v1", True),
    ("EndpointSlice", "endpointslices", "", "discovery.k8s.io/v1", True),
    ("Event", "events", "ev", "v1", True),
    ("Node", "nodes", "no", "v1", False),
    ("Namespace", "namespaces", "ns", "v1", False),
    ("ReplicationController", "replicationcontrollers", "rc", "v1", True),
    ("ReplicaSet", "replicasets", "rs", "apps/v1", True),
    ("Deployment", "deployments", "deploy", "apps/v1", True),
    ("StatefulSet", "statefulsets", "sts", "apps/v1", True),
    ("DaemonSet", "daemonsets", "ds", "apps/v1", True),
    ("ControllerRevision", "controllerrevisions", "", "apps/v1", True),
    ("Job", "jobs", "", "batch/v1", True),
    ("CronJob", "cronjobs", "cj", "batch/v1", True),
    ("Role", "roles", "", "rbac.authorization.k8s.io/v1", True),
    ("RoleBinding", "rolebindings", "", "rbac.authorization.k8s.io/v1", True),
    ("ClusterRole", "clusterroles", "", "rbac.authorization.k8s.io/v1", False),
    ("ClusterRoleBinding", "clusterrolebindings", "", "rbac.authorization.k8s.io/v1", False),
    ("ResourceQuota", "resourcequotas", "quota", "v1", True),
    ("LimitRange", "limitranges", "limits", "v1", True),
    ("Ingress", "ingresses", "ing", "networking.k8s.io/v1", True),
    ("IngressClass", "ingressclasses", "", "networking.k8s.io/v1", False),
    ("NetworkPolicy", "networkpolicies", "netpol", "networking.k8s.io/v1", True),
    ("PodDisruptionBudget", "poddisruptionbudgets", "pdb", "policy/v1", True),
    ("HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", "autoscaling/v2", True),
    ("CustomResourceDefinition", "customresourcedefinitions", "crd", "apiextensions.k8s.io/v1", False),
    ("PriorityClass", "priorityclasses", "pc", "scheduling.k8s.io/v1", False),
)

_BY_WORD: dict[str, Kind] = {
    word: kind for kind in KINDS.values() for word in (kind.name.lower(), kind.plural, kind.short) if word
}


def kind_named(word: str) -> Kind:
    """The kind that kubectl means by this word: a kind, a plural or a short name, in any case.

    Raises K8svizError for a word that names no known kind.

    >>> kind_named("pvc").name, kind_named("StatefulSets").name
    ('PersistentVolumeClaim', 'StatefulSet')
    """
    kind = kind_or_none(word)
    if kind is None:
        raise K8svizError(f"unknown kind {word!r}; {nearest(word.lower(), _BY_WORD)}")
    return kind


def kind_or_none(word: str) -> Kind | None:
    """The kind that kubectl means by this word, or None."""
    return _BY_WORD.get(word.lower())


def may_be_own(api_version: str) -> bool:
    """Whether an API group may be one of Kubernetes' own; a custom resource's is somebody's domain.

    >>> may_be_own("v1"), may_be_own("apps/v1"), may_be_own("storage.k8s.io/v1"), may_be_own("serving.knative.dev/v1")
    (True, True, True, False)
    """
    group = api_version.rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


_LONG = 14  # letters; nobody types persistentvolumeclaim, and nobody says po


class Ref(NamedTuple):
    """An object's name as people say it: kind, name, and namespace ('' when cluster-scoped)."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        """As people type it: the kind, or its short name where it is long, a slash, the name.

        >>> str(Ref("Pod", "fortune", "demo"))
        'pod/fortune'
        >>> str(Ref("PersistentVolumeClaim", "data-kubia-0", "demo"))
        'pvc/data-kubia-0'
        """
        kind = KINDS.get(self.kind)
        word = kind.short if kind and len(kind.name) > _LONG and kind.short else self.kind.lower()
        return f"{word}/{self.name}"


def parse_ref(text: str, namespace: str = "") -> Ref:
    """Read KIND/NAME as kubectl does.

    Raises K8svizError when the text is not KIND/NAME or the kind is unknown.

    >>> parse_ref("pod/fortune", "demo")
    Ref(kind='Pod', name='fortune', namespace='demo')
    >>> parse_ref("pv/demo-pv", "demo").namespace
    ''
    """
    word, slash, name = text.partition("/")
    if not slash or not name or not word:
        raise K8svizError(f"{text!r} is not KIND/NAME; write for example pod/fortune or pvc/demo-pvc")
    kind = kind_named(word)
    return Ref(kind.name, name, namespace if kind.namespaced else "")
