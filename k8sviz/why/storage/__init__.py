"""Why a claim waits and what a volume is doing, by the rules of the PersistentVolume controller.

A claim's `Pending` has a dozen causes and one Event text for most of them; the cause is found by asking the rules of
binding about every volume there is.
"""

from __future__ import annotations

from k8sviz.why.case import Matcher
from k8sviz.why.storage.choice import class_missing, near_is_released, no_match
from k8sviz.why.storage.claims import about_to_bind, bound, from_manifest, lost, named_volume, terminating
from k8sviz.why.storage.classes import CLASS
from k8sviz.why.storage.growing import growing
from k8sviz.why.storage.holding import ATTACHMENT
from k8sviz.why.storage.provisioning import (
    bypassed,
    default_class,
    provisioning,
    selected_node_gone,
    waits_for_consumer,
)
from k8sviz.why.storage.volumes import VOLUME

__all__ = ["ATTACHMENT", "CLAIM", "CLASS", "VOLUME"]

CLAIM: tuple[Matcher, ...] = (
    from_manifest,
    terminating,
    growing,
    bound,
    lost,
    named_volume,
    about_to_bind,
    bypassed,
    waits_for_consumer,
    selected_node_gone,
    provisioning,
    default_class,
    near_is_released,
    class_missing,
    no_match,
)
