"""A Snapshot is the fold of the events up to its time, whatever order they came in, and its lookups lose nothing."""

import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.errors import K8svizError
from k8sviz.history import About, Event, History, Key, Result, Step, key_of, ref_of
from k8sviz.kinds import KINDS, Ref

NAMED = {"Pod": "v1", "PersistentVolumeClaim": "v1", "PersistentVolume": "v1", "StatefulSet": "apps/v1"}
LABELS = st.dictionaries(st.sampled_from(["app", "tier", "disk"]), st.sampled_from(["a", "b", "ssd"]), max_size=3)
TIMES = st.sampled_from([0.0, 0.5, 1.0, 1.001, 2.0, 7.25])


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(NAMED)))
    name = draw(st.sampled_from(["a", "b", "c-0", "卷"]))
    meta: dict[str, Any] = {"name": name, "labels": draw(LABELS)}
    if kind != "PersistentVolume":
        meta["namespace"] = draw(st.sampled_from(["demo", "other"]))
    life = draw(st.integers(0, 2))  # a deleted object's name may come again, with another uid
    meta["uid"] = f"{kind}.{meta.get('namespace', '')}.{name}.{life}"
    if draw(st.booleans()):
        owner = f"StatefulSet.demo.{draw(st.sampled_from(['a', 'b']))}.{draw(st.integers(0, 2))}"
        meta["ownerReferences"] = [{"kind": "StatefulSet", "name": "x", "uid": owner, "controller": True}]
    return {"apiVersion": NAMED[kind], "kind": kind, "metadata": meta, "spec": {"n": draw(st.integers(0, 99))}}


CHANGES = st.tuples(TIMES, st.sampled_from(["ADDED", "MODIFIED", "DELETED"]), objects())
STREAMS = st.lists(CHANGES, max_size=40)


def history_of(stream: list[tuple[float, Any, dict[str, Any]]]) -> History:
    history = History(About(namespace="demo"))
    for t, change, obj in stream:
        history.append(t, change, obj)
    return history


def naive(stream: list[tuple[float, Any, dict[str, Any]]], t: float) -> dict[Key, dict[str, Any]]:
    """RECORDING-FORMAT's words as code: sort by (t, line number), fold by key, DELETED removes."""
    state: dict[Key, dict[str, Any]] = {}
    for when, _, change, obj in sorted(((t, i, c, o) for i, (t, c, o) in enumerate(stream)), key=lambda row: row[:2]):
        if when > t:
            break
        if change == "DELETED":
            state.pop(key_of(obj), None)
        else:
            state[key_of(obj)] = obj
    return {key: state[key] for key in sorted(state)}


@given(STREAMS, st.one_of(TIMES, st.floats(-1, 9), st.just(math.inf)))
def test_the_fold_equals_a_naive_fold_at_any_time_and_for_any_order(stream: Any, t: float) -> None:
    snapshot = history_of(stream).at(t)
    expected = naive(stream, t)
    assert snapshot.objects() == list(expected.values())
    assert len(snapshot) == len(expected)
    assert list(snapshot) == snapshot.objects()


