"""The controller manager: all controllers of a cluster, each told of the changes.

A controller is a module here and a line in `Manager`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8sviz.cluster.controllers.binder import VolumeBinder
from k8sviz.cluster.controllers.deployment import DeploymentController
from k8sviz.cluster.controllers.disruption import DisruptionController
from k8sviz.cluster.controllers.endpointslices import EndpointSliceController
from k8sviz.cluster.controllers.expansion import VolumeExpansion
from k8sviz.cluster.controllers.garbage import GarbageCollector
from k8sviz.cluster.controllers.namespaces import NamespaceController
from k8sviz.cluster.controllers.nodes import NodeLifecycle, TaintEviction
from k8sviz.cluster.controllers.pods import PodIndex
from k8sviz.cluster.controllers.protection import StorageProtection
from k8sviz.cluster.controllers.provisioner import Provisioner
from k8sviz.cluster.controllers.replicaset import ReplicaSetController, ReplicationControllerController
from k8sviz.cluster.controllers.statefulset import StatefulSetController

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.controllers.kit import Controller
    from k8sviz.history import EventType, Object

__all__ = ["Manager"]


class Manager:
    """Runs the controllers. What is there in the beginning is told to them as if it had just come."""

    def __init__(self, cluster: Cluster) -> None:
        self.pods = PodIndex()
        self.controllers: list[Controller] = [
            NamespaceController(cluster),
            DeploymentController(cluster, self.pods),
            ReplicaSetController(cluster, self.pods),
            ReplicationControllerController(cluster, self.pods),
            StatefulSetController(cluster, self.pods),
            EndpointSliceController(cluster),
            VolumeBinder(cluster, self.pods),
            Provisioner(cluster),
            VolumeExpansion(cluster, self.pods),
            StorageProtection(cluster, self.pods),
            GarbageCollector(cluster),
            NodeLifecycle(cluster),
            TaintEviction(cluster),
            DisruptionController(cluster),
        ]
        for obj in list(cluster.api.all()):
            self._told("ADDED", obj)
        cluster.api.subscribe(self._told)

    def _told(self, change: EventType, obj: Object) -> None:
        self.pods.seen(change, obj)
        if obj["kind"] == "Event":
            return
        for controller in self.controllers:
            controller.seen(change, obj)
