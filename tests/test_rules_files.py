"""The files under a container's mounts are those that the kubelet and the runtime make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.rules.files import container_files, mode_text, volume_files, volume_problems
from k8sviz.rules.objects import Objects

CONFIG = {
    "kind": "ConfigMap",
    "metadata": {"name": "c"},
    "data": {"a.conf": "a", "b.conf": "b"},
    "binaryData": {"bin": "AAEC"},
}
SECRET = {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": "secret"}}
OBJECTS = Objects([CONFIG, SECRET])


def config(**definition):
    return {"name": "v", "configMap": {"name": "c", **definition}}


def projected(*sources, **definition):
    return {"name": "v", "projected": {"sources": list(sources), **definition}}


def pod(*volumes, **spec):
    return {
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"b": "2", "a": '"'}},
        "spec": {"volumes": list(volumes), **spec},
    }


def written(volume, **spec):
    found = volume_files(volume, pod(volume, **spec), OBJECTS)
    return {path: (mode_text(file.mode), file.content) for path, file in found.files.items()}


def codes(volume, **spec):
    return [reason.code for reason in volume_files(volume, pod(volume, **spec), OBJECTS).problems]


def test_all_keys_or_the_items_with_their_modes():
    assert written(config()) == {"a.conf": ("644", b"a"), "b.conf": ("644", b"b"), "bin": ("644", b"\0\1\2")}
    items = [{"key": "a.conf", "path": "sub/./x", "mode": 0o600}, {"key": "bin", "path": "y"}]
    assert written(config(items=items, defaultMode=0o440)) == {"sub/x": ("600", b"a"), "y": ("440", b"\0\1\2")}
    assert written({"name": "v", "secret": {"secretName": "s", "defaultMode": 0}}) == {"key": ("0", b"secret")}


def test_fs_group_adds_read_for_user_and_group():
    spec = {"securityContext": {"fsGroup": 2000}}
    assert written(config(defaultMode=0o400), **spec)["a.conf"][0] == "440"
    assert written(config(defaultMode=0o711), **spec)["a.conf"][0] == "751"


@pytest.mark.parametrize(
    ("spec", "mode"),
    [
        ({}, "644"),
        ({"securityContext": {"fsGroup": 2000}}, "640"),
        ({"securityContext": {"runAsUser": 1000}, "containers": [{}]}, "600"),
        ({"containers": [{"securityContext": {"runAsUser": 1}}, {"securityContext": {"runAsUser": 2}}]}, "644"),
        ({"containers": [{"securityContext": {"runAsUser": 1}}, {}]}, "644"),
    ],
)
def test_the_token_belongs_to_the_pods_one_user(spec, mode):
    token = {"serviceAccountToken": {"path": "token"}}
    assert written(projected(token), **spec) == {"token": (mode, None)}


def test_projected_sources_one_over_the_other():
    downward = {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}
    over = {"secret": {"name": "s", "items": [{"key": "key", "path": "a.conf", "mode": 0o400}]}}
    certificate = {"podCertificate": {"keyPath": "tls.key", "certificateChainPath": "tls.crt"}}
    sources = (
        {"configMap": {"name": "c"}},
        over,
        {"downwardAPI": downward},
        {"clusterTrustBundle": {"path": "ca"}},
        certificate,
    )
    assert written(projected(*sources, defaultMode=0o640)) == {
        "a.conf": ("400", b"secret"),
        "b.conf": ("640", b"b"),
        "bin": ("640", b"\0\1\2"),
        "ca": ("640", None),
        "labels": ("640", b'a="\\""\nb="2"'),
        "tls.crt": ("640", None),
        "tls.key": ("640", None),
    }


def item(path, key="a.conf"):
    return {"key": key, "path": path}


@pytest.mark.parametrize(
    ("volume", "problems"),
    [
        ({"name": "v", "configMap": {"name": "gone"}}, ["config-map-not-found"]),
        ({"name": "v", "secret": {"secretName": "gone"}}, ["secret-not-found"]),
        ({"name": "v", "secret": {"secretName": "gone", "optional": True}}, []),
        (config(items=[item("x", "gone")]), ["key-not-found"]),
        (config(items=[item("x", "gone")], optional=True), []),
        (config(items=[item("/x")]), ["path-not-inside"]),
        (config(items=[item("x/../y")]), ["path-not-inside"]),
        (config(items=[item("..x")]), ["path-not-inside"]),
        (config(items=[item("")]), ["path-not-inside"]),
        (config(items=[item("n" * 256)]), ["path-not-inside"]),
        (config(items=[item("x..")]), []),
        (config(items=[item("x"), item("x/y", "b.conf")]), ["path-is-file-and-folder"]),
        (
            projected({"secret": {"name": "gone"}}, {"configMap": {"name": "gone"}}),
            ["secret-not-found", "config-map-not-found"],
        ),
        (
            {"name": "v", "downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "spec.nodeName"}}]}},
            ["field-not-supported"],
        ),
        (
            {"name": "v", "downwardAPI": {"items": [{"path": "x", "resourceFieldRef": {"resource": "limits.cpu"}}]}},
            ["container-not-found"],
        ),
        ({"name": "v", "emptyDir": {}}, []),
        ({"name": "v"}, []),
    ],
)
def test_problems(volume, problems):
    assert codes(volume) == problems


def test_the_downward_volume():
    items = [
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
        {"path": "one", "fieldRef": {"fieldPath": "metadata.labels['b']"}},
        {"path": "uid", "fieldRef": {"fieldPath": "metadata.uid"}, "mode": 0o600},
        {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu", "divisor": "1m"}},
        {"path": "memory", "resourceFieldRef": {"containerName": "main", "resource": "limits.memory"}},
    ]
    main = {"name": "main", "resources": {"limits": {"cpu": "250m"}}}
    assert written({"name": "v", "downwardAPI": {"items": items}}, containers=[main]) == {
        "cpu": ("644", b"250"),
        "memory": ("644", None),
        "name": ("644", b"web"),
        "one": ("644", b"2"),
        "uid": ("600", None),
    }


def mounted(*mounts, volumes=None, env=()):
    volumes = volumes or [config(items=[item("a.conf"), item("sub/dir/b", "b.conf")])]
    container = {"name": "main", "volumeMounts": list(mounts), "env": list(env)}
    return container_files(pod(*volumes), container, OBJECTS)


def mount(path, name="v", **more):
    return {"name": name, "mountPath": path, **more}


@pytest.mark.parametrize(
    ("sub_path", "paths", "update"),
    [
        ("", ["/m/a.conf", "/m/sub/dir/b"], "live"),
        ("a.conf", ["/m"], "frozen"),
        ("./a.conf", ["/m"], "frozen"),
        ("..data/a.conf", ["/m"], "frozen"),
        ("sub", ["/m/dir/b"], "frozen"),
        ("sub/dir/", ["/m/b"], "frozen"),
        ("gone", [], "frozen"),
    ],
)
def test_sub_paths(sub_path, paths, update):
    found = mounted(mount("/m", subPath=sub_path))
    assert list(found.files) == paths
    assert {file.update for file in found.files.values()} <= {update}
    assert found.mounts[0].is_file is (paths == ["/m"])
    assert not found.problems


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (mount("/m", subPath="/a.conf"), "sub-path-not-inside"),
        (mount("/m", subPath="sub/../a.conf"), "sub-path-not-inside"),
        (mount("/m", subPath="a.conf/x"), "sub-path-below-file"),
        (mount("/m", subPathExpr="$(GONE)"), "sub-path-variable-not-found"),
        (mount("/m", subPathExpr="$(EMPTY)"), "sub-path-variable-not-found"),
        (mount("/m", name="gone"), "volume-not-found"),
    ],
)
def test_mounts_that_cannot_be(entry, code):
    found = mounted(entry, env=[{"name": "EMPTY", "value": ""}])
    assert [reason.code for reason in found.problems] == [code]
    assert not found.files


def test_a_sub_path_expression_is_expanded():
    env = [{"name": "WHICH", "value": "a"}]
    assert list(mounted(mount("/m", subPathExpr="$(WHICH).conf"), env=env).files) == ["/m"]
    unknown = [{"name": "WHICH", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    found = mounted(mount("/m", subPathExpr="$(WHICH)"), env=unknown)
    assert not found.files
    assert found.mounts[0].known is False


EMPTY = {"name": "e", "emptyDir": {}}


def test_an_inner_mount_covers_the_outer_one_whatever_the_order():
    volumes = [config(items=[item("a.conf"), item("sub/b", "b.conf")]), EMPTY]
    for order in (1, -1):
        found = mounted(*[mount("/m"), mount("/m/sub", name="e")][::order], volumes=volumes)
        assert list(found.files) == ["/m/a.conf"]
        assert found.mounts[1].hides == ("/m/sub/b",)


def test_no_mount_point_can_be_made_in_a_read_only_volume():
    volumes = [config(), EMPTY]
    assert [r.code for r in mounted(mount("/m"), mount("/m/new", name="e"), volumes=volumes).problems] == [
        "mount-point-read-only"
    ]
    assert [r.code for r in mounted(mount("/m"), mount("/m/a.conf", name="e"), volumes=volumes).problems] == [
        "mount-point-differs"
    ]
    assert not mounted(mount("/m", name="e"), mount("/m/new"), volumes=volumes).problems
    found = mounted(mount("/m"), mount("/m/a.conf", subPath="b.conf"), volumes=volumes)
    assert (found.files["/m/a.conf"].content, found.files["/m/a.conf"].update) == (b"b", "frozen")


def test_paths_are_absolute_and_clean():
    assert list(mounted(mount("m//x/", subPath="sub/dir")).files) == ["/m/x/b"]
    assert list(mounted(mount("/")).files) == ["/a.conf", "/sub/dir/b"]


def test_only_volumes_in_use_are_set_up():
    volume = {"name": "v", "configMap": {"name": "gone"}}
    used = {"name": "main", "volumeMounts": [mount("/m")]}
    assert volume_problems(pod(volume, containers=[{"name": "main"}]), OBJECTS) == ()
    assert len(volume_problems(pod(volume, containers=[used]), OBJECTS)) == 1
    assert len(volume_problems(pod(volume, initContainers=[used]), OBJECTS)) == 1


def test_where_a_file_comes_from():
    file = mounted(mount("/m")).files["/m/sub/dir/b"]
    assert (file.source.kind, file.source.name, file.source.key, file.volume) == ("ConfigMap", "c", "b.conf", "v")
    assert file.read_only
    assert mounted(mount("/m", name="h"), volumes=[{"name": "h", "hostPath": {"path": "/x"}}]).mounts[0].known is False


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)


@given(st.dictionaries(PATHS, st.sampled_from(["a.conf", "b.conf"]), min_size=1), PATHS)
def test_a_sub_path_shows_what_the_whole_mount_shows_there(items, sub_path):
    volume = config(items=[item(path, key) for path, key in items.items()])
    if volume_files(volume, pod(volume), OBJECTS).problems:
        return
    whole = mounted(mount("/m"), volumes=[volume]).files
    part = mounted(mount(f"/m/{sub_path}", subPath=sub_path), volumes=[volume])
    there = {path: file.content for path, file in whole.items() if f"{path}/".startswith(f"/m/{sub_path}/")}
    assert {path: file.content for path, file in part.files.items()} == there