@given(STREAMS, STREAMS, TIMES)
def test_a_snapshot_stays_as_it_is_when_events_come_later(before: Any, later: Any, t: float) -> None:
    """Also when the later events speak of an earlier time: a watch thread was late."""
    history = history_of(before)
    snapshot, newest = history.at(t), history.at()
    for when, change, obj in later:
        history.append(when, change, obj)
    assert snapshot.objects() == list(naive(before, t).values())
    assert newest.objects() == list(naive(before, math.inf).values())
    assert history.at(t).objects() == list(naive(before + later, t).values())
    for obj in naive(before, t).values():
        assert snapshot.find(ref_of(obj)) == obj
        assert snapshot.get(obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace")) == obj


@given(STREAMS, TIMES)
def test_lookups_by_kind_take_every_name_that_kubectl_takes(stream: Any, t: float) -> None:
    snapshot, state = history_of(stream).at(t), naive(stream, t)
    for kind in NAMED:
        expected = [o for o in state.values() if o["kind"] == kind]
        for word in (kind, kind.lower(), kind.upper(), KINDS[kind].plural, KINDS[kind].short):
            assert snapshot.objects(word) == expected, f"objects({word!r})"
            for obj in expected:
                meta = obj["metadata"]
                assert snapshot.get(word, meta["name"], meta.get("namespace", "")) == obj, f"get({word!r})"


@given(STREAMS, TIMES)
def test_lookups_by_name_uid_owner_and_namespace_equal_naive_ones(stream: Any, t: float) -> None:
    history = history_of(stream)
    snapshot, state = history.at(t), naive(stream, t)
    for obj in state.values():
        assert snapshot.require(ref_of(obj)) == obj
    for _, _, obj in stream:
        uid = obj["metadata"]["uid"]
        there = [o for o in state.values() if o["metadata"]["uid"] == uid]
        assert snapshot.by_uid(uid) == (there[0] if there else None), f"by_uid({uid!r})"
        wanted = [o["uid"] for o in obj["metadata"].get("ownerReferences", [])]
        owners = [o for o in state.values() if o["metadata"]["uid"] in wanted]
        assert snapshot.owner(obj) == (owners[0] if owners else None)
        children = [o for o in state.values() if uid in [r["uid"] for r in o["metadata"].get("ownerReferences", [])]]
        assert snapshot.owned(obj) == children
        assert snapshot.owned(obj, "pod") == [o for o in children if o["kind"] == "Pod"]
    for namespace in ("demo", "other", "nowhere"):
        assert snapshot.objects(namespace=namespace) == [
            o for o in state.values() if o["metadata"].get("namespace", namespace) == namespace
        ], "cluster-scoped objects stay, those of other namespaces do not"


SELECTORS = {
    "app=a": lambda labels: labels.get("app") == "a",
    "app==a,tier=b": lambda labels: labels.get("app") == "a" and labels.get("tier") == "b",
    "disk!=ssd": lambda labels: labels.get("disk") != "ssd",
    "app in (a,b)": lambda labels: labels.get("app") in ("a", "b"),
    "app notin (a)": lambda labels: labels.get("app") != "a",
    "disk": lambda labels: "disk" in labels,
    "!disk": lambda labels: "disk" not in labels,
    "": lambda labels: True,
}


@given(STREAMS, TIMES)
def test_selectors_choose_what_their_words_say(stream: Any, t: float) -> None:
    snapshot, state = history_of(stream).at(t), naive(stream, t)
    for selector, means in SELECTORS.items():
        expected = [o for o in state.values() if o["kind"] == "Pod" and means(o["metadata"]["labels"])]
        assert snapshot.objects("po", selector=selector) == expected, selector
    expected = [o for o in state.values() if o["metadata"]["labels"].get("app") == "a"]
    assert snapshot.objects(selector={"matchLabels": {"app": "a"}}) == expected


@given(STREAMS, TIMES, TIMES)
def test_events_between_and_versions_come_in_the_order_of_the_fold(stream: Any, after: float, until: float) -> None:
    history = history_of(stream)
    ordered = [
        Event(t, c, o)
        for t, _, c, o in sorted(((t, i, c, o) for i, (t, c, o) in enumerate(stream)), key=lambda row: row[:2])
    ]
    assert list(history) == ordered
    assert len(history) == len(stream)
    assert history.between(after, until) == [e for e in ordered if after < e.t <= until]
    assert history.times() == sorted({t for t, _, _ in stream})
    for kind in NAMED:
        of_kind = [e for e in ordered if e.object["kind"] == kind]
        assert history.times([kind]) == history.times([KINDS[kind].short]) == sorted({e.t for e in of_kind})
        assert history.refs(kind) == sorted({ref_of(e.object) for e in of_kind})
        for name in {e.object["metadata"]["name"] for e in of_kind}:
            mine = [e for e in of_kind if e.object["metadata"]["name"] == name]
            assert history.versions(kind, name) == mine
            assert history.versions(kind, name, "demo") == [
                e for e in mine if e.object["metadata"].get("namespace") == "demo"
            ]
    assert history.end == max((t for t, _, _ in stream), default=0.0)


# -- steps and times -----------------------------------------------------------------------------


def pod(name: str = "a", **meta: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "demo", **meta}}


@pytest.fixture
def lab() -> History:
    history = History(About(name="a-lab", namespace="demo"))
    history.append(0.0, "ADDED", pod("a", uid="1"))
    history.begin_step(Step(1.0, "apply-pv", "kubectl apply -f pv.yaml"))
    history.end_step("apply-pv", Result(1.2, 0, "created\n"))
    history.append(2.5, "DELETED", pod("a", uid="1"))
    history.begin_step(Step(4.0, "list-all", "kubectl get all"))
    history.append(4.0, "ADDED", pod("b"))
    history.end_step("list-all", Result(4.5, 1, "", "error\n"))
    history.append(9.0, "ADDED", pod("c"))
    return history


def test_a_step_is_settled_just_before_the_next_one_begins(lab: History) -> None:
    settled = lab.settled("apply-pv")
    assert 3.999 < settled < 4.0
    assert lab.at(settled).get("Pod", "b") is None, "what came with the next step is not this step's consequence"
    assert lab.settled("list-all") == lab.end == 9.0
    assert lab.step("apply-pv").result == Result(1.2, 0, "created\n")
    assert lab.step("list-all").result == Result(4.5, 1, "", "error\n")


