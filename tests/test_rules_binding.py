"""A claim gets the volume that Kubernetes would give it, and every other volume has its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.rules.binding import (
    ACCESS_MODES,
    access_modes,
    claim_class,
    classify,
    default_storage_class,
    find_match,
    find_match_on_node,
    is_bound_to,
    rejections,
    requested_storage,
    volume_class,
    volume_storage,
)

RWO, ROX, RWX, RWOP = ACCESS_MODES


def claim(modes=(RWO,), size="1Gi", **spec):
    whole = {"accessModes": list(modes), "resources": {"requests": {"storage": size}}, **spec}
    return {"metadata": {"name": "data", "namespace": "demo", "uid": "1"}, "spec": whole}


def volume(name="pv", modes=(RWO,), size="1Gi", *, labels=None, status=None, deleted=False, **spec):
    metadata = {"name": name, "labels": labels or {}} | (
        {"deletionTimestamp": "2026-11-23T10:00:00Z"} if deleted else {}
    )
    whole = {"accessModes": list(modes), "capacity": {"storage": size}, **spec}
    return {"metadata": metadata, "spec": whole, "status": {"phase": status} if status else {}}


def codes(*args):
    return [reason.code for reason in rejections(*args)]


OTHER = {"name": "other", "namespace": "demo", "uid": "9"}
MINE = {"name": "data", "namespace": "demo"}


@pytest.mark.parametrize(
    ("wanted", "offered", "reasons"),
    [
        (claim(), volume(), []),
        (claim(size="1Gi"), volume(size="1G"), ["too-small"]),
        (claim(size="1024Mi"), volume(size="1Gi"), []),
        (claim([RWX]), volume(), ["access-mode"]),
        (claim([RWO]), volume(modes=[RWOP]), ["access-mode"]),
        (claim(volumeMode="Block"), volume(), ["volume-mode"]),
        (claim(), volume(volumeMode="Filesystem"), []),
        (claim(storageClassName="fast"), volume(), ["class"]),
        (claim(storageClassName=""), volume(), []),
        (claim(), volume(storageClassName="fast"), ["class"]),
        (claim(volumeAttributesClassName="gold"), volume(), ["volume-attributes-class"]),
        (claim(selector={"matchLabels": {"disk": "ssd"}}), volume(), ["selector"]),
        (claim(selector={"matchLabels": {"disk": "ssd"}}), volume(labels={"disk": "ssd"}), []),
        (claim(selector={}), volume(), []),
        (claim(selector={"matchExpressions": [{"key": "disk", "operator": "Is"}]}), volume(), ["selector"]),
        (claim(), volume(claimRef=OTHER, status="Bound"), ["claimed-by-another"]),
        (claim(), volume(claimRef=OTHER, status="Released"), ["released"]),
        (claim(), volume(claimRef={**MINE, "uid": "0"}), ["released"]),
        (claim(), volume(claimRef={**MINE, "uid": "1"}, storageClassName="fast"), []),
        (claim(), volume(claimRef=MINE, storageClassName="fast"), []),
        (claim(size="2Gi"), volume(claimRef=MINE), ["too-small"]),
        (claim(volumeAttributesClassName="gold"), volume(claimRef=MINE), ["volume-attributes-class"]),
        (claim([RWX]), volume(claimRef=MINE), ["access-mode"]),
        (claim(), volume(deleted=True), ["terminating"]),
        (
            claim([RWX], "9Gi", volumeMode="Block", storageClassName="x"),
            volume(claimRef=OTHER, deleted=True),
            ["claimed-by-another", "too-small", "terminating", "volume-mode", "access-mode", "class"],
        ),
        # by name: the selector is not asked, the class is
        (claim(volumeName="pv", selector={"matchLabels": {"disk": "ssd"}}), volume(), []),
        (claim(volumeName="pv"), volume(storageClassName="fast"), ["class"]),
        (claim(volumeName="pv", size="100m"), volume(size="1m"), []),
        (claim(volumeName="pv"), volume("pv-2"), ["asks-for-another"]),
        (claim(volumeName="pv"), volume(claimRef=OTHER), ["claimed-by-another"]),
        # named by both sides: nothing is asked
        (claim([RWX], "9Gi", volumeName="pv"), volume(claimRef=MINE, deleted=True), []),
    ],
)
def test_every_reason(wanted, offered, reasons):
    assert codes(wanted, offered) == reasons


def test_the_beta_annotation_names_the_class():
    old = {
        "metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}},
        "spec": {"storageClassName": "x"},
    }
    assert claim_class(old) == volume_class(old) == "old"
    assert claim_class({}) is None
    assert claim_class({"spec": {"storageClassName": ""}}) == ""


def chosen(wanted, volumes, **options):
    found = find_match(wanted, volumes, **options)
    return found and found["metadata"]["name"]


def test_fewer_access_modes_come_before_a_smaller_size():
    assert chosen(claim(), [volume("small", [RWO, ROX]), volume("large", [RWO], "9Gi")]) == "large"


def test_a_reserved_volume_with_more_modes_loses_to_one_with_fewer():
    # index.go looks through one set of access modes after the other, and stops at the first that has a match
    reserved = volume("reserved", [RWO, RWX], claimRef=MINE)
    assert chosen(claim(), [reserved, volume("plain")]) == "plain"
    assert chosen(claim(), [reserved, volume("plain", [RWO, ROX])]) == "reserved"


def test_a_waiting_claim_takes_only_what_is_reserved_or_named():
    assert chosen(claim(), [volume()], delay_binding=True) is None
    assert chosen(claim(), [volume(), volume("mine", claimRef=MINE)], delay_binding=True) == "mine"
    assert chosen(claim(volumeName="pv"), [volume()], delay_binding=True) == "pv"


def test_why_the_others_were_not_chosen():
    volumes = [
        volume("first", size="2Gi"),
        volume("same", size="2Gi"),
        volume("larger", size="3Gi"),
        volume("wider", [RWO, ROX]),
        volume("small", size="1Mi"),
    ]
    found = {each.volume["metadata"]["name"]: each for each in classify(claim(), volumes)}
    assert {name: [reason.code for reason in each.reasons] for name, each in found.items()} == {
        "first": [],
        "same": ["not-chosen-tie"],
        "larger": ["not-chosen-size"],
        "wider": ["not-chosen-modes"],
        "small": ["too-small"],
    }
    assert [each.rank for each in found.values()] == [1, 2, 3, 4, None]
    reserved = classify(claim(), [volume(size="1Gi"), volume("mine", size="5Gi", claimRef=MINE)])
    assert [reason.code for reason in reserved[0].reasons] == ["not-chosen-reserved"]


def on_node(name):
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [name]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}


def test_the_scheduler_takes_the_smallest_that_the_node_can_reach():
    node = {"metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}}}
    away = volume("away", nodeAffinity=on_node("n2"))
    volumes = [away, volume("wide", [RWO, RWX], "2Gi"), volume("near", size="3Gi", nodeAffinity=on_node("n1"))]
    assert find_match_on_node(claim(), volumes, node)["metadata"]["name"] == "wide"
    assert find_match_on_node(claim(), volumes, node, excluded={"wide"})["metadata"]["name"] == "near"
    reserved = volume("mine", claimRef=MINE, nodeAffinity=on_node("n2"))
    assert find_match_on_node(claim(), [*volumes, reserved], node) is None


def test_the_newest_default_class_wins():
    def storage_class(name, made, default="true"):
        notes = {"storageclass.kubernetes.io/is-default-class": default}
        return {"metadata": {"name": name, "creationTimestamp": made, "annotations": notes}}

    classes = [storage_class("b", "2026-01-02"), storage_class("a", "2026-01-02"), storage_class("c", "2026-01-01")]
    assert default_storage_class(classes)["metadata"]["name"] == "a"
    assert default_storage_class([storage_class("x", "2026-01-01", "false")]) is None


MODES = st.lists(st.sampled_from(list(ACCESS_MODES)), min_size=1, max_size=3, unique=True)
SIZES = st.integers(1, 5).map("{}Gi".format)
CLASSES = st.sampled_from([{}, {"storageClassName": ""}, {"storageClassName": "fast"}])
CLAIMS = st.builds(lambda modes, size, more: claim(modes, size, **more), MODES, SIZES, CLASSES)
RARELY = st.sampled_from([True, *[False] * 9])
REFERENCES = st.sampled_from([{}, {}, {"claimRef": MINE}, {"claimRef": OTHER}])
VOLUMES = st.lists(
    st.builds(
        lambda modes, size, more, reference, block, deleted: volume(
            modes=modes, size=size, deleted=deleted, **more, **reference, **({"volumeMode": "Block"} if block else {})
        ),
        MODES,
        SIZES,
        CLASSES,
        REFERENCES,
        RARELY,
        RARELY,
    ),
    max_size=8,
)


@given(CLAIMS, VOLUMES)
def test_the_chosen_volume_has_no_rejection_and_is_minimal(wanted, volumes):
    found = find_match(wanted, volumes)
    fitting = [each for each in volumes if not rejections(wanted, each)]
    assert (found is None) == (not fitting)
    if found is not None:
        assert not rejections(wanted, found)
        assert requested_storage(wanted) <= volume_storage(found)
        assert set(wanted["spec"]["accessModes"]) <= set(access_modes(found))
        assert len(access_modes(found)) == min(len(access_modes(each)) for each in fitting)
        peers = [each for each in fitting if len(access_modes(each)) == len(access_modes(found))]
        if not is_bound_to(found, wanted):
            assert volume_storage(found) == min(map(volume_storage, peers))


@given(CLAIMS, VOLUMES)
def test_classify_tells_of_every_volume_and_agrees_with_find_match(wanted, volumes):
    found = classify(wanted, volumes)
    assert [id(each.volume) for each in found] == [id(each) for each in volumes]
    first = [each for each in found if each.rank == 1]
    assert [each.volume for each in first] == [match for match in [find_match(wanted, volumes)] if match is not None]
    assert sorted(each.rank for each in found if each.rank) == list(range(1, sum(1 for each in found if each.rank) + 1))
    assert all(bool(each.reasons) is (each.rank != 1) for each in found)
