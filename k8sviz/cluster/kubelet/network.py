"""Who answers when a container asks for an address: its own Pod, another, a Service, or the API server."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from k8sviz.cluster.kubelet.api_server import answer
from k8sviz.cluster.kubelet.disk import oserror
from k8sviz.history import Object
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.selectors import labels_of

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.kubelet import Kubelets
    from k8sviz.cluster.kubelet.worker import Worker

__all__ = ["fetch"]

BAD_ADDRESS: Final = 11001
_DOMAIN: Final = "cluster.local"


def fetch(
    cluster: Cluster, kubelets: Kubelets, worker: Worker | None, host: str, port: int, path: str
) -> tuple[int, str]:
    """Status and body of GET. Raises OSError: a name that nobody knows (BAD_ADDRESS), a port where nobody listens."""
    path, _, header = path.partition("\0")
    if worker is not None and host in ("localhost", "127.0.0.1", worker.ip):
        return _from_pod(cluster, worker, port, path)
    address = host if host.replace(".", "").isdigit() else _resolved(cluster, worker, host)
    service = next((each for each in cluster.api.list("Service") if text(each, "spec", "clusterIP") == address), None)
    kubernetes = cluster.api.find("Service", "kubernetes", "default")
    if address == f"{cluster.settings.service_network}.0.1" or (kubernetes is not None and service is kubernetes):
        return answer(cluster.api, path, header)
    if service is not None:
        return _from_service(kubelets, cluster, service, port, path)
    for other in kubelets.workers.values():
        if other.ip == address and other.network:
            return _from_pod(cluster, other, port, path)
    raise oserror(errno.EHOSTUNREACH, host)


def _from_pod(cluster: Cluster, worker: Worker, port: int, path: str) -> tuple[int, str]:
    found = worker.serve(port, path)
    if found is None:
        raise oserror(errno.ECONNREFUSED, worker.ip)
    proxies = any("proxy" in (each.spec.get("args") or ()) for each in worker.containers)
    if proxies and path.startswith("/api"):  # kubectl proxy asks as the Pod's account
        account = text(worker.pod, "spec", "serviceAccountName") or "default"
        user = f"system:serviceaccount:{text(worker.pod, 'metadata', 'namespace')}:{account}"
        return answer(cluster.api, path, "", user=user)
    return found


def _from_service(kubelets: Kubelets, cluster: Cluster, service: Object, port: int, path: str) -> tuple[int, str]:
    wanted = mapping(service, "spec", "selector")
    target: Any = next(
        (each.get("targetPort", port) for each in listed(service, "spec", "ports") if integer(each, "port") == port),
        None,
    )
    namespace = text(service, "metadata", "namespace")
    ready = [
        worker
        for worker in kubelets.workers.values()
        if wanted
        and text(worker.pod, "metadata", "namespace") == namespace
        and all(labels_of(worker.pod).get(key) == value for key, value in wanted.items())
        and is_ready(kubelets.now(worker.uid) or {})
    ]
    if not ready or target is None:
        raise oserror(errno.ECONNREFUSED, text(service, "spec", "clusterIP"))
    chosen = cluster.clock.random.choice(ready)
    return _from_pod(cluster, chosen, target if isinstance(target, int) else _named(chosen, target), path)


def _named(worker: Worker, name: str) -> int:
    for container in worker.containers:
        for port in listed(container.spec, "ports"):
            if text(port, "name") == name:
                return integer(port, "containerPort") or 0
    return 0


def _resolved(cluster: Cluster, worker: Worker | None, host: str) -> str:
    """The address of a name, as the cluster's DNS gives it, if the cluster has one."""
    own = text(worker.pod, "metadata", "namespace") if worker is not None else "default"
    if worker is not None and host in (worker.hostname, f"{worker.hostname}.{text(worker.pod, 'spec', 'subdomain')}"):
        return worker.ip
    if cluster.settings.dns:
        parts = host.removesuffix(".").removesuffix(f".{_DOMAIN}").removesuffix(".svc").split(".")
        for names, namespace in ((parts, own), (parts[:-1], parts[-1])):
            if len(names) == 1:
                service = cluster.api.find("Service", names[0], namespace)
                if service is not None and text(service, "spec", "clusterIP") != "None":
                    return text(service, "spec", "clusterIP")
            pods = cluster.api.list("Pod", namespace) if names else []
            for pod in pods:
                if len(names) == 2 and names == [text(pod, "spec", "hostname"), text(pod, "spec", "subdomain")]:
                    return text(pod, "status", "podIP")
                if len(names) == 1 and names[0] and _behind(cluster, namespace, names[0], pod) and is_ready(pod):
                    return text(pod, "status", "podIP")
    raise OSError(BAD_ADDRESS, "bad address", host)


def _behind(cluster: Cluster, namespace: str, service: str, pod: Object) -> bool:
    found = cluster.api.find("Service", service, namespace)
    wanted = mapping(found, "spec", "selector")
    return bool(wanted) and all(labels_of(pod).get(key) == value for key, value in wanted.items())
