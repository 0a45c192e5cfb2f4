"""What `kubectl get` shows of each kind: rows of the API server's tables (pkg/printers/internalversion/printers.go)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from k8sviz.kubectl.pod_row import pod_row
from k8sviz.kubectl.times import ago, human
from k8sviz.rules.availability import epoch
from k8sviz.rules.fields import flag, integer, listed, mapped, mapping, string, strings, text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.rules.selectors import label_selector

__all__ = ["Table", "format_labels", "format_selector", "table_of"]

JSON = Mapping[str, Any]
Row = Callable[[JSON, float], Sequence[object]]


class Table(NamedTuple):
    """The columns of a kind; those from `wide` on are shown with `-o wide` only."""

    columns: tuple[str, ...]
    wide: int
    row: Row


def format_labels(labels: Mapping[str, Any]) -> str:
    """Labels as kubectl writes them (labels.FormatLabels).

    >>> format_labels({"b": "2", "a": "1"}), format_labels({})
    ('a=1,b=2', '<none>')
    """
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or "<none>"


def format_selector(selector: JSON | None) -> str:
    """A LabelSelector as kubectl writes it."""
    found = label_selector(selector) if selector is not None else ()
    return "<invalid>" if found is None else ",".join(str(one) for one in found)


def _name(obj: JSON) -> str:
    return text(obj, "metadata", "name")


def _age(obj: JSON, now: float) -> str:
    return ago(text(obj, "metadata", "creationTimestamp"), now)


def _count(obj: JSON, *path: str) -> int:
    return integer(obj, *path) or 0


def _replicas(obj: JSON) -> int:
    wanted = integer(obj, "spec", "replicas")
    return 1 if wanted is None else wanted


def _containers(obj: JSON) -> tuple[str, str]:
    found = listed(obj, "spec", "template", "spec", "containers")
    return ",".join(text(one, "name") for one in found), ",".join(text(one, "image") for one in found)


def _selector(obj: JSON) -> str:
    return format_selector(mapped(obj, "spec", "selector"))


def _deployment(obj: JSON, now: float) -> Sequence[object]:
    ready = f"{_count(obj, 'status', 'readyReplicas')}/{_replicas(obj)}"
    counts = (_count(obj, "status", "updatedReplicas"), _count(obj, "status", "availableReplicas"))
    return (_name(obj), ready, *counts, _age(obj, now), *_containers(obj), _selector(obj))


def _replica_set(obj: JSON, now: float) -> Sequence[object]:
    counts = (_replicas(obj), _count(obj, "status", "replicas"), _count(obj, "status", "readyReplicas"))
    return (_name(obj), *counts, _age(obj, now), *_containers(obj), _selector(obj))


def _replication_controller(obj: JSON, now: float) -> Sequence[object]:
    return (*_replica_set(obj, now)[:-1], format_labels(mapping(obj, "spec", "selector")))


def _stateful_set(obj: JSON, now: float) -> Sequence[object]:
    ready = f"{_count(obj, 'status', 'readyReplicas')}/{_replicas(obj)}"
    return (_name(obj), ready, _age(obj, now), *_containers(obj))


def _daemon_set(obj: JSON, now: float) -> Sequence[object]:
    status = mapping(obj, "status")
    names = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    nodes = format_labels(mapping(obj, "spec", "template", "spec", "nodeSelector"))
    return (
        _name(obj),
        *(_count(status, name) for name in names),
        nodes,
        _age(obj, now),
        *_containers(obj),
        _selector(obj),
    )


def _service(obj: JSON, now: float) -> Sequence[object]:
    kind = text(obj, "spec", "type") or "ClusterIP"
    ips = strings(obj, "spec", "clusterIPs")
    ports = ",".join(_service_port(port) for port in listed(obj, "spec", "ports")) or "<none>"
    address = ips[0] if ips else text(obj, "spec", "clusterIP") or "<none>"
    selector = format_labels(mapping(obj, "spec", "selector"))
    return (_name(obj), kind, address, _external(obj, kind), ports, _age(obj, now), selector)


def _service_port(port: JSON) -> str:
    node = integer(port, "nodePort")
    number = f"{integer(port, 'port')}:{node}" if node else f"{integer(port, 'port')}"
    return f"{number}/{text(port, 'protocol') or 'TCP'}"


def _external(obj: JSON, kind: str) -> str:
    given = strings(obj, "spec", "externalIPs")
    if kind == "ExternalName":
        return text(obj, "spec", "externalName")
    if kind == "LoadBalancer":
        found = sorted(
            {text(one, "ip") or text(one, "hostname") for one in listed(obj, "status", "loadBalancer", "ingress")}
        )
        return ",".join([one for one in found if one] + given) or "<pending>"
    return ",".join(given) or "<none>"


def _node(obj: JSON, now: float) -> Sequence[object]:
    ready = next((one for one in listed(obj, "status", "conditions") if one.get("type") == "Ready"), None)
    status = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    if flag(obj, "spec", "unschedulable"):
        status += ",SchedulingDisabled"
    info = mapping(obj, "status", "nodeInfo")
    kernel = text(info, "kernelVersion") or "<unknown>"
    if text(info, "architecture"):
        kernel += f" ({text(info, 'architecture')})"
    return (
        _name(obj),
        status,
        node_roles(obj),
        _age(obj, now),
        text(info, "kubeletVersion"),
        _address(obj, "InternalIP"),
        _address(obj, "ExternalIP"),
        text(info, "osImage") or "<unknown>",
        kernel,
        text(info, "containerRuntimeVersion") or "<unknown>",
    )


def node_roles(obj: JSON) -> str:
    """A Node's roles, from its labels (findNodeRoles)."""
    roles = set()
    for key, value in mapping(obj, "metadata", "labels").items():
        if key.startswith("node-role.kubernetes.io/") and key != "node-role.kubernetes.io/":
            roles.add(key.partition("/")[2])
        elif key == "kubernetes.io/role" and value:
            roles.add(value)
    return ",".join(sorted(roles)) or "<none>"