def test_a_moment_is_a_step_or_seconds_or_the_end(lab: History) -> None:
    assert lab.time(None) == 9.0
    assert lab.time("apply-pv") == lab.settled("apply-pv")
    assert lab.time("2.5") == lab.time("2.5s") == lab.time(2.5) == 2.5


def test_a_step_that_is_named_like_a_number_is_the_step() -> None:
    history = History()
    history.begin_step(Step(3.0, "7", "true"))
    history.append(8.0, "ADDED", pod())
    assert history.time("7") == 8.0


@pytest.mark.parametrize("call", ["step", "settled", "time"])
def test_an_unknown_step_names_the_nearest(lab: History, call: str) -> None:
    with pytest.raises(K8svizError, match="no step 'aply-pv' in a-lab; did you mean apply-pv"):
        getattr(lab, call)("aply-pv")
    with pytest.raises(K8svizError, match="known: apply-pv, list-all"):
        getattr(lab, call)("zzz")


def test_a_time_that_is_no_number_is_refused(lab: History) -> None:
    with pytest.raises(K8svizError, match="seconds or a step"):
        lab.time("nan")
    for t in (math.nan, math.inf):
        with pytest.raises(K8svizError, match="without a time"):
            lab.append(t, "ADDED", pod("z"))
    assert len(lab) == 4, "a refused event leaves nothing behind"


def test_the_step_that_a_time_belongs_to(lab: History) -> None:
    assert lab.step_at(0.99) is None
    assert [lab.step_at(t).id for t in (1.0, 3.9, 4.0, 99)] == ["apply-pv", "apply-pv", "list-all", "list-all"]


def test_steps_are_in_the_order_of_their_times_even_if_a_thread_was_late() -> None:
    history = History()
    for t, name in ((2.0, "second"), (1.0, "first"), (2.0, "third")):
        history.begin_step(Step(t, name, "true"))
    assert [s.id for s in history.steps] == ["first", "second", "third"]


def test_a_result_belongs_to_the_newest_step_of_its_id() -> None:
    history = History()
    for t in (1.0, 2.0):
        history.begin_step(Step(t, "again", "true"))
    history.end_step("again", Result(2.5, 3))
    assert [s.result for s in history.steps] == [None, Result(2.5, 3)]
    with pytest.raises(K8svizError, match="'never', which never began"):
        history.end_step("never", Result(3.0, 0))


# -- misses --------------------------------------------------------------------------------------


def test_a_miss_says_when_it_was_there_or_names_the_nearest(lab: History) -> None:
    with pytest.raises(K8svizError, match=r"^pod/a is not there at 3.0 s; it was from 0.0 s to 2.5 s$"):
        lab.at(3.0).require(Ref("Pod", "a", "demo"))
    with pytest.raises(K8svizError, match=r"^pod/a is not there now; it was from 0.0 s to 2.5 s$"):
        lab.at().require(Ref("Pod", "a", "demo"))
    with pytest.raises(K8svizError, match=r"^no pvc/bb here; there are none$"):
        lab.at().require(Ref("PersistentVolumeClaim", "bb", "demo"))
    with pytest.raises(K8svizError, match=r"^no pod/d here; known: a, b, c$"):
        lab.at().require(Ref("Pod", "d", "demo"))
    with pytest.raises(K8svizError, match="unknown kind 'pdo'; did you mean po"):
        lab.at().objects("pdo")


def test_an_old_uid_does_not_find_the_new_object_of_the_same_name() -> None:
    history = History()
    history.append(0, "ADDED", pod(uid="old"))
    history.append(1, "DELETED", pod(uid="old"))
    history.append(2, "ADDED", pod(uid="new"))
    assert history.at(0.5).by_uid("old")["metadata"]["uid"] == "old"
    assert history.at(2).by_uid("old") is None
    assert history.at(2).by_uid("new") is not None
    assert history.at(0.5).by_uid("new") is None


def test_get_prefers_the_historys_own_namespace() -> None:
    history = History(About(namespace="demo"))
    elsewhere = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "another"}}
    history.append(0, "ADDED", elsewhere)
    assert history.at().get("Pod", "a") == elsewhere
    history.append(1, "ADDED", pod())
    assert history.at().get("Pod", "a") == pod()
    assert history.at().get("Pod", "a", "another") == elsewhere


