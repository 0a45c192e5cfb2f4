"""Questions for the oracle, made from a seed: manifests as people write them, and stranger ones.

`python -m tests.oracle.generate binding|pods|rollout|stateful|check COUNT [SEED]` writes a case a line.
"""

from __future__ import annotations

import base64
import json
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.oracle import mutate

__all__ = ["Maker", "binding_case", "cases", "check_case", "pods_case", "rollout_case", "stateful_case"]

JSON = dict[str, Any]

_KEYS: Final = (
    "FOO",
    "BAR",
    "A_B",
    "foo.baz",
    "9LIVES",
    "X.Y-Z",
    "lower",
    "a.conf",
    "sub",
    "b.conf",
    "c",
    "UPPER",
    ".hidden",
    "-",
    "x..y",
    "tls.key",
    "..bad",
    "no space",
    "e=f",
)
_GOOD_KEYS: Final = _KEYS[:16]
_VALUES: Final = (
    "one",
    "",
    "two words",
    "3",
    "$(FOO)",
    "$$(FOO)",
    "$(BAR)-$(BAZ)",
    "$FOO",
    "$(FOO",
    "$$$(FOO)",
    "x$(A_B)y",
    "$(V1)$(V2)",
    "$(NOPE)",
    "plain",
    "$",
    "$$",
    "$()",
    "$($(FOO))",
    "a$(FOO)$$b$$$$(BAR)",
    "$(foo.baz)",
    "$(A B)",
    "ü€𝄞",
    "tab\there",
    "two\nlines",
    "$(FOO)$(FOO)",
    "nul\x00",
    '"quoted"',
    "$(POD_IP)",
    "$(KUBERNETES_SERVICE_HOST)",
    "a=b",
    "$(MY_DB_PORT)",
    "$(MY_DB_SERVICE_PORT_P_1):$(KUBERNETES_PORT_80_TCP_ADDR)",
    "$(MY_DB_PORT_80_UDP)$(MY_DB_SERVICE_HOST)",
    " ",
    "$(cpu)",
    "(FOO)",
    "$\n(FOO)",
)
_NAMES: Final = ("FOO", "BAR", "BAZ", "QUX", "A_B", "V0", "V1", "V2", "V3", "foo.baz", "9LIVES", "lower", "cpu")
_ODD_NAMES: Final = ("A B", "a-b", "x)y", "A$B", "~", "a=b", "", "é", "A\tB", "(", "#", "KUBERNETES_X")
_FIELDS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.labels['app']",
    "metadata.labels['none']",
    "metadata.annotations['note']",
    "metadata.annotations['a.b/c']",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_ODD_FIELDS: Final = (
    "metadata.labels",
    "metadata.annotations",
    "spec.host",
    "status.phase",
    "metadata.labels['']",
    "metadata.labels[app]",
    'metadata.labels["app"]',
    "metadata.annotations['A b']",
    "",
    "metadata.labels['a']b']",
    "metadata.creationTimestamp",
    "spec.restartPolicy",
    "metadata.name['a']",
    "metadata.annotations['UP.case/x']",
    "metadata.labels['app'] ",
    "metadata.labels['-']",
)
_VOLUME_FIELDS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.labels",
    "metadata.annotations",
    "metadata.labels['app']",
    "metadata.labels['none']",
    "metadata.annotations['note']",
)
_RESOURCES: Final = (
    "limits.cpu",
    "limits.memory",
    "requests.cpu",
    "requests.memory",
    "limits.ephemeral-storage",
    "requests.ephemeral-storage",
)
_ODD_RESOURCES: Final = (
    "limits.hugepages-2Mi",
    "requests.hugepages-2Mi",
    "limits.hugepages",
    "limits.gpu",
    "cpu",
    "limits.storage",
    "limits.hugepages-",
)
_DIVISORS: Final[dict[str, tuple[object, ...]]] = {
    "cpu": (None, "1", "1m", "0", "", 1),
    "memory": (None, "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", "0", 1),
    "odd": ("2", "10m", "1u", "1024", "1000m", "1.0", "1e3", "0.001", "1Gib", "-1", "1e0", "1e-3", "001", "+1Mi"),
}
_CPU: Final[tuple[object, ...]] = (
    "250m",
    "1",
    "1500m",
    "0.1",
    "15m",
    "2.5",
    1,
    0.5,
    "0",
    "1e-1",
    "3.0005",
    "999m",
    "100e-3",
    "1k",
    "1u",
    "10001m",
)
_MEMORY: Final[tuple[object, ...]] = (
    "20Mi",
    "33M",
    "64Mi",
    "1Gi",
    "1.5Gi",
    "129e6",
    "1e9",
    134217728,
    "0",
    "1500m",
    "0.5Ki",
    "123456789",
    "1E",
    "7Pi",
    "1Ti",
    "0.1Gi",
    "123456789012k",
    "100.5Mi",
    "1000001",
)
_PATHS: Final = (
    "a",
    "b.conf",
    "sub/a",
    "sub/dir/b.conf",
    "sub/dir/c",
    "a.conf",
    "x/y/z",
    "labels",
    "meta/labels",
    ".dot",
    "ca.crt",
    "c",
    "UPPER",
)
_ODD_PATHS: Final = (
    "./x",
    "a//b",
    "a/./b",
    "..foo",
    "a/..b",
    "../x",
    "/abs",
    "",
    "x/",
    "a/../b",
    ".",
    "..",
    "a/b",
    "a:b",
    "sp ace",
    "ü",
    "sub",
)
_MODES: Final = (0o644, 0o600, 0o400, 0o440, 0o444, 0o755, 0o777, 0o000, 0o111, 0o640, 0o222)
_MOUNT_PATHS: Final = ("/mnt/v0", "/mnt/v1", "/mnt/v2", "/mnt/v3", "/etc/conf", "/data")
_ODD_MOUNT_PATHS: Final = (
    "/mnt/v0/in",
    "/mnt/v0/a",
    "/mnt/v0/sub",
    "/mnt/v0/sub/x",
    "/mnt/v0/a.conf",
    "/mnt",
    "relative",
    "/mnt/v0/..data",
    "/mnt/./v4",
    "/mnt/v0/sub/a",
    "",
    "/mnt/v0/../v9",
    "/a:b",
    "/mnt/v0/in/deep",
    "/mnt/v0/FOO",
    "/etc/hosts",
    "/var/run/secrets/kubernetes.io/serviceaccount",
)
_SUB_PATHS: Final = ("a", "a.conf", "FOO", "sub", "sub/dir", "sub/dir/b.conf", "labels", "b.conf")
_ODD_SUB_PATHS: Final = (
    "missing",
    "a/x",
    "a.conf/x",
    "..",
    "../x",
    "/abs",
    "./a",
    "..data/a",
    "..data",
    "a/../b",
    "sub/",
    ".",
    "sub//dir",
    "a.conf/",
    "miss/ing",
    "FOO/",
    "..data/sub",
)
_EXPRESSIONS: Final = (
    "$(FOO)",
    "$(POD)/x",
    "$(NOPE)",
    "x$(FOO)",
    "$$(FOO)",
    "a",
    "$(lower)",
    "$(BAR)/$(FOO)",
    "$(cpu)",
    "$(V0",
    "/abs$(FOO)",
    "../$(FOO)",
)


