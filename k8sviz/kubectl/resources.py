"""What can be asked for: resources by all their names, as `kubectl api-resources` of v1.36 lists them."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from k8sviz.kinds import KINDS

__all__ = ["ALL", "Resource", "named", "of_kind", "resources"]

# plural | short names | group/version | namespaced | kind; in the order of their groups
_TABLE: Final = """
bindings||v1|true|Binding
componentstatuses|cs|v1|false|ComponentStatus
configmaps|cm|v1|true|ConfigMap
endpoints|ep|v1|true|Endpoints
events|ev|v1|true|Event
limitranges|limits|v1|true|LimitRange
namespaces|ns|v1|false|Namespace
nodes|no|v1|false|Node
persistentvolumeclaims|pvc|v1|true|PersistentVolumeClaim
persistentvolumes|pv|v1|false|PersistentVolume
pods|po|v1|true|Pod
podtemplates||v1|true|PodTemplate
replicationcontrollers|rc|v1|true|ReplicationController
resourcequotas|quota|v1|true|ResourceQuota
secrets||v1|true|Secret
serviceaccounts|sa|v1|true|ServiceAccount
services|svc|v1|true|Service
mutatingadmissionpolicies||admissionregistration.k8s.io/v1|false|MutatingAdmissionPolicy
mutatingadmissionpolicybindings||admissionregistration.k8s.io/v1|false|MutatingAdmissionPolicyBinding
mutatingwebhookconfigurations||admissionregistration.k8s.io/v1|false|MutatingWebhookConfiguration
validatingadmissionpolicies||admissionregistration.k8s.io/v1|false|ValidatingAdmissionPolicy
validatingadmissionpolicybindings||admissionregistration.k8s.io/v1|false|ValidatingAdmissionPolicyBinding
validatingwebhookconfigurations||admissionregistration.k8s.io/v1|false|ValidatingWebhookConfiguration
customresourcedefinitions|crd,crds|apiextensions.k8s.io/v1|false|CustomResourceDefinition
apiservices||apiregistration.k8s.io/v1|false|APIService
controllerrevisions||apps/v1|true|ControllerRevision
daemonsets|ds|apps/v1|true|DaemonSet
deployments|deploy|apps/v1|true|Deployment
replicasets|rs|apps/v1|true|ReplicaSet
statefulsets|sts|apps/v1|true|StatefulSet
selfsubjectreviews||authentication.k8s.io/v1|false|SelfSubjectReview
tokenreviews||authentication.k8s.io/v1|false|TokenReview
localsubjectaccessreviews||authorization.k8s.io/v1|true|LocalSubjectAccessReview
selfsubjectaccessreviews||authorization.k8s.io/v1|false|SelfSubjectAccessReview
selfsubjectrulesreviews||authorization.k8s.io/v1|false|SelfSubjectRulesReview
subjectaccessreviews||authorization.k8s.io/v1|false|SubjectAccessReview
horizontalpodautoscalers|hpa|autoscaling/v2|true|HorizontalPodAutoscaler
cronjobs|cj|batch/v1|true|CronJob
jobs||batch/v1|true|Job
certificatesigningrequests|csr|certificates.k8s.io/v1|false|CertificateSigningRequest
leases||coordination.k8s.io/v1|true|Lease
endpointslices||discovery.k8s.io/v1|true|EndpointSlice
events|ev|events.k8s.io/v1|true|Event
flowschemas||flowcontrol.apiserver.k8s.io/v1|false|FlowSchema
prioritylevelconfigurations||flowcontrol.apiserver.k8s.io/v1|false|PriorityLevelConfiguration
ingressclasses||networking.k8s.io/v1|false|IngressClass
ingresses|ing|networking.k8s.io/v1|true|Ingress
ipaddresses|ip|networking.k8s.io/v1|false|IPAddress
networkpolicies|netpol|networking.k8s.io/v1|true|NetworkPolicy
servicecidrs||networking.k8s.io/v1|false|ServiceCIDR
runtimeclasses||node.k8s.io/v1|false|RuntimeClass
poddisruptionbudgets|pdb|policy/v1|true|PodDisruptionBudget
clusterrolebindings||rbac.authorization.k8s.io/v1|false|ClusterRoleBinding
clusterroles||rbac.authorization.k8s.io/v1|false|ClusterRole
rolebindings||rbac.authorization.k8s.io/v1|true|RoleBinding
roles||rbac.authorization.k8s.io/v1|true|Role
deviceclasses||resource.k8s.io/v1|false|DeviceClass
resourceclaims||resource.k8s.io/v1|true|ResourceClaim
resourceclaimtemplates||resource.k8s.io/v1|true|ResourceClaimTemplate
resourceslices||resource.k8s.io/v1|false|ResourceSlice
priorityclasses|pc|scheduling.k8s.io/v1|false|PriorityClass
csidrivers||storage.k8s.io/v1|false|CSIDriver
csinodes||storage.k8s.io/v1|false|CSINode
csistoragecapacities||storage.k8s.io/v1|true|CSIStorageCapacity
storageclasses|sc|storage.k8s.io/v1|false|StorageClass
volumeattachments||storage.k8s.io/v1|false|VolumeAttachment
volumeattributesclasses|vac|storage.k8s.io/v1|false|VolumeAttributesClass
"""
# the category `all`, in the order in which kubectl prints it
ALL: Final = (
    "Pod",
    "ReplicationController",
    "Service",
    "DaemonSet",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "CronJob",
    "Job",
)


class Resource(NamedTuple):
    """One line of `kubectl api-resources`."""

    plural: str
    short: tuple[str, ...]
    api_version: str
    namespaced: bool
    kind: str

    @property
    def group(self) -> str:
        """The API group; '' for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def full(self) -> str:
        """The resource with its group: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def called(self, name: str) -> str:
        """An object of it as kubectl calls it: `deployment.apps/kubia`."""
        return f"{self.word}/{name}"

    @property
    def word(self) -> str:
        """The kind in small letters, with its group: `deployment.apps`."""
        return f"{self.kind.lower()}.{self.group}" if self.group else self.kind.lower()


@cache
def resources() -> tuple[Resource, ...]:
    """All of them."""
    found = []
    for line in _TABLE.split():
        plural, short, api_version, namespaced, kind = line.split("|")
        found.append(Resource(plural, tuple(filter(None, short.split(","))), api_version, namespaced == "true", kind))
    return tuple(found)


@cache
def _by_word() -> dict[str, Resource]:
    found: dict[str, Resource] = {}
    for one in resources():
        for word in (one.plural, one.kind.lower(), *one.short):
            found.setdefault(word, one)
            found.setdefault(f"{word}.{one.group}" if one.group else word, one)
            version = one.api_version.rpartition("/")[2]
            found.setdefault(f"{word}.{version}.{one.group}", one)
    return found


def named(word: str) -> Resource | None:
    """The resource of a word as people type it (`po`, `Deployment`, `deployments.apps`, `deployments.v1.apps`).

    >>> named("sts").full, named("Deployments.apps").kind, named("frobs")
    ('statefulsets.apps', 'Deployment', None)
    """
    return _by_word().get(word.lower())


@cache
def of_kind(kind: str, api_version: str = "") -> Resource | None:
    """The resource of a kind; with `api_version`, only of that version."""
    for one in resources():
        if one.kind == kind and api_version in ("", one.api_version):
            return one
    if kind in KINDS and not api_version:
        known = KINDS[kind]
        return Resource(known.plural, (), known.api_version, known.namespaced, kind)
    return None