def _address(obj: JSON, kind: str) -> str:
    return next(
        (text(one, "address") for one in listed(obj, "status", "addresses") if one.get("type") == kind), "<none>"
    )


def _amount(obj: JSON, *path: str) -> str:
    found: Any = mapping(obj, *path[:-1]).get(path[-1])
    amount = quantity_or_none(found) if found is not None else None
    return "0" if amount is None else str(amount)


def access_modes(modes: Sequence[str]) -> str:
    """Access modes in kubectl's short form, in its order (GetAccessModesAsString).

    >>> access_modes(["ReadWriteMany", "ReadWriteOnce"])
    'RWO,RWX'
    """
    known = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    return ",".join(short for mode, short in known.items() if mode in modes)


def class_of(obj: JSON) -> str:
    """The class of a claim or volume: the old annotation, or the field."""
    old = mapping(obj, "metadata", "annotations").get("volume.beta.kubernetes.io/storage-class")
    return old if isinstance(old, str) else text(obj, "spec", "storageClassName")


def _phase(obj: JSON) -> str:
    return "Terminating" if text(obj, "metadata", "deletionTimestamp") else text(obj, "status", "phase")


def _unset(obj: JSON, *path: str) -> str:
    found = string(obj, *path)
    return "<unset>" if found is None else found


def _volume(obj: JSON, now: float) -> Sequence[object]:
    claim = mapped(obj, "spec", "claimRef")
    return (
        _name(obj),
        _amount(obj, "spec", "capacity", "storage"),
        access_modes(strings(obj, "spec", "accessModes")),
        text(obj, "spec", "persistentVolumeReclaimPolicy"),
        _phase(obj),
        "" if claim is None else f"{text(claim, 'namespace')}/{text(claim, 'name')}",
        class_of(obj),
        _unset(obj, "spec", "volumeAttributesClassName"),
        text(obj, "status", "reason"),
        _age(obj, now),
        _unset(obj, "spec", "volumeMode"),
    )


def _claim(obj: JSON, now: float) -> Sequence[object]:
    volume = text(obj, "spec", "volumeName")
    return (
        _name(obj),
        _phase(obj),
        volume,
        _amount(obj, "status", "capacity", "storage") if volume else "",
        access_modes(strings(obj, "status", "accessModes")) if volume else "",
        class_of(obj),
        _unset(obj, "spec", "volumeAttributesClassName"),
        _age(obj, now),
        _unset(obj, "spec", "volumeMode"),
    )


def _storage_class(obj: JSON, now: float) -> Sequence[object]:
    notes = mapping(obj, "metadata", "annotations")
    marks = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
    default = " (default)" if any(notes.get(mark) == "true" for mark in marks) else ""
    return (
        _name(obj) + default,
        text(obj, "provisioner"),
        text(obj, "reclaimPolicy") or "Delete",
        text(obj, "volumeBindingMode") or "Immediate",
        flag(obj, "allowVolumeExpansion") or False,
        _age(obj, now),
    )


