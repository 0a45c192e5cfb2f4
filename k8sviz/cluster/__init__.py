"""The simulated cluster: a small Kubernetes of an API, a clock, a scheduler, kubelets, and controllers asking rules.

Nothing smaller would do for "what if": each predictor with a simulator of its own knew one kind of workload only.
Whatever decides about objects is a rule; what stands here keeps objects, says when things happen, and writes them.
"""

from k8sviz.cluster.api import API
from k8sviz.cluster.chances import Chances, chances_of
from k8sviz.cluster.clock import Clock
from k8sviz.cluster.cluster import Cluster
from k8sviz.cluster.refused import Refused
from k8sviz.cluster.settings import RECORDED, Settings

__all__ = ["API", "RECORDED", "Chances", "Clock", "Cluster", "Refused", "Settings", "chances_of"]
