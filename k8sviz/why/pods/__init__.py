"""Why a Pod waits, fails or goes: the kubelet's and the scheduler's words read against the rules.

A Pod's STATUS is one word for a chain of things (a node, volumes, an image, a container, a probe); the first that does
not work is the cause. Each module explains one link of that chain.
"""

from __future__ import annotations

from k8sviz.why.case import Matcher
from k8sviz.why.pods.above import within_its_controller
from k8sviz.why.pods.claims import names_its_node, waits_on_node
from k8sviz.why.pods.ending import finished, from_manifest, on_lost_node, terminating
from k8sviz.why.pods.mounting import failed_mount
from k8sviz.why.pods.running import running, unready
from k8sviz.why.pods.scheduling import pod_unscheduled
from k8sviz.why.pods.starting import container_ended, initializing, sandbox_failed, starting
from k8sviz.why.pods.waiting import container_waits

__all__ = ["POD"]

_LINKS: tuple[Matcher, ...] = (
    from_manifest,
    terminating,
    finished,
    on_lost_node,
    pod_unscheduled,
    names_its_node,
    waits_on_node,
    failed_mount,
    container_waits,
    sandbox_failed,
    initializing,
    container_ended,
    starting,
    unready,
    running,
)

POD: tuple[Matcher, ...] = (within_its_controller(_LINKS),)