def _endpoint_slice(obj: JSON, now: float) -> Sequence[object]:
    kind = text(obj, "addressType")
    return (_name(obj), kind, _slice_ports(obj), _slice_addresses(obj), _age(obj, now))


def _slice_ports(obj: JSON) -> str:
    shown = [str(port["port"]) if isinstance(port.get("port"), int) else "*" for port in listed(obj, "ports")[:3]]
    return _cut(shown, len(listed(obj, "ports"))) or "<unset>"


def _slice_addresses(obj: JSON) -> str:
    found = [address for one in listed(obj, "endpoints") for address in strings(one, "addresses")]
    return _cut(found[:3], len(found)) or "<unset>"


def _cut(shown: list[str], count: int) -> str:
    return ",".join(shown) + (f" + {count - len(shown)} more..." if count > len(shown) else "")


def event_times(obj: JSON, now: float) -> tuple[str, str, int]:
    """How long ago an Event was last and first seen, and how often."""
    first = ago(text(obj, "firstTimestamp") or text(obj, "eventTime"), now)
    last = ago(text(obj, "lastTimestamp"), now) if text(obj, "lastTimestamp") else first
    series = mapped(obj, "series")
    if series is not None:
        return ago(text(series, "lastObservedTime"), now), first, integer(series, "count") or 0
    return last, first, integer(obj, "count") or 1


def event_source(obj: JSON) -> str:
    """Who said it, and where."""
    component = text(obj, "source", "component") or text(obj, "reportingComponent")
    host = text(obj, "source", "host") or text(obj, "reportingInstance")
    return f"{component}, {host}" if host else component


def _event(obj: JSON, now: float) -> Sequence[object]:
    last, first, count = event_times(obj, now)
    about = mapping(obj, "involvedObject")
    target = "/".join(filter(None, (text(about, "kind").lower(), text(about, "name"))))
    return (
        last,
        text(obj, "type"),
        text(obj, "reason"),
        target,
        text(about, "fieldPath"),
        event_source(obj),
        text(obj, "message").strip(),
        first,
        count,
        _name(obj),
    )


def _secret(obj: JSON, now: float) -> Sequence[object]:
    return (_name(obj), text(obj, "type"), len(mapping(obj, "data")), _age(obj, now))


def _config_map(obj: JSON, now: float) -> Sequence[object]:
    return (_name(obj), len(mapping(obj, "data")) + len(mapping(obj, "binaryData")), _age(obj, now))


def _plain(obj: JSON, now: float) -> Sequence[object]:
    return (_name(obj), _age(obj, now))


def _role(obj: JSON, _: float) -> Sequence[object]:
    return (_name(obj), text(obj, "metadata", "creationTimestamp"))


def _binding(obj: JSON, now: float) -> Sequence[object]:
    subjects = listed(obj, "subjects")
    of = {kind: [one for one in subjects if one.get("kind") == kind] for kind in ("User", "Group", "ServiceAccount")}
    accounts = ", ".join(f"{text(one, 'namespace')}/{text(one, 'name')}" for one in of["ServiceAccount"])
    people = [", ".join(text(one, "name") for one in of[kind]) for kind in ("User", "Group")]
    role = f"{text(obj, 'roleRef', 'kind')}/{text(obj, 'roleRef', 'name')}"
    return (_name(obj), role, _age(obj, now), *people, accounts)


def _namespace(obj: JSON, now: float) -> Sequence[object]:
    return (_name(obj), text(obj, "status", "phase"), _age(obj, now))


def _revision(obj: JSON, now: float) -> Sequence[object]:
    return (_name(obj), controller_name(obj) or "<none>", integer(obj, "revision") or 0, _age(obj, now))


def controller_name(obj: JSON) -> str:
    """The controller of an object as `kind.group/name`; '' when it has none."""
    for owner in listed(obj, "metadata", "ownerReferences"):
        if owner.get("controller"):
            group = text(owner, "apiVersion").rpartition("/")[0]
            kind = text(owner, "kind").lower()
            return f"{kind}.{group}/{text(owner, 'name')}" if group else f"{kind}/{text(owner, 'name')}"
    return ""


