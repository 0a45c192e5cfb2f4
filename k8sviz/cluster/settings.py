"""What a cluster's administrator has set: the flags of its components, as far as they show."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["DEFAULTS", "RECORDED", "Settings"]


class Settings(NamedTuple):
    """Seconds, unless it says otherwise; the values are Kubernetes' own defaults.

    `toleration_seconds`: how long Pods tolerate a node that is not ready or not reachable
    (--default-not-ready-toleration-seconds and --default-unreachable-toleration-seconds of the API server).
    `node_monitor_grace`: how long a node may be silent (--node-monitor-grace-period of the controller manager).
    `node_status`: how often a kubelet says that it lives. `follow`: how often a kubelet looks again at a Pod.
    `runs_pods`: whether there is a scheduler and a kubelet; without them somebody else says what becomes of Pods.
    `judges`: whether objects are validated; a prediction about what was checked before needs no second look.
    `pod_network` and `service_network`: the first half of the addresses of Pods and Services. `dns`: whether there is
    a DNS server. `busy_node` is one where Pods of the cluster itself run: the last choice among nodes that are equal.
    `api_server` is the API server's own address.
    """

    toleration_seconds: int = 300
    node_monitor_grace: float = 50.0
    node_status: float = 10.0
    follow: float = 70.0
    pod_network: str = "10.244"
    service_network: str = "10.96"
    dns: bool = True
    judges: bool = True
    runs_pods: bool = True
    busy_node: str = ""
    api_server: str = "172.18.0.2"


DEFAULTS: Final = Settings()
"""A cluster as Kubernetes sets it up when nobody says anything."""
RECORDED: Final = Settings(
    toleration_seconds=30, node_monitor_grace=20.0, node_status=5.0, dns=False, busy_node="k8sviz-worker"
)
"""The settings of the cluster that the course's recordings were made on."""
