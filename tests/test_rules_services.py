"""What a Service selects and publishes, against the EndpointSlices that a real cluster wrote for the same Pods."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from k8sviz.history import History, Snapshot
from k8sviz.rules.services import Endpoint, belongs_to, endpoint_of, endpoints_of, selects, target_port
from k8sviz.sources import recording
from k8sviz.sources.labs import lab_names, load_lab


def published(snapshot: Snapshot, service: dict[str, Any]) -> dict[str, Endpoint]:
    slices = [s for s in snapshot.objects("EndpointSlice") if belongs_to(s, service)]
    return {e.uid: e for s in slices for e in endpoints_of(s)}


def quiet_moments(history: History) -> Iterator[float]:
    """When no Pod had changed for two seconds: the controller has caught up."""
    times = [*history.times(["Pod"]), history.end + 2]
    yield from (after - 0.001 for before, after in pairwise(times) if after - before > 2)


@pytest.mark.parametrize("lab", lab_names())
def test_the_rule_gives_the_endpoints_that_the_cluster_wrote(lab: str) -> None:
    history = recording.read(load_lab(lab).recording)
    for t in quiet_moments(history):
        snapshot = history.at(t)
        for service in snapshot.objects("Service"):
            if service["spec"].get("selector"):
                pods = [pod for pod in snapshot.objects("Pod") if selects(service, pod)]
                ruled = {e.uid: e for pod in pods if (e := endpoint_of(service, pod)) is not None}
                assert published(snapshot, service) == ruled, (t, service["metadata"]["name"])


def test_a_named_port_is_found_by_name_and_protocol_and_in_sidecars() -> None:
    ports = [{"name": "dns", "containerPort": 53, "protocol": "UDP"}]
    sidecar = {"name": "mesh", "restartPolicy": "Always", "ports": [{"name": "admin", "containerPort": 15000}]}
    pod = {"spec": {"containers": [{"name": "main", "ports": ports}], "initContainers": [sidecar, {"name": "once"}]}}
    assert target_port({"port": 53, "targetPort": "dns", "protocol": "UDP"}, pod) == 53
    assert target_port({"port": 53, "targetPort": "dns"}, pod) is None, "a UDP port answers no TCP Service"
    assert target_port({"port": 1, "targetPort": "admin"}, pod) == 15000


@pytest.mark.parametrize("junk", [None, 3, "x", [], {"spec": 1}, {"spec": {"selector": [1]}}, {"endpoints": [1, {}]}])
def test_nothing_that_a_manifest_may_hold_makes_it_fail(junk: Any) -> None:
    assert selects(junk, junk) is False
    assert endpoint_of(junk, junk) is None
    assert isinstance(endpoints_of(junk), list)