def _budget(obj: JSON, now: float) -> Sequence[object]:
    spec = mapping(obj, "spec")
    wanted = [str(spec[name]) if name in spec else "N/A" for name in ("minAvailable", "maxUnavailable")]
    return (_name(obj), *wanted, _count(obj, "status", "disruptionsAllowed"), _age(obj, now))


def _quota(obj: JSON, now: float) -> Sequence[object]:
    hard, used = mapping(obj, "status", "hard"), mapping(obj, "status", "used")
    parts = {name: f"{name}: {used.get(name, 0)}/{hard[name]}" for name in sorted(hard)}
    limits = [said for name, said in parts.items() if name.startswith("limits.")]
    requests = [said for name, said in parts.items() if not name.startswith("limits.")]
    return (_name(obj), ", ".join(requests), ", ".join(limits), _age(obj, now))


def _job(obj: JSON, now: float) -> Sequence[object]:
    wanted, done = integer(obj, "spec", "completions"), _count(obj, "status", "succeeded")
    parallel = _count(obj, "spec", "parallelism")
    of = f"{wanted}" if wanted is not None else f"1 of {parallel}" if parallel > 1 else "1"
    true = {one.get("type") for one in listed(obj, "status", "conditions") if one.get("status") == "True"}
    status = "Complete" if "Complete" in true else "Failed" if "Failed" in true else ""
    begun, ended = (epoch(text(obj, "status", name)) for name in ("startTime", "completionTime"))
    lasted = "" if begun is None else human((now if ended is None else ended) - begun)
    return (
        _name(obj),
        status or _job_state(obj, true),
        f"{done}/{of}",
        lasted,
        _age(obj, now),
        *_containers(obj),
        _selector(obj),
    )


def _job_state(obj: JSON, true: set[Any]) -> str:
    if text(obj, "metadata", "deletionTimestamp"):
        return "Terminating"
    return next((one for one in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if one in true), "Running")


def _cron_job(obj: JSON, now: float) -> Sequence[object]:
    last = text(obj, "status", "lastScheduleTime")
    return (
        _name(obj),
        text(obj, "spec", "schedule"),
        text(obj, "spec", "timeZone") or "<none>",
        str(flag(obj, "spec", "suspend") or False).capitalize(),
        len(listed(obj, "status", "active")),
        ago(last, now) if last else "<none>",
        _age(obj, now),
        *_containers(mapping(obj, "spec", "jobTemplate")),
        "<none>",
    )


def _ingress(obj: JSON, now: float) -> Sequence[object]:
    hosts = [text(rule, "host") for rule in listed(obj, "spec", "rules")]
    shown = _cut([host for host in hosts if host][:3], len([host for host in hosts if host])) or "*"
    found = [text(one, "ip") or text(one, "hostname") for one in listed(obj, "status", "loadBalancer", "ingress")]
    ports = "80, 443" if listed(obj, "spec", "tls") else "80"
    return (
        _name(obj),
        text(obj, "spec", "ingressClassName") or "<none>",
        shown,
        ",".join(found),
        ports,
        _age(obj, now),
    )


def _policy(obj: JSON, now: float) -> Sequence[object]:
    return (_name(obj), format_selector(mapped(obj, "spec", "podSelector")) or "<none>", _age(obj, now))


def _priority(obj: JSON, now: float) -> Sequence[object]:
    return (
        _name(obj),
        integer(obj, "value") or 0,
        flag(obj, "globalDefault") or False,
        _age(obj, now),
        text(obj, "preemptionPolicy"),
    )


def _attributes_class(obj: JSON, now: float) -> Sequence[object]:
    return (_name(obj), text(obj, "driverName"), _age(obj, now))


_WORKLOAD: Final = ("CONTAINERS", "IMAGES", "SELECTOR")
_BINDING_WIDE: Final = ("USERS", "GROUPS", "SERVICEACCOUNTS")


def _table(columns: str, row: Row, *wide: str) -> Table:
    first = tuple(column.replace("_", " ") for column in columns.split())
    return Table(first + wide, len(first), row)


