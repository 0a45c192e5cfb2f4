"""What every namespace has, and what happens when one is deleted.

Kubernetes' pkg/controller/serviceaccount (the account `default`), pkg/controller/certificates/rootcacertpublisher
(kube-root-ca.crt), and pkg/controller/namespace (v1.36).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8sviz.cluster.controllers.kit import Controller, Key, key_of
from k8sviz.cluster.refused import Refused
from k8sviz.kinds import KINDS
from k8sviz.rules.fields import text
from k8sviz.rules.meta import is_terminating

if TYPE_CHECKING:
    from k8sviz.history import Object

__all__ = ["NamespaceController"]

_ROOT_CA = "kube-root-ca.crt"
_LOOK_AGAIN = 1.0
_CERTIFICATE = "-----BEGIN CERTIFICATE-----\n(of the simulated cluster)\n-----END CERTIFICATE-----\n"
_ABOUT = "kubernetes.io/description"
_WHY = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the"
    " internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes"
    " clusters."
)


class NamespaceController(Controller):
    """Looks at a namespace when it, its account or its certificate changed, and empties one that is to go."""

    def _seen(self, change: str, obj: Object) -> None:
        kind = obj["kind"]
        if kind == "Namespace":
            if change != "DELETED":
                self.enqueue(("", key_of(obj)[1]))
        elif (kind, key_of(obj)[1]) in (("ServiceAccount", "default"), ("ConfigMap", _ROOT_CA)) and change == "DELETED":
            self.enqueue(("", key_of(obj)[0]))

    def _sync(self, key: Key) -> None:
        name = key[1]
        namespace = self.api.find("Namespace", name)
        if namespace is None:
            return
        if is_terminating(namespace):
            self._empty(namespace)
            return
        if self.api.find("ServiceAccount", "default", name) is None:
            meta = {"name": "default", "namespace": name}
            self.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        if self.api.find("ConfigMap", _ROOT_CA, name) is None:
            about = {"name": _ROOT_CA, "namespace": name, "annotations": {_ABOUT: _WHY}}
            data = {"ca.crt": _CERTIFICATE}
            self.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data})

    def _empty(self, namespace: Object) -> None:
        """Delete what is in it; it is gone when that is (namespacedResourcesDeleter)."""
        name = text(namespace, "metadata", "name")
        left = [obj for kind in KINDS.values() if kind.namespaced for obj in self.api.list(kind.name, name)]
        for obj in left:
            if not is_terminating(obj):
                try:
                    self.api.delete(obj["kind"], text(obj, "metadata", "name"), name)
                except Refused as refusal:
                    if refusal.reason != "NotFound":
                        raise
        if [obj for kind in KINDS.values() if kind.namespaced for obj in self.api.list(kind.name, name)]:
            self.enqueue(("", name), _LOOK_AGAIN)
            return
        if self.api.find("Namespace", name) is not None:
            self.api.delete("Namespace", name)