def test_an_object_of_a_kind_that_nobody_knows_is_kept_and_found() -> None:
    thing = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "demo"}}
    snapshot = History.of([thing]).at()
    assert snapshot.objects("Widget") == [thing]
    assert snapshot.get("Widget", "w") == thing


@pytest.mark.parametrize(
    "meta",
    [
        None,
        7,
        [],
        {"ownerReferences": 5},
        {"ownerReferences": "abc"},
        {"ownerReferences": [None, {"uid": 3}]},
        {"labels": "no"},
        {"name": {}},
    ],
)
def test_lookups_survive_objects_of_the_wrong_shape(meta: Any) -> None:
    thing = {"apiVersion": "v1", "kind": "Pod", "metadata": meta}
    snapshot = History.of([thing, {"kind": "Event", "involvedObject": 3, "series": 4}]).at()
    assert thing in snapshot.objects("Pod", selector="")
    assert snapshot.objects("Pod", selector="app=a") == []
    assert snapshot.owner(thing) is None
    assert snapshot.owned(thing) == []
    assert snapshot.events(thing) == []


# -- Events --------------------------------------------------------------------------------------


def about(name: str, uid: str | None, field: str = "involvedObject", **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "demo"},
        field: {"kind": "Pod", "namespace": "demo", "name": "a", "uid": uid},
        **more,
    }


def test_events_about_an_object_come_newest_first_whichever_field_tells_their_time() -> None:
    events = [
        about("e1", "new", lastTimestamp="2026-01-01T00:00:05Z"),
        about("e2", "new", eventTime="2026-01-01T00:00:05.250000Z", lastTimestamp=None),
        about("e3", "new", "regarding", series={"lastObservedTime": "2026-01-01T00:00:09.1Z"}),
        about("e4", "old", lastTimestamp="2026-01-01T00:00:30Z"),
        about("e5", "old", "regarding", lastTimestamp="2026-01-01T00:00:31Z"),
        about("e6", None, firstTimestamp="2026-01-01T00:00:01Z"),
    ]
    snapshot = History.of([pod(uid="new"), *events]).at()
    found = [e["metadata"]["name"] for e in snapshot.events(pod(uid="new"))]
    assert found == ["e3", "e2", "e1", "e6"], "those about an earlier Pod of this name are left out"


def test_bytes_without_a_decoder_say_so() -> None:
    history = History()
    history.append_raw(0.0, "ADDED", Key("v1", "Pod", "demo", "a"), "", b"{}")
    with pytest.raises(K8svizError, match="no decoder"):
        history.at().objects()


@given(STREAMS, TIMES, st.one_of(TIMES, st.just(math.inf)))
def test_forgetting_changes_no_answer_about_what_came_later(stream: Any, before: float, t: float) -> None:
    whole, short = history_of(stream), history_of(stream)
    dropped = short.forget(before)
    assert len(short) == len(whole) - dropped
    t = max(t, before)
    assert short.at(t).objects() == whole.at(t).objects()
    assert short.between(before, math.inf) == whole.between(before, math.inf)
    for obj in whole.at(t):
        uid = obj["metadata"]["uid"]
        assert short.at(t).by_uid(uid) == whole.at(t).by_uid(uid)


def test_a_history_that_forgets_does_not_grow() -> None:
    history = History()
    sizes = []
    for i in range(4000):
        meta = {"name": f"p-{i // 4}", "namespace": "demo", "uid": str(i)}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta}
        history.append(float(i), ("ADDED", "MODIFIED", "MODIFIED", "DELETED")[i % 4], pod)  # type: ignore[arg-type]
        if i % 100 == 0:
            history.forget(i - 50.0)
            sizes.append((len(history), len(history._keys), len(history._by_uid), len(history._by_name)))
    assert max(sizes) <= (52, 14, 52, 14)
    assert history.end == 3999.0


def test_reading_while_another_thread_appends_and_forgets() -> None:
    history, stop = History(), threading.Event()
    reading_since = 0.0

    def write() -> None:
        for i in range(20_000):
            meta = {"name": f"p-{i % 50}", "namespace": "demo", "uid": str(i % 50)}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta}
            history.append(i / 1000 - (0.002 if i % 7 == 0 else 0), "DELETED" if i % 11 == 0 else "ADDED", pod)
            if i % 500 == 0:
                history.forget(reading_since - 0.1)  # who keeps `keep` seconds is slower than any reader
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not stop.is_set():
            reading_since = history.end
            now = history.at()
            assert now.objects() == now.objects()
            assert all(now.by_uid(o["metadata"]["uid"]) == o for o in now.objects("Pod"))
            assert len(history.versions("Pod", "p-1")) <= len(history.times()) + 1
            list(history)
    finally:
        writer.join()