_DEFAULT: Final = _table("NAME AGE", _plain)
_SETS: Final = "NAME DESIRED CURRENT READY AGE"
_TABLES: Final[dict[str, Table]] = {
    "Pod": _table("NAME READY STATUS RESTARTS AGE", pod_row, "IP", "NODE", "NOMINATED NODE", "READINESS GATES"),
    "Deployment": _table("NAME READY UP-TO-DATE AVAILABLE AGE", _deployment, *_WORKLOAD),
    "ReplicaSet": _table(_SETS, _replica_set, *_WORKLOAD),
    "ReplicationController": _table(_SETS, _replication_controller, *_WORKLOAD),
    "StatefulSet": _table("NAME READY AGE", _stateful_set, "CONTAINERS", "IMAGES"),
    "DaemonSet": _table("NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE_SELECTOR AGE", _daemon_set, *_WORKLOAD),
    "Service": _table("NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE", _service, "SELECTOR"),
    "Node": _table(
        "NAME STATUS ROLES AGE VERSION",
        _node,
        "INTERNAL-IP",
        "EXTERNAL-IP",
        "OS-IMAGE",
        "KERNEL-VERSION",
        "CONTAINER-RUNTIME",
    ),
    "PersistentVolume": _table(
        "NAME CAPACITY ACCESS_MODES RECLAIM_POLICY STATUS CLAIM STORAGECLASS VOLUMEATTRIBUTESCLASS REASON AGE",
        _volume,
        "VOLUMEMODE",
    ),
    "PersistentVolumeClaim": _table(
        "NAME STATUS VOLUME CAPACITY ACCESS_MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE", _claim, "VOLUMEMODE"
    ),
    "StorageClass": _table("NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE", _storage_class),
    "EndpointSlice": _table("NAME ADDRESSTYPE PORTS ENDPOINTS AGE", _endpoint_slice),
    "Event": Table(
        ("LAST SEEN", "TYPE", "REASON", "OBJECT", "SUBOBJECT", "SOURCE", "MESSAGE", "FIRST SEEN", "COUNT", "NAME"),
        10,
        _event,
    ),
    "Secret": _table("NAME TYPE DATA AGE", _secret),
    "ConfigMap": _table("NAME DATA AGE", _config_map),
    "Role": _table("NAME CREATED_AT", _role),
    "ClusterRole": _table("NAME CREATED_AT", _role),
    "RoleBinding": _table("NAME ROLE AGE", _binding, *_BINDING_WIDE),
    "ClusterRoleBinding": _table("NAME ROLE AGE", _binding, *_BINDING_WIDE),
    "Namespace": _table("NAME STATUS AGE", _namespace),
    "ControllerRevision": _table("NAME CONTROLLER REVISION AGE", _revision),
    "PodDisruptionBudget": _table("NAME MIN_AVAILABLE MAX_UNAVAILABLE ALLOWED_DISRUPTIONS AGE", _budget),
    "ResourceQuota": _table("NAME REQUEST LIMIT AGE", _quota),
    "LimitRange": Table(("NAME", "CREATED AT"), 2, _role),
    "Job": _table("NAME STATUS COMPLETIONS DURATION AGE", _job, *_WORKLOAD),
    "CronJob": _table("NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST_SCHEDULE AGE", _cron_job, *_WORKLOAD),
    "Ingress": _table("NAME CLASS HOSTS ADDRESS PORTS AGE", _ingress),
    "NetworkPolicy": _table("NAME POD-SELECTOR AGE", _policy),
    "PriorityClass": _table("NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY", _priority),
    "VolumeAttributesClass": _table("NAME DRIVERNAME AGE", _attributes_class),
}
_EVENT_NARROW: Final = (0, 1, 2, 3, 6)


def table_of(kind: str, *, wide: bool) -> tuple[tuple[str, ...], Callable[[JSON, float], list[str]]]:
    """The columns of a kind, and what makes the cells of an object's row at a time (seconds since 1970).

    >>> columns, row = table_of("ConfigMap", wide=False)
    >>> columns, row({"metadata": {"name": "c"}, "data": {"a": "1"}}, 0.0)
    (('NAME', 'DATA', 'AGE'), ['c', '1', '<unknown>'])
    """
    found = _TABLES.get(kind, _DEFAULT)
    picked: tuple[int, ...] = tuple(range(len(found.columns) if wide else found.wide))
    if kind == "Event" and not wide:
        picked = _EVENT_NARROW
    columns = tuple(found.columns[i] for i in picked)

    def row(obj: JSON, now: float) -> list[str]:
        cells = found.row(obj, now)
        return [_cell(cells[i]) for i in picked]

    return columns, row


def _cell(value: object) -> str:
    """One line: what follows a line break is cut (tableprinter.printRows)."""
    said = str(value).lower() if isinstance(value, bool) else str(value)
    for at, letter in enumerate(said):
        if letter in "\r\n\f":
            return said[:at] + "..."
    return said
