"""What a cluster makes for itself: the Service of its API server."""

from __future__ import annotations

from k8sviz.cluster.settings import Settings
from k8sviz.history import Object

__all__ = ["api_server_objects"]


def api_server_objects(settings: Settings) -> list[Object]:
    """The Service `kubernetes` and its EndpointSlice, as the API server keeps them (pkg/controlplane)."""
    address = f"{settings.service_network}.0.1"
    own = {"component": "apiserver", "provider": "kubernetes"}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": own},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [settings.api_server], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
    }
    return [service, endpoints]