class Maker:
    """Random choices: `odd` is how often something strange is chosen."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.odd = self.random.choice((0.0, 0.0, 0.02, 0.1))

    def some(self, usual: tuple[Any, ...], odd: tuple[Any, ...] = ()) -> Any:
        return self.random.choice(odd if odd and self.chance(self.odd) else usual)

    def chance(self, likely: float) -> bool:
        return self.random.random() < likely

    def many(self, most: int, make: Callable[[], Any], least: int = 0) -> list[Any]:
        return [make() for _ in range(self.random.randint(least, most))]

    def maybe(self, likely: float, **fields: Any) -> JSON:
        """The fields, or nothing; a field whose value is a function is asked for it."""
        if not self.chance(likely):
            return {}
        return {name: value() if callable(value) else value for name, value in fields.items()}

    def optional(self) -> JSON:
        return self.maybe(0.4, optional=lambda: self.chance(0.8))

    # -- ConfigMaps and Secrets -----------------------------------------------------------------------

    def data(self, least: int = 0) -> JSON:
        keys = [self.some(_GOOD_KEYS, _KEYS) for _ in range(self.random.randint(least, 6))]
        return {key: self.some(_VALUES) for key in keys}

    def binary(self) -> JSON:
        values = (b"\x00\x01\x02", b"text", b"\xff\xfe", b"", "ü".encode())
        keys = [self.some((*_GOOD_KEYS, "bin"), _KEYS) for _ in range(self.random.randint(0, 2))]
        found = {key: base64.b64encode(self.some(values)).decode() for key in keys}
        if found and self.chance(self.odd):
            found[keys[0]] = self.some(("YQ", "Y Q==", "YQ==\n", "!!", 3, None, "YR==", "YWI\r\n=", "__8="))
        return found

    def config_map(self, name: str) -> JSON:
        data = self.data()
        binary = {k: v for k, v in self.binary().items() if k not in data or self.chance(self.odd)}
        if self.chance(self.odd):
            data["FOO"] = self.some((5, None, True, "", ["x"]))
        return (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}}
            | self.maybe(0.95, data=data)
            | self.maybe(0.3, binaryData=binary)
        )

    def secret(self, name: str) -> JSON:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in self.data().items()} | self.binary()
        kinds = ("Opaque", "kubernetes.io/basic-auth", "kubernetes.io/tls", "example.com/own")
        return (
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "demo"}}
            | self.maybe(0.5, data=data)
            | self.maybe(0.7, stringData=self.data())
            | self.maybe(self.odd, type=self.some(kinds))
        )

    # -- variables ------------------------------------------------------------------------------------

    def variables(self) -> list[JSON]:
        return self.many(7, self.variable)

    def variable(self) -> JSON:
        name = self.some(_NAMES, _ODD_NAMES)
        if self.chance(0.45):
            return {"name": name} | self.maybe(0.95, value=self.some(_VALUES, (5, True, None, 1.5)))
        source = self.random.choice((self.key_ref, self.key_ref, self.field_ref, self.resource_ref))()
        if self.chance(self.odd):
            source |= self.random.choice((self.key_ref, self.field_ref))()
        return {"name": name, "valueFrom": source} | self.maybe(self.odd, value=self.some(("", "x")))

    def object_name(self, kind: str) -> str:
        return str(self.some((f"{kind}-a", f"{kind}-a", f"{kind}-b"), ("missing", "", "Bad_Name")))

    def key_ref(self) -> JSON:
        kind = self.some(("cm", "sec"))
        key = "nokey" if self.chance(0.15) else self.some(_GOOD_KEYS, _KEYS)
        optional = self.maybe(0.7, optional=True)
        name = "missing" if optional and self.chance(0.2) else self.object_name(kind)
        return {"configMapKeyRef" if kind == "cm" else "secretKeyRef": {"name": name, "key": key, **optional}}

    def field_ref(self) -> JSON:
        path = self.some(_FIELDS, _ODD_FIELDS)
        return {"fieldRef": {"fieldPath": path} | self.maybe(0.2, apiVersion=self.some(("v1",), ("v2", "")))}

    def resource_ref(self, container: bool = False) -> JSON:
        resource = self.some(_RESOURCES, _ODD_RESOURCES)
        usual = _DIVISORS["cpu" if resource.endswith("cpu") else "memory"]
        divisor = self.some(usual, _DIVISORS["odd"])
        found = {"resource": resource} | ({} if divisor is None else {"divisor": divisor})
        named = container or self.chance(0.25)
        return {
            "resourceFieldRef": found
            | ({"containerName": self.some(("main", "main", "first", "other"), ("missing", ""))} if named else {})
        }

    def env_from(self) -> JSON:
        kind = self.some(("cm", "sec"))
        optional = self.maybe(0.3, optional=True)
        name = "missing" if optional and self.chance(0.4) else self.object_name(kind)
        prefix = self.some(("CONFIG_", "x.", "P-", "", "1"), ("a b", "=", "é", "$"))
        return {"configMapRef" if kind == "cm" else "secretRef": {"name": name, **optional}} | self.maybe(
            0.5, prefix=prefix
        )

    def resources(self) -> JSON:
        found: JSON = {}
        for part in ("limits", "requests"):
            if self.chance(0.6):
                found[part] = self.maybe(0.7, cpu=self.some(_CPU)) | self.maybe(0.7, memory=self.some(_MEMORY))
                found[part] |= self.maybe(0.2, **{"ephemeral-storage": self.some(_MEMORY)})
        if self.chance(0.9):  # what the API server takes: a request no more than the limit
            requests, limits = found.get("requests", {}), found.get("limits", {})
            for name in [name for name in requests if name in limits]:
                del requests[name]
        return found

    # -- Pods -----------------------------------------------------------------------------------------

    def pod(self, volumes: bool) -> JSON:
        found = [self.volume(f"v{i}") for i in range(self.random.randint(1, 4))] if volumes else []
        names = [volume["name"] for volume in found]
        spec: JSON = {"containers": [self.container("main", names)]}
        if self.chance(0.2):
            spec["containers"].append(self.container("other", names))
        if self.chance(0.2):
            restart = self.maybe(0.5, restartPolicy="Always")
            spec["initContainers"] = [{**self.container("first", names), **restart}]
        spec |= self.maybe(0.9, automountServiceAccountToken=self.chance(0.1)) | self.maybe(
            0.3, enableServiceLinks=False
        )
        spec |= self.maybe(0.25, securityContext=self.security()) | self.maybe(0.2, serviceAccountName="robot")
        spec |= self.maybe(0.05, hostNetwork=True) | self.maybe(0.1, resources=self.resources())
        if found:
            spec["volumes"] = found
        labels = {"app": "kubia", "tier": "b"} if self.chance(0.9) else {}
        notes = {
            "note": self.some(("hello world", 'a "quoted"\nline', "")),
            "a.b/c": self.some(_VALUES),
            "Z": "\u200b\x7f\ud7ff\U0001f600",
        }
        metadata = {"name": "web", "namespace": "demo", "labels": labels} | self.maybe(0.8, annotations=notes)
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def security(self) -> JSON:
        return self.maybe(0.6, fsGroup=self.some((0, 2000))) | self.maybe(0.4, runAsUser=self.some((0, 1000)))

    def container(self, name: str, volumes: list[str]) -> JSON:
        found = (
            {"name": name, "image": "busybox:1.37", "env": self.variables()}
            | self.maybe(0.5, envFrom=self.many(3, self.env_from))
            | self.maybe(0.8, resources=self.resources())
        )
        found |= self.maybe(0.1, securityContext={"runAsUser": self.some((0, 1000))})
        if volumes:
            mounts = [self.mount(volume, i) for i, volume in enumerate(volumes)]
            found["volumeMounts"] = mounts + self.many(1, lambda: self.mount(self.some(tuple(volumes)), 9))
        return found

    def mount(self, volume: str, number: int) -> JSON:
        usual = (f"/mnt/v{number}",) if number < 9 else ("/mnt/x", "/etc/conf", "/data")
        nested = self.chance(0.08)
        path = self.random.choice(_ODD_MOUNT_PATHS) if nested else self.some(usual, _ODD_MOUNT_PATHS)
        sub: JSON = {}
        if self.chance(0.2):
            sub = {"subPath": self.random.choice((*_SUB_PATHS, *(_ODD_SUB_PATHS if self.chance(0.3) else ())))}
        elif self.chance(0.06):
            sub = {"subPathExpr": self.random.choice(_EXPRESSIONS)}
        if self.chance(self.odd / 4):
            sub |= {"subPath": "a", "subPathExpr": "$(FOO)"}
        named = volume if self.chance(1 - self.odd / 8) else "nowhere"
        return {"name": named, "mountPath": path, **sub} | self.maybe(0.2, readOnly=True)

    def volume(self, name: str) -> JSON:
        kind = self.random.choice(
            ("configMap", "configMap", "secret", "downwardAPI", "projected", "projected", "emptyDir")
        )
        if kind == "emptyDir":
            return {"name": name} | self.some(({"emptyDir": {}}, {"emptyDir": {"medium": "Memory"}}, {}))
        mode = self.maybe(0.5, defaultMode=self.some(_MODES, (0o1777, -1, 512, 0o7777)))
        if kind == "projected":
            sources = self.many(3, self.source, 0 if self.chance(self.odd) else 1)
            return {"name": name, kind: {"sources": sources, **mode}}
        return {"name": name, kind: self.definition(kind, "secretName" if kind == "secret" else "name") | mode}

    def source(self) -> JSON:
        kind = self.random.choice(("configMap", "secret", "downwardAPI", "serviceAccountToken"))
        if kind == "serviceAccountToken":
            return {
                kind: {"path": self.some(("token", "tok/en"), _ODD_PATHS)} | self.maybe(0.3, expirationSeconds=3607)
            }
        return {kind: self.definition(kind, "name")}

    def definition(self, kind: str, name: str) -> JSON:
        if kind == "downwardAPI":
            return {"items": self.many(4, self.downward_item)}
        optional = self.optional()
        of = "missing" if optional and self.chance(0.2) else self.object_name("cm" if kind == "configMap" else "sec")
        return {name: of, **optional} | self.maybe(0.45, items=self.many(3, self.item))

    def item(self) -> JSON:
        key = self.some(_GOOD_KEYS, _KEYS)
        path = key if self.chance(0.2) else self.some(_PATHS, _ODD_PATHS)
        return {"key": key, "path": path} | self.maybe(0.3, mode=self.some(_MODES, (0o1777, -1)))

    def downward_item(self) -> JSON:
        found = {"path": self.some((*_PATHS, "labels", "annotations", "cpu", "mem"), _ODD_PATHS)}
        if self.chance(0.6):
            found |= {"fieldRef": {"fieldPath": self.some(_VOLUME_FIELDS, (*_FIELDS, *_ODD_FIELDS))}}
        else:
            found |= self.resource_ref(container=self.chance(1 - self.odd))
        return found | self.maybe(0.3, mode=self.some(_MODES, (0o1777,)))

    # -- claims and volumes -----------------------------------------------------------------------------

    def size(self) -> object:
        number = self.random.randint(1, 40)
        unit = self.some(("Gi", "Gi", "Gi", "G", "Mi", "M", "Ki", "k", "", "e9", "e6", "Ti", "E9", "Pi", "m", "T"))
        if self.chance(0.1):
            return f"{number}.{self.random.randint(0, 9999)}{unit}"
        return number if not unit else f"{number}{unit}"

    def modes(self, single: bool) -> list[str]:
        modes = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany")
        if self.chance(0.12):
            return ["ReadWriteOncePod"]
        if single and self.chance(0.8):
            return [self.some(("ReadWriteOnce", "ReadWriteOnce", *modes))]
        chosen = [mode for mode in modes if self.chance(0.5)] or ["ReadWriteOnce"]
        self.random.shuffle(chosen)
        return chosen + (chosen[:1] if self.chance(self.odd) else [])

    def labels(self) -> JSON:
        return self.maybe(0.5, disk=self.some(("ssd", "hdd", ""))) | self.maybe(0.5, zone=self.some(("a", "b", "c")))

    def selector(self) -> JSON:
        found: JSON = self.maybe(0.5, matchLabels=self.labels())
        found |= self.maybe(0.6, matchExpressions=self.many(2, self.expression))
        return found

    def expression(self) -> JSON:
        operator = self.some(("In", "NotIn", "Exists", "DoesNotExist"), ("Gt", "in", ""))
        found = {"key": self.some(("disk", "zone", "other"), ("", "bad key")), "operator": operator}
        if operator in ("In", "NotIn", "Gt") or self.chance(self.odd):
            found["values"] = self.many(3, lambda: self.some(("ssd", "hdd", "a", "b", "")), 1)
        return found

    def class_name(self) -> JSON:
        chosen = self.random.choice((None, None, "", "", "fast", "fast", "gold", "local"))
        return {} if chosen is None else {"storageClassName": chosen}

    def notes(self, **more: str) -> JSON:
        beta = self.maybe(0.06, **{"volume.beta.kubernetes.io/storage-class": self.some(("fast", "gold", ""))})
        alpha = self.maybe(0.02, **{"volume.alpha.kubernetes.io/storage-class": "fast"})
        return {"annotations": beta | alpha | more} if beta or alpha or more else {}

    def persistent_volume(self, i: int) -> JSON:
        spec: JSON = {"accessModes": self.modes(False), "capacity": {"storage": self.size()}, **self.class_name()}
        spec |= {"hostPath": {"path": f"/tmp/h{i}"}, "persistentVolumeReclaimPolicy": "Retain"}
        spec |= self.maybe(0.5, volumeMode=self.some(("Filesystem", "Filesystem", "Block")))
        if self.chance(0.08):
            del spec["hostPath"]
            spec |= {
                "volumeAttributesClassName": self.some(("vac", "vac2")),
                "csi": {"driver": "d", "volumeHandle": "h"},
            }
        metadata: JSON = {"name": f"pv-{i}", "labels": self.labels(), **self.notes()}
        found = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}
        if self.chance(0.15):
            spec["claimRef"] = {
                "name": f"claim-{self.random.randint(0, 4)}",
                "namespace": self.some(("demo", "demo", "default")),
            }
            spec["claimRef"] |= self.maybe(0.2, uid="1234")
        if self.chance(0.1):
            terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]}]
            spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
        if self.chance(0.06):  # as the API server holds it
            metadata |= {"uid": f"held-{i}", "creationTimestamp": "2026-01-01T00:00:00Z"}
            metadata |= self.maybe(
                0.5, deletionTimestamp="2026-01-02T00:00:00Z", finalizers=["kubernetes.io/pv-protection"]
            )
            found["status"] = {"phase": self.some(("Available", "Released", "Failed", "Pending", "Bound"))}
        return found

    def claim(self, i: int, volumes: int) -> JSON:
        spec: JSON = {"accessModes": self.modes(True), "resources": {"requests": {"storage": self.size()}}}
        spec |= self.class_name() | self.maybe(0.3, selector=self.selector())
        spec |= self.maybe(0.5, volumeMode=self.some(("Filesystem", "Filesystem", "Filesystem", "Block")))
        spec |= self.maybe(0.2, volumeName=f"pv-{self.random.randint(0, volumes)}")
        spec |= self.maybe(0.08, volumeAttributesClassName=self.some(("vac", "vac2"), ("",)))
        bound = self.maybe(0.02, **{"pv.kubernetes.io/bind-completed": "yes"})
        bound |= self.maybe(0.02, **{"pv.kubernetes.io/bound-by-controller": "yes"})
        namespace = self.some(("demo",), ("default",))
        metadata = {"name": f"claim-{i}", "namespace": namespace, **self.notes(**bound)}
        found = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
        if self.chance(0.04):
            metadata |= {"uid": self.some(("1234", f"claim-{i}"))}
            found["status"] = {"phase": self.some(("Pending", "Pending", "Lost"))}
        return found

    def storage_class(self, name: str, default: float) -> JSON:
        notes = self.maybe(
            default,
            **{
                self.some(
                    ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
                ): self.some(("true", "true", "false"))
            },
        )
        found = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name, "annotations": notes},
        }
        provisioner = self.some(("kubernetes.io/no-provisioner", "rancher.io/local-path"))
        mode = self.some(("Immediate", "WaitForFirstConsumer", "WaitForFirstConsumer"))
        return found | {"provisioner": provisioner} | self.maybe(0.6, volumeBindingMode=mode)

    def account(self) -> JSON:
        metadata = {"name": self.some(("default", "robot")), "namespace": self.some(("demo", "demo", "default"))}
        automount = self.maybe(0.6, automountServiceAccountToken=self.chance(0.5))
        return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, **automount}

    # -- nodes, Services, rollouts ----------------------------------------------------------------------

    def node(self) -> JSON:
        allocatable = {
            "cpu": self.some(("3920m", "4")),
            "memory": self.some(("7950124Ki", "8Gi")),
            "ephemeral-storage": self.some(("94992122264", "18858075679")),
        }
        addresses = [{"type": "InternalIP", "address": "172.18.0.2"}]
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "worker"},
            "status": {"allocatable": allocatable, "addresses": addresses},
        }

    def service(self, name: str, namespace: str) -> JSON:
        ports = [
            {"port": 80 + i} | self.maybe(0.8, name=f"p-{i}") | self.maybe(0.3, protocol=self.some(("UDP", "TCP")))
            for i in range(self.random.randint(1, 3))
        ]
        address = self.some(("10.96.0.7", "10.96.0.8", "fd00::7", "None"))
        spec = {"clusterIP": address, "ports": ports}
        metadata = {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}"}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    def number_or_share(self) -> object:
        return self.some((0, 0, 1, 2, 3, 5, "0%", "10%", "25%", "33%", "50%", "100%", "7%"))

    def template(self, version: int) -> JSON:
        return {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "a", "image": f"web:{version}"}]},
        }

    def replica_set(self, number: int, version: int, wanted: int) -> JSON:
        size = self.random.choice((0, 0, 1, 2, 3, wanted, self.random.randint(0, 12)))
        notes = {
            "deployment.kubernetes.io/desired-replicas": str(wanted),
            "deployment.kubernetes.io/max-replicas": str(wanted + self.random.randint(0, 4)),
            "deployment.kubernetes.io/revision": str(self.random.randint(1, 9)),
        }
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "1", "controller": True}
        metadata = {
            "name": f"rs-{number}",
            "namespace": "demo",
            "uid": f"set-{number}",
            "annotations": notes,
            "creationTimestamp": f"2026-01-01T00:00:{number:02}Z",
            "labels": {"app": "web"},
            "ownerReferences": [owner],
        }
        selector = {"matchLabels": {"app": "web"}}
        pods = size if size or self.chance(0.8) else 1
        status = {"replicas": pods, "availableReplicas": self.random.randint(0, size)}
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": metadata,
            "status": status,
            "spec": {"replicas": size, "selector": selector, "template": self.template(version)},
        }

    def deployment(self, replicas: int) -> JSON:
        rolling = {"maxSurge": self.number_or_share(), "maxUnavailable": self.number_or_share()}
        strategy = {"type": "Recreate"} if self.chance(0.15) else {"type": "RollingUpdate", "rollingUpdate": rolling}
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": self.template(1)}
        spec |= {"strategy": strategy} | self.maybe(0.15, paused=True) | self.maybe(0.5, revisionHistoryLimit=1)
        metadata = {"name": "web", "namespace": "demo", "uid": "1", "generation": 1}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    def stateful_pod(self, ordinal: int, revision: str) -> JSON:
        since = self.some(("2026-01-01T11:00:00Z", "2026-01-01T11:59:55Z"))  # noon is the oracle's now
        ready = self.some(("True", "True", "True", "False"))
        phase = self.random.choice(("Running",) * 8 + ("Pending", "Failed", "Succeeded"))
        labels = {
            "app": "web",
            "statefulset.kubernetes.io/pod-name": f"web-{ordinal}",
            "apps.kubernetes.io/pod-index": str(ordinal),
            "controller-revision-hash": revision,
        }
        metadata = {"name": f"web-{ordinal}", "namespace": "demo", "uid": f"pod-{ordinal}", "labels": labels}
        metadata |= self.maybe(0.1, deletionTimestamp="2026-01-01T11:59:59Z", finalizers=["a/b"])
        conditions = [
            {"type": "Ready", "status": ready if phase == "Running" else "False", "lastTransitionTime": since}
        ]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": [{"name": "a", "image": f"web:{revision}"}]},
            "status": {"phase": phase, "conditions": conditions},
        }

    def stateful_set(self, replicas: int, update: str) -> JSON:
        template = self.template(0)
        template["spec"]["containers"][0]["image"] = f"web:{update}"
        rolling = self.maybe(0.5, partition=self.random.randint(0, 4)) | self.maybe(0.2, maxUnavailable=2)
        strategy = self.some(({}, {}, {"type": "RollingUpdate"}, {"type": "OnDelete"}))
        if strategy.get("type") != "OnDelete":
            strategy = strategy | self.maybe(0.5, rollingUpdate=rolling)
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "serviceName": "web"}
        spec |= {"template": template, "updateStrategy": strategy} | self.maybe(0.4, podManagementPolicy="Parallel")
        spec |= self.maybe(0.3, minReadySeconds=10) | self.maybe(0.2, ordinals={"start": self.random.randint(0, 3)})
        current = "r1" if update == "r2" or self.chance(0.3) else "r2"
        status = {"currentRevision": current, "currentReplicas": self.random.randint(0, replicas), "replicas": replicas}
        metadata = {"name": "web", "namespace": "demo", "uid": "1"}
        return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec, "status": status}


def stateful_case(seed: str) -> JSON:
    """A StatefulSet and its Pods, as its controller may find them."""
    make = Maker(seed)
    replicas = make.random.randint(0, 5)
    found = make.stateful_set(replicas, make.some(("r2", "r2", "r1")))
    there = make.some((1.0, 1.0, 0.9, 0.5))
    ordinals = [i for i in range(make.random.randint(0, 8)) if make.chance(there)]
    pods = [make.stateful_pod(i, make.some(("r1", "r2"))) for i in ordinals]
    return {"id": f"stateful-{seed}", "kind": "stateful", "objects": [found, *pods]}


def rollout_case(seed: str) -> JSON:
    """A Deployment and its ReplicaSets, as a controller may find them."""
    make = Maker(seed)
    replicas = make.random.choice((0, 1, 2, 3, 4, 5, 10, make.random.randint(1, 30)))
    wanted = replicas if make.chance(0.6) else make.random.randint(0, 20)
    versions = list(range(1, 5))
    make.random.shuffle(versions)
    sets = [make.replica_set(i, version, wanted) for i, version in enumerate(versions[: make.random.randint(0, 4)])]
    return {"id": f"rollout-{seed}", "kind": "rollout", "objects": [make.deployment(replicas), *sets]}


def pods_case(seed: str) -> JSON:
    """A Pod with the objects that it refers to."""
    make = Maker(seed)
    objects = [make.config_map("cm-a"), make.secret("sec-a")]
    objects += [make.config_map("cm-b")] if make.chance(0.7) else []
    objects += [make.secret("sec-b")] if make.chance(0.7) else []
    objects += [make.account()] if make.chance(0.2) else []
    objects += [make.node()] if make.chance(0.4) else []
    if make.chance(0.4):
        objects += [
            make.service("kubernetes", "default"),
            make.service("my-db", make.some(("demo", "demo", "default"))),
        ]
    return {"id": f"pods-{seed}", "kind": "pods", "objects": [*objects, make.pod(volumes=make.chance(0.6))]}


def binding_case(seed: str) -> JSON:
    """Volumes and claims; now and then with classes."""
    make = Maker(seed)
    objects: list[JSON] = []
    if make.chance(0.4):
        objects += [make.storage_class(name, 0.3) for name in ("standard", "local", "fast") if make.chance(0.6)]
    volumes = make.random.randint(1, 9)
    objects += [make.persistent_volume(i) for i in range(volumes)]
    objects += [make.claim(i, volumes) for i in range(make.random.randint(1, 6))]
    return {"id": f"binding-{seed}", "kind": "binding", "objects": objects}


def check_case(seed: str) -> JSON:
    """One object with a mistake or two, or none: what does the API server say?"""
    make = Maker(seed)
    name = make.some(("pods", "pods", "pods", "binding"))
    made = (pods_case if name == "pods" else binding_case)(seed)["objects"]
    return mutate.check_case(seed, [each for each in made if each["kind"] in mutate.KINDS] * 20)


def cases(kind: str, count: int, seed: str = "1") -> Iterator[JSON]:
    """So many cases of a kind; the same seed gives the same."""
    known = {
        "pods": pods_case,
        "binding": binding_case,
        "rollout": rollout_case,
        "stateful": stateful_case,
        "check": check_case,
    }
    make = known[kind]
    return (make(f"{seed}-{i}") for i in range(count))


if __name__ == "__main__":
    for case in cases(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4]):
        print(json.dumps(case))
