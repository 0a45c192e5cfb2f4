"""Kubernetes' own resources by API group, with their subresources: what a role's rules can be about.

Made from api/openapi-spec/swagger.json of Kubernetes v1.36 (its paths, alpha and beta versions among them), with those
that only authorizers know: what a kubelet serves, and whom somebody may impersonate.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["RESOURCES", "VERBS"]

_PUBLISHED: Final[dict[str, str]] = {
    "": (
        "bindings componentstatuses configmaps endpoints events limitranges namespaces namespaces/finalize "
        "namespaces/status nodes nodes/proxy nodes/status persistentvolumeclaims "
        "persistentvolumeclaims/status persistentvolumes persistentvolumes/status pods pods/attach "
        "pods/binding pods/ephemeralcontainers pods/eviction pods/exec pods/log pods/portforward pods/proxy "
        "pods/resize pods/status podtemplates replicationcontrollers replicationcontrollers/scale "
        "replicationcontrollers/status resourcequotas resourcequotas/status secrets serviceaccounts "
        "serviceaccounts/token services services/proxy services/status"
    ),
    "admissionregistration.k8s.io": (
        "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicies/status validatingadmissionpolicybindings "
        "validatingwebhookconfigurations"
    ),
    "apiextensions.k8s.io": "customresourcedefinitions customresourcedefinitions/status",
    "apiregistration.k8s.io": "apiservices apiservices/status",
    "apps": (
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status "
        "replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status"
    ),
    "authentication.k8s.io": "selfsubjectreviews tokenreviews",
    "authorization.k8s.io": (
        "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews"
    ),
    "autoscaling": "horizontalpodautoscalers horizontalpodautoscalers/status",
    "batch": "cronjobs cronjobs/status jobs jobs/status",
    "certificates.k8s.io": (
        "certificatesigningrequests certificatesigningrequests/approval certificatesigningrequests/status "
        "clustertrustbundles podcertificaterequests podcertificaterequests/status"
    ),
    "coordination.k8s.io": "leasecandidates leases",
    "discovery.k8s.io": "endpointslices",
    "events.k8s.io": "events",
    "flowcontrol.apiserver.k8s.io": (
        "flowschemas flowschemas/status prioritylevelconfigurations prioritylevelconfigurations/status"
    ),
    "internal.apiserver.k8s.io": "storageversions storageversions/status",
    "networking.k8s.io": (
        "ingressclasses ingresses ingresses/status ipaddresses networkpolicies servicecidrs servicecidrs/status"
    ),
    "node.k8s.io": "runtimeclasses",
    "policy": "poddisruptionbudgets poddisruptionbudgets/status",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles rolebindings roles",
    "resource.k8s.io": (
        "deviceclasses devicetaintrules devicetaintrules/status resourceclaims resourceclaims/status "
        "resourceclaimtemplates resourcepoolstatusrequests resourcepoolstatusrequests/status resourceslices"
    ),
    "scheduling.k8s.io": "podgroups podgroups/status priorityclasses workloads",
    "storage.k8s.io": (
        "csidrivers csinodes csistoragecapacities storageclasses volumeattachments volumeattachments/status "
        "volumeattributesclasses"
    ),
    "storagemigration.k8s.io": "storageversionmigrations storageversionmigrations/status",
}
# of authorizers alone: pkg/kubelet/server/auth.go, apiserver/pkg/endpoints/filters/impersonation, registry/certificates
_VIRTUAL: Final[dict[str, str]] = {
    "": (
        "users groups nodes/metrics nodes/stats nodes/log nodes/spec nodes/configz nodes/healthz nodes/pods "
        "nodes/checkpoint"
    ),
    "authentication.k8s.io": "userextras uids users groups serviceaccounts nodes",
    "certificates.k8s.io": "signers",
}

RESOURCES: Final[Mapping[str, frozenset[str]]] = {
    group: frozenset(f"{words} {_VIRTUAL.get(group, '')}".split()) for group, words in _PUBLISHED.items()
}
"""The resources of each of Kubernetes' own API groups, '' being the core one."""

_READ: Final = ("get", "list", "watch")
_WRITE: Final = ("create", "update", "patch", "delete", "deletecollection")
_OTHER: Final = ("use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "proxy")
VERBS: Final = frozenset((*_READ, *_WRITE, *_OTHER))
"""The verbs that Kubernetes itself asks for; constrained impersonation has more, each with a colon in it."""
