"""Why a controller's Pods are not all there: Deployments, ReplicaSets, StatefulSets."""

from __future__ import annotations

from k8sviz.why.workloads.replicas import REPLICA_SET
from k8sviz.why.workloads.rollout import DEPLOYMENT
from k8sviz.why.workloads.stateful import STATEFUL_SET

__all__ = ["DEPLOYMENT", "REPLICA_SET", "STATEFUL_SET"]
