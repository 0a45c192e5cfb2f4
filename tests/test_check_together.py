"""`check` across objects: what the API server takes one by one, and what does not fit together all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8sviz.cli import main
from k8sviz.validate import check_files, check_text

REPORTS = Path(__file__).parent / "reports"


def report(name: str, *, complete: bool = False) -> list[str]:
    return [str(found) for found in check_files([next(REPORTS.glob(f"{name}-*.yaml"))], complete=complete).findings]


def codes(text: str) -> list[str]:
    return [found.problem.code for found in check_text(text).findings]


def whole(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "all.yaml").write_text(text, encoding="utf-8")
    found = check_files([tmp_path], complete=True).findings
    return [f"{each.problem.field} {each.problem.code}" for each in found]


@pytest.mark.parametrize("name", ["26", "54"])
def test_two_workloads_with_one_selector(name: str) -> None:
    same, other, port = report(name)
    assert "deployment/ui has Pods with these labels too" in same
    assert "deployment/lake has Pods with these labels too" in other
    assert 'leads to deployment/lake and to deployment/ui, and deployment/ui has no port "http"' in port


def test_what_an_operator_makes_is_no_false_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--complete"]):
        assert main(["check", "-f", str(REPORTS / "57-operator-service.yaml"), *more]) == 0
        said = capsys.readouterr().out
        assert "5 checked: the API server would accept all of it." in said
        assert "Alertmanager × 1" in said
        assert "CustomResourceDefinition" not in said
        assert "nowhere" not in said


def test_hints_stay_within_the_volume_type_at_hand() -> None:
    (found,) = report("58")
    assert "azureFile" not in found
    assert "secretRef" in found


def test_roles_bindings_and_accounts() -> None:
    assert 'There is a ServiceAccount "bot-sa" in namespace default, and none in bot' in report("35")[0]
    found = "\n".join(report("36"))
    for words in ("rules[0].apiGroups[0]: policies", "rules[1].apiGroups[0]: apps/v1", "rules[2].resources[0]: Pods"):
        assert words in found
    assert 'did you mean "pdb-controller"?' in found


def test_keys_and_namespaces() -> None:
    assert 'The Secret "hcloud" has no key "network"' in report("16")[0]
    assert 'There is a Secret "contourcert" in namespace projectcontour, and none in edge' in report("17")[0]
    assert "an empty folder would be mounted here" in report("38")[0]
    assert len(report("16")) == len(report("17")) == len(report("38")) == 1


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        ports: [{name: http, containerPort: 8080}]
"""
SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: %s}]
"""


@pytest.mark.parametrize(
    ("target", "code"), [("http", ""), ("8080", ""), ("web", "no-such-port"), ("9090", "no-such-number")]
)
def test_target_ports(target: str, code: str) -> None:
    assert codes(DEPLOYMENT + SERVICE % target) == ([code] if code else [])


def test_a_number_need_not_be_declared() -> None:
    silent = DEPLOYMENT.replace("        ports: [{name: http, containerPort: 8080}]\n", "")
    assert codes(silent + SERVICE % "9090") == []
    assert codes(silent + SERVICE % "http") == ["no-such-port"]


def test_headless_services_and_default_classes() -> None:
    named = DEPLOYMENT.replace("spec:\n  selector", "spec:\n  serviceName: web\n  selector", 1)
    stateful_set = named.replace("Deployment", "StatefulSet")
    assert codes(stateful_set + SERVICE % "http") == ["not-headless"]
    assert codes(stateful_set + (SERVICE % "http") + "  clusterIP: None\n") == []
    cls = (
        "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nprovisioner: a.example.com\n"
        'metadata: {name: %s, annotations: {storageclass.kubernetes.io/is-default-class: "%s"}}\n'
    )
    assert codes(cls % ("a", "true") + cls % ("b", "true")) == ["two-default-classes"] * 2
    assert codes(cls % ("a", "true") + cls % ("b", "false")) == []


def test_an_ingress_leads_to_a_port_of_its_service() -> None:
    ingress = (
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec:\n  defaultBackend: "
        "{service: {name: web, port: {number: %s}}}\n"
    )
    assert codes(DEPLOYMENT + SERVICE % "http" + ingress % 80) == []
    assert codes(DEPLOYMENT + SERVICE % "http" + ingress % 8080) == ["no-such-service-port"]


def test_series_of_names_are_no_mistakes() -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"
        "  containers: [{name: a, image: a, envFrom: [{configMapRef: {name: %s}}]}]\n"
    )
    config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
    assert codes(pod % "settings-2" + config % "settings-1") == []
    assert codes(pod % "web-config" + config % "api-config") == []
    assert codes(pod % "web-confg" + config % "web-config") == ["near-name"]


def test_a_whole_set_names_nothing_that_it_does_not_hold(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: demo}\nspec:\n"
        "  serviceAccountName: app\n  priorityClassName: high\n  imagePullSecrets: [{name: pull}]\n"
        "  containers:\n  - name: a\n    image: a\n    envFrom: [{configMapRef: {name: c}}]\n"
        "    env: [{name: X, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}]\n"
        "  volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]\n"
        "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: other, namespace: demo}\n"
        "spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}\n"
    )
    assert whole(tmp_path, text) == [
        "metadata.namespace not-in-set",
        "spec.serviceAccountName not-in-set",
        "spec.priorityClassName not-in-set",
        "spec.imagePullSecrets[0].name not-in-set",
        "spec.containers[0].envFrom[0].configMapRef.name not-in-set",
        "spec.volumes[0].persistentVolumeClaim.claimName not-in-set",
        "metadata.namespace not-in-set",
        "spec.storageClassName not-in-set",
    ]
    assert main(["check", "--complete", "-f", str(tmp_path)]) == 1
    assert main(["check", "-f", str(tmp_path)]) == 0


def test_what_every_cluster_has_and_what_operators_make_is_there(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: default}\nspec:\n"
        "  serviceAccountName: default\n  priorityClassName: system-node-critical\n"
        "  containers: [{name: a, image: a, envFrom: [{configMapRef: {name: kube-root-ca.crt}}]}]\n"
        "  volumes: [{name: tls, secret: {secretName: web-tls}}]\n"
        "---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: web}\nspec: {secretName: web-tls}\n"
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n"
    )
    assert whole(tmp_path, text) == []
