"""The stateful story over the labs of chapter 10, its two figures, and the DNS records."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from k8sviz.diagrams.stories.reaching import reaching
from k8sviz.diagrams.stories.sharing import sharing
from k8sviz.diagrams.stories.stateful import orders, stateful, stateful_story
from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.render.layout import layout
from k8sviz.render.text import text
from k8sviz.rules.dns import records
from k8sviz.sources.recording import read
from k8sviz.views.frames import film

DATA = Path(__file__).parent.parent / "data" / "labs"
LABS = sorted(p.name for p in DATA.glob("ch10-*"))
SET = Ref("StatefulSet", "kubia", "demo")


def lab(name: str) -> History:
    return read(DATA / name / "recording.jsonl")


def at(name: str, moment: str | float) -> str:
    history = lab(name)
    return text(stateful_story(history)(history.at(history.time(moment))))


@pytest.mark.parametrize("name", LABS)
def test_a_player_of_each_lab_fits_on_a_page(name: str) -> None:
    history = lab(name)
    shown = film(history, stateful_story(history))
    assert len(shown.frames) > 5
    assert shown.layout.width <= 1300
    assert shown.layout.height <= 1000


def test_ordinals_to_come_and_the_one_that_is_waited_for() -> None:
    words = at("ch10-identity", 24.0)
    assert "StatefulSet kubia · … waits for kubia-2 to be Ready" in words
    assert "Pod kubia-3 · – to come" in words
    assert "PersistentVolumeClaim data-kubia-3 · – to come" in words


def test_claims_are_kept_without_a_pod() -> None:
    words = at("ch10-identity", "scaled-down")
    assert "keeps – → PersistentVolumeClaim data-kubia-3 · – Bound, kept without a Pod" in words
    words = at("ch10-identity", "pvc-left")
    assert "data-kubia-0 · – Bound, kept without a Pod" in words
    assert "StatefulSet kubia" not in words


def test_retention_lets_claims_go_with_their_owner() -> None:
    assert "is deleted with its Pod" in at("ch10-order", 58.0)
    words = at("ch10-order", "claims-gone")
    assert "is deleted with its StatefulSet" in words
    assert "data-kubia-2" not in words


def test_a_partition_keeps_two_revisions() -> None:
    words = at("ch10-order", "after-partition")
    assert "partition 2: lower ordinals keep theirs" in words
    assert "revision 1 → 2" in words
    assert "Pod kubia-2 · ✓ available · version 1.36 · revision 2" in words
    assert "Pod kubia-1 · ✓ available · version 1.37 · revision 1" in words


def test_an_unhealthy_pod_that_is_to_stay_is_named() -> None:
    assert "waits for kubia-0 to be Ready" in at("ch10-unhealthy", "blocked")
    assert "is to go" in at("ch10-unhealthy", "blocked")


def test_dns_follows_readiness() -> None:
    assert "kubia-1.kubia A 10.244.1.88" in at("ch10-peers", "slices")
    words = at("ch10-peers", "slices-after")
    assert "kubia-1.kubia A" not in words
    assert "_http._tcp.kubia SRV kubia-0:8080" in words
    assert "kubia-public A 10.96.201.182" in words


def test_records_of_every_service_name_only_ready_pods() -> None:
    history = lab("ch10-peers")
    for t in history.times(["EndpointSlice"]):
        snapshot = history.at(t)
        ready = {
            a
            for s in snapshot.objects("EndpointSlice", selector="kubernetes.io/service-name=kubia")
            for e in s["endpoints"] or ()
            for a in e["addresses"]
            if e["conditions"]["ready"]
        }
        service = snapshot.get("Service", "kubia", "demo")
        assert service is not None
        assert {r.value for r in records(service, snapshot.objects("EndpointSlice")) if r.type == "A"} == ready


def test_records_of_other_services() -> None:
    outside = {"metadata": {"name": "db"}, "spec": {"type": "ExternalName", "externalName": "db.example.com"}}
    assert [str(r) for r in records(outside, [])] == ["db.default.svc.cluster.local. CNAME db.example.com."]
    waiting = {
        "metadata": {"name": "a", "namespace": "d"},
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": True},
    }
    one = {
        "metadata": {"namespace": "d", "labels": {"kubernetes.io/service-name": "a"}},
        "endpoints": [{"addresses": ["fd00::7"], "conditions": {"ready": False}}],
    }
    assert [(r.type, r.value) for r in records(waiting, [one])] == [("AAAA", "fd00::7")]


def test_the_order_of_starts_and_stops() -> None:
    moves = [str(m) for m in orders(lab("ch10-identity"), SET)]
    assert moves[:6] == ["start 0", "start 1", "stop 0", "start 0", "start 2", "start 3"]
    assert moves[6:9] == ["stop 3", "stop 2", "stop 1"]


def test_one_claim_for_all_and_one_each() -> None:
    template = {"spec": {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "web-data"}}]}}
    web = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web"},
        "spec": {"replicas": 3, "template": template},
    }
    sets = list(yaml.safe_load_all((DATA / "ch10-identity" / "statefulset.yaml").read_text()))
    diagram = sharing(History.of([web, *sets]).at(None))
    claims = [e.target for e in diagram.edges if e.relation == "claim"]
    assert len([c for c in claims if c.endswith("web-data")]) == 3
    assert len({c for c in claims if "data-kubia-" in c}) == 2


def test_three_ways_to_the_pods() -> None:
    history = lab("ch10-peers")
    diagram = reaching(history.at(history.time("slices-after")))
    assert {n.kind for n in diagram.nodes} == {"APIServer", "Service", "DNS", "Pod"}
    assert len([e for e in diagram.edges if e.relation == "proxies"]) == 3
    assert [e.level for e in diagram.edges if e.relation == "reaches"].count("off") == 2
    with pytest.raises(K8svizError, match="no StatefulSet"):
        reaching(History().at(None))


def test_what_is_in_focus_must_be_there() -> None:
    history = lab("ch10-peers")
    diagram = stateful(history.at(history.time("slices")), Ref("Pod", "kubia-1", "demo"))
    assert {n.name for n in diagram.nodes if n.kind == "PersistentVolumeClaim"} == {"data-kubia-1"}
    with pytest.raises(K8svizError, match="kubia"):
        stateful(history.at(0.0), SET)


def test_a_manifest_claims_no_state() -> None:
    sets = list(yaml.safe_load_all((DATA / "ch10-identity" / "statefulset.yaml").read_text()))
    words = text(stateful(History.of(sets).at(None)))
    assert "StatefulSet kubia · replicas: 2" in words
    assert "kubia-1.kubia.default" in words


@pytest.mark.parametrize("name", LABS)
def test_ordinals_stand_in_their_order(name: str) -> None:
    history = lab(name)
    for step in history.steps:
        diagram = stateful(history.at(history.settled(step.id)), history=history)
        boxes = layout(diagram).nodes
        pods = [n for n in diagram.nodes if n.kind == "Pod" and n.name.startswith("kubia-") and n.name[6:].isdigit()]
        down_the_page = [n.name for n in sorted(pods, key=lambda n: boxes[n.id].y)]
        assert down_the_page == sorted(down_the_page), step.id
