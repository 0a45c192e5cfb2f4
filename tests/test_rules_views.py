"""Views read any object without failing, and read real ones as kubectl prints them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.rules.growth import growth_of
from k8sviz.rules.views import Claim, Pod, Service, Thing, Volume, Workload, mounts_of

NAMES = ["metadata", "spec", "status", "name", "volumes", "conditions", "ownerReferences", "template", "selector"]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner),
    max_leaves=12,
)


@given(JUNK)
@pytest.mark.parametrize("view", [Thing, Pod, Claim, Volume, Service, Workload])
def test_no_object_makes_a_view_fail(view: type[Thing], junk: Any) -> None:
    thing = view(junk)
    for name in dir(view):
        if not name.startswith("_"):
            getattr(thing, name)
    repr(thing)
    mounts_of(junk)
    growth_of(junk, junk)


def test_the_controller_is_the_owner_wherever_it_stands() -> None:
    owners = [{"kind": "Node", "name": "n"}, {"kind": "ReplicaSet", "name": "web", "controller": True}]
    assert Pod({"metadata": {"ownerReferences": owners}}).owner["name"] == "web"
    assert Pod({"metadata": {"ownerReferences": owners[:1]}}).owner["name"] == "n"


def test_a_template_is_a_pod_in_its_workload_s_namespace() -> None:
    inner = {"metadata": {"labels": {"app": "web"}}, "spec": {"volumes": [{"name": "d", "ephemeral": {}}]}}
    cron = {
        "kind": "CronJob",
        "metadata": {"namespace": "demo"},
        "spec": {"jobTemplate": {"spec": {"template": inner}}},
    }
    pod = Workload(cron).pod
    assert (pod.namespace, pod.labels, pod.claims) == ("demo", {"app": "web"}, [])


def claim(asked: str, usable: str, **status: Any) -> dict[str, Any]:
    spec = {"resources": {"requests": {"storage": asked}}}
    return {"spec": spec, "status": {"phase": "Bound", "capacity": {"storage": usable}, **status}}


def conditions(*kinds: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True"} for kind in kinds]}


@pytest.mark.parametrize(
    ("of", "stage"),
    [
        (claim("1Gi", "1Gi"), ""),
        (claim("1Gi", "5Gi"), ""),  # a larger volume than asked for is no growth
        (claim("2Gi", "1Gi"), "asked"),
        (claim("2Gi", "1Gi", **conditions("Resizing")), "controller"),
        (claim("2Gi", "1Gi", **conditions("Resizing", "FileSystemResizePending")), "node"),
        (claim("2Gi", "1Gi", **conditions("Resizing", "ControllerResizeError")), "controller-failed"),
        (claim("2Gi", "1Gi", **conditions("FileSystemResizePending", "NodeResizeError")), "node-failed"),
        (claim("2Gi", "1Gi", allocatedResourceStatuses={"storage": "NodeResizePending"}), "node"),
        (claim("2Gi", "1Gi", allocatedResourceStatuses={"storage": "ControllerResizeInfeasible"}), "controller-failed"),
    ],
)
def test_how_far_a_volume_has_grown(of: dict[str, Any], stage: str) -> None:
    assert growth_of(of).stage == stage


def test_a_volume_that_has_grown_leaves_its_file_system_to_the_node() -> None:
    told = growth_of(claim("2Gi", "1Gi"), {"spec": {"capacity": {"storage": "2Gi"}}})
    assert (told.stage, str(told.volume), str(told.usable)) == ("node", "2Gi", "1Gi")
