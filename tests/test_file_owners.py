"""Files have owners, as the kubelet gives them, and a container's user may read them or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from k8sviz.cli import main
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.observed import received
from k8sviz.predict import predict_files
from k8sviz.rules.file_access import identity_of, readable

REPORTS = Path(__file__).parent / "reports"
JSON = dict[str, Any]


def told(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert main([*command]) == 0
    return capsys.readouterr().out


def test_a_secret_that_only_root_may_read(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(REPORTS / "29-secret-not-readable.yaml")
    (row,) = [line for line in told(capsys, "predict", "files", "-f", file).splitlines() if "tls.key" in line]
    assert "400  root:root" in row
    assert "user 1000 cannot read it" in row
    assert "fsGroup" in row
    owned = json.loads(told(capsys, "predict", "files", "-f", file, "--json", "--owners"))["web"]["web"]["/tls/tls.key"]
    assert owned == {"uid": 0, "gid": 0, "mode": "400", "readable": "no"}
    inspected = told(capsys, "inspect", "pod/web", "-f", file)
    assert "400 root:root ✗ the container's user cannot read it" in inspected
    (one,) = json.loads(told(capsys, "inspect", "pod/web", "-f", file, "--json"))
    assert {(f["uid"], f["gid"], f["readable"]) for f in one["files"]} == {(0, 0, "no")}
    assert "mode 0400 root:root · user 1000 cannot read it" in told(capsys, "draw", "config", "-f", file)


def test_a_sub_path_that_is_not_there_is_an_empty_folder(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(REPORTS / "38-subpath-key-missing.yaml")
    predicted = told(capsys, "predict", "files", "-f", file)
    (row,) = [line for line in predicted.splitlines() if "/etc/app/nginx.conf/" in line]
    assert "an empty folder: there is no nginx.conf in volume conf" in row
    assert "/etc/app/app.conf " in predicted
    assert "/etc/app/nginx.conf is an empty folder" in told(capsys, "inspect", "pod/web", "-f", file)


def owners(pod_context: JSON | None = None, context: JSON | None = None, mode: int | None = None) -> JSON:
    """Owner, group, mode and who may read it, for a Secret's file and the token's."""
    secret = {"secretName": "s"} | ({"defaultMode": mode} if mode is not None else {})
    token = {"sources": [{"serviceAccountToken": {"path": "token"}}]}
    volumes = [{"name": "s", "secret": secret}, {"name": "t", "projected": token}]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in "st"]
    main_ = {"name": "main", "volumeMounts": mounts} | ({"securityContext": context} if context else {})
    spec = {"containers": [main_], "volumes": volumes, "automountServiceAccountToken": False}
    spec |= {"securityContext": pod_context} if pod_context else {}
    objects = [
        {"kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "eA=="}},
        {"kind": "Pod", "metadata": {"name": "p"}, "spec": spec},
    ]
    found = predict_files(objects).owners_json()["p"]["main"]
    return {path[1]: (each["uid"], each["gid"], each["mode"], each["readable"]) for path, each in found.items()}


@pytest.mark.parametrize(
    ("pod", "container", "mode", "secret", "token"),
    [
        # nothing said: root owns all, and the image says who runs
        (None, None, None, (0, 0, "644", "yes"), (0, 0, "644", "yes")),
        (None, None, 0o400, (0, 0, "400", "depends"), (0, 0, "644", "yes")),
        # one user for all containers owns the token, and nothing else
        ({"runAsUser": 1000}, None, 0o400, (0, 0, "400", "no"), (1000, 0, "600", "yes")),
        ({"runAsUser": 1000}, None, 0o644, (0, 0, "644", "yes"), (1000, 0, "600", "yes")),
        # the group may read what fsGroup gives it
        ({"runAsUser": 1000, "fsGroup": 2000}, None, 0o400, (0, 2000, "440", "yes"), (1000, 2000, "640", "yes")),
        ({"fsGroup": 2000}, None, 0o400, (0, 2000, "440", "yes"), (0, 2000, "640", "yes")),
        # the container's own user comes first
        ({"runAsUser": 1000}, {"runAsUser": 0}, 0o400, (0, 0, "400", "yes"), (0, 0, "600", "yes")),
        # a group that is root's by number
        ({"runAsUser": 1000, "runAsGroup": 0}, None, 0o440, (0, 0, "440", "yes"), (1000, 0, "600", "yes")),
        ({"runAsUser": 1000, "runAsGroup": 3000}, None, 0o440, (0, 0, "440", "no"), (1000, 0, "600", "yes")),
        ({"runAsUser": 1000, "supplementalGroups": [0]}, None, 0o440, (0, 0, "440", "yes"), (1000, 0, "600", "yes")),
        # without a group the image says which one it is
        ({"runAsUser": 1000}, None, 0o440, (0, 0, "440", "depends"), (1000, 0, "600", "yes")),
        # somebody else than root, whoever it is
        ({"runAsNonRoot": True}, None, 0o400, (0, 0, "400", "no"), (0, 0, "644", "yes")),
        # a root without its power
        (None, {"runAsUser": 0, "capabilities": {"drop": ["ALL"]}}, 0o040, (0, 0, "40", "no"), (0, 0, "600", "yes")),
    ],
)
def test_owners_and_who_may_read(
    pod: JSON | None, container: JSON | None, mode: int | None, secret: JSON, token: JSON
) -> None:
    found = owners(pod, container, mode)
    assert found["s"] == secret
    # fsGroup adds read for user and group; a token's 0600 becomes 0640 by it
    assert found["t"] == token


def test_two_users_own_no_token() -> None:
    containers = [{"name": name, "securityContext": {"runAsUser": uid}} for name, uid in (("a", 1), ("b", 2))]
    pod = {"spec": {"containers": containers}}
    assert identity_of(pod, containers[0]).uid == 1
    assert readable(identity_of(pod, containers[1]), 0, 0, 0o600) == "no"


def test_the_kubelets_annotations_are_shown_and_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {note: hi}}\nspec:\n"
        "  automountServiceAccountToken: false\n"
        "  containers: [{name: a, image: a, volumeMounts: [{name: i, mountPath: /i}]}]\n"
        "  volumes: [{name: i, downwardAPI: {items: [{path: all, fieldRef: {fieldPath: metadata.annotations}}]}}]\n"
    )
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    shown = told(capsys, "predict", "files", "-f", str(tmp_path / "p.yaml"))
    assert 'kubernetes.io/config.source="api"' in shown
    assert "kubernetes.io/config.seen=… (when the node saw the Pod: known once it runs)" in shown
    assert 'note="hi"' in shown


def test_service_variables_come_from_services_older_than_the_container() -> None:
    def service(name: str, made: str) -> JSON:
        meta = {"name": name, "namespace": "demo", "creationTimestamp": made}
        return {"kind": "Service", "metadata": meta, "spec": {"clusterIP": "10.0.0.9", "ports": [{"port": 80}]}}

    status = {"containerStatuses": [{"name": "main", "state": {"running": {"startedAt": "2026-11-23T10:00:05Z"}}}]}
    pod = {
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "demo"},
        "spec": {"containers": [{"name": "main"}]},
        "status": status,
    }
    times = {"older": "2026-11-23T10:00:00Z", "younger": "2026-11-23T10:01:00Z"}
    history = History.of([pod, *(service(name, made) for name, made in times.items())])
    got = received(history, history.end, Ref("Pod", "p", "demo"), "main").environment.services
    assert "OLDER_SERVICE_HOST" in got
    assert "YOUNGER_SERVICE_HOST" not in got
