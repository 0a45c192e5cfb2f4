"""The environment variables of a container, each with where it comes from, as the kubelet makes them.

Rules: pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables), pkg/kubelet/envvars, pkg/kubelet/container/helpers.go
(ExpandContainerCommandAndArgs), Kubernetes v1.36. What the image sets is not among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from k8sviz.rules.downward import field_value, resource_value
from k8sviz.rules.expansion import LONGEST, MOST, expand, expand_all, is_too_long
from k8sviz.rules.fields import JSON, flag, integer, listed, mapped, mapping, strings, text
from k8sviz.rules.reasons import Reason

if TYPE_CHECKING:
    from k8sviz.rules.objects import Objects

__all__ = [
    "Environment",
    "Mechanism",
    "Origin",
    "Variable",
    "environment",
    "expand_command",
    "is_valid_name",
    "service_variables",
    "shell_can_read",
]

Mechanism = Literal[
    "literal", "configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef", "envFrom"
]

_NAME = re.compile(r"[ -<>-~]+\Z")
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_UNPASSABLE = re.compile("[\0\ud800-\udfff]")
_NOT_FOUND = {"ConfigMap": "config-map-not-found", "Secret": "secret-not-found"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a variable comes from. Fields that do not apply are empty.

    `kind`, `name` and `key` name an object's key (or, for fileKeyRef, a volume and the key in the file at `path`);
    `path` is a fieldRef's field or a resourceFieldRef's resource, `container` the one whose resource it is.
    """

    mechanism: Mechanism
    kind: str = ""
    name: str = ""
    key: str = ""
    prefix: str = ""
    path: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as declared: `value` is None when it is not known before the Pod runs.

    `overridden_by` is the origin of a later declaration of the same name, which is the one that the program sees.
    """

    name: str
    value: str | None
    origin: Origin
    overridden_by: Origin | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """A container's environment.

    `variables` are all declarations in the order in which the kubelet reads them; `skipped` tells which optional
    references found nothing; with any of `problems` the container cannot start, and the first is the one reported.
    `services` are the values (None: not known) that `$(VAR)` may refer to besides.
    """

    variables: tuple[Variable, ...] = ()
    problems: tuple[Reason, ...] = ()
    skipped: tuple[Reason, ...] = ()
    services: Mapping[str, str | None] = field(default_factory=dict)

    def values(self) -> dict[str, str | None]:
        """The variables that the program sees, without those of services; None is a value not known yet."""
        return {found.name: found.value for found in self.variables if found.overridden_by is None}

    def all_values(self) -> dict[str, str | None]:
        """The variables that the program sees, those of services among them; its own come first."""
        return {**self.services, **self.values()}


def is_valid_name(name: str) -> bool:
    """Whether the API server takes this variable name: printable ASCII but `=` (IsRelaxedEnvVarName, stable in 1.34).

    >>> is_valid_name("FOO-BAR"), is_valid_name("9LIVES"), is_valid_name("A=B"), is_valid_name("")
    (True, True, False, False)
    """
    return _NAME.match(name) is not None


def shell_can_read(name: str) -> bool:
    """Whether a POSIX shell can read the variable as `$NAME`.

    >>> shell_can_read("FOO_BAR"), shell_can_read("FOO-BAR")
    (True, False)
    """
    return _SHELL_NAME.match(name) is not None


def environment(pod: JSON, container: JSON, objects: Objects) -> Environment:
    """The variables that `envFrom` and `env` give a container, in the kubelet's order.

    First the `envFrom` entries, a later one over an earlier; then `env`, over both. A `value` is expanded with the
    variables so far, then those of services. An optional reference that finds nothing leaves what was there before.

    >>> from k8sviz.rules.objects import Objects
    >>> objects = Objects([{"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"WHO": "you"}}])
    >>> entries = [{"name": "LINE", "value": "hi $(WHO)"}]
    >>> environment({"kind": "Pod"}, {"envFrom": [{"configMapRef": {"name": "c"}}], "env": entries}, objects).values()
    {'WHO': 'you', 'LINE': 'hi you'}
    """
    maker = _Maker(pod, container, objects)
    for source in listed(container, "envFrom"):
        maker.take_all(source)
    for entry in listed(container, "env"):
        maker.take(entry)
    return maker.environment()


def expand_command(container: JSON, values: Mapping[str, str | None]) -> tuple[list[str | None], list[str | None]]:
    """(command, args) with `$(VAR)` expanded; a word that needs an unknown value is None.

    `values` are the container's variables with those of services: `Environment.all_values()`.

    >>> expand_command({"command": ["echo"], "args": ["$(WHO)", "$$(WHO)", "$(ELSE)"]}, {"WHO": "you"})
    (['echo'], ['you', '$(WHO)', '$(ELSE)'])
    """
    command, args = strings(container, "command"), strings(container, "args")
    found = expand_all((*command, *args), values)
    return found[: len(command)], found[len(command) :]


def service_variables(
    services: Iterable[JSON], namespace: str, *, links: bool = True, default_namespace: str = "default"
) -> dict[str, str | None]:
    """The variables that Services give a Pod of this namespace; None is a cluster IP not known yet.

    With `links` (`enableServiceLinks`) every Service of the namespace that has a cluster IP, always the Service
    `kubernetes` of namespace `default`, whose ports are taken as 443 when the Service is not given
    (envvars.FromServices). A Service counts as of `default_namespace` when it names none.

    >>> service = {"metadata": {"name": "my-db"}, "spec": {"clusterIP": "10.0.0.9", "ports": [{"port": 5432}]}}
    >>> found = service_variables([service], "default")
    >>> found["MY_DB_SERVICE_HOST"], found["MY_DB_PORT_5432_TCP"], found["KUBERNETES_SERVICE_PORT"]
    ('10.0.0.9', 'tcp://10.0.0.9:5432', '443')
    """
    chosen: dict[str, JSON] = {"kubernetes": _KUBERNETES}
    for service in services:
        name = text(service, "metadata", "name")
        home = text(service, "metadata", "namespace") or default_namespace
        if text(service, "spec", "clusterIP") == "None" or text(service, "spec", "type") == "ExternalName":
            continue
        always = (name, home) == ("kubernetes", "default")
        linked = links and home == namespace and chosen.get(name) in (None, _KUBERNETES)
        if always or linked:
            chosen[name] = service
    found: dict[str, str | None] = {}
    for service in chosen.values():
        found.update(_service_links(service))
    return found


_KUBERNETES: JSON = {
    "metadata": {"name": "kubernetes", "namespace": "default"},
    "spec": {"ports": [{"name": "https", "port": 443}]},
}


class _Maker:
    """Collects the variables of one container in the kubelet's order."""

    def __init__(self, pod: JSON, container: JSON, objects: Objects) -> None:
        self.pod, self.container, self.objects = pod, container, objects
        self.namespace = objects.namespace_of(pod)
        self.declared: list[Variable] = []
        self.current: dict[str, int] = {}
        self.problems: list[Reason] = []
        self.skipped: list[Reason] = []
        self.secrets: dict[str, dict[str, str] | None] = {}
        links = flag(pod, "spec", "enableServiceLinks") is not False
        services = objects.of_kind("Service")
        self.services = service_variables(services, self.namespace, links=links, default_namespace=objects.namespace)
        self.known: dict[str, str | None] = dict(self.services)
        self.room = MOST  # for what `$(VAR)` makes
        self.too_long: dict[str, str] = {}  # by the variable: why it was not made

    def environment(self) -> Environment:
        """What was collected. A value that no container runtime takes stops the container, unless it is overridden."""
        for name, code in self.too_long.items():
            self.problems.append(Reason(code, self.facts(variable=name)))
        for variable in self.declared:
            if variable.overridden_by is None and not _is_passable(variable.value):
                code = "value-holds-nul" if "\0" in str(variable.value) else "value-not-utf-8"
                self.problems.append(Reason(code, self.facts(variable=variable.name, name=variable.origin.name)))
        self.check_size()
        declared = tuple(found for found in self.declared if _is_passable(found.value))
        return Environment(declared, tuple(self.problems), tuple(self.skipped), self.services)

    def set(self, name: str, value: str | None, origin: Origin) -> None:
        if name in self.current:
            earlier = self.current[name]
            self.declared[earlier] = replace(self.declared[earlier], overridden_by=origin)
        self.current[name] = len(self.declared)
        self.known[name] = value
        self.too_long.pop(name, None)
        self.declared.append(Variable(name, value, origin))

    def set_literal(self, name: str, written: str) -> None:
        """An `env` entry's `value`, with `$(VAR)` expanded."""
        value = expand(written, self.known, min(self.room, LONGEST))
        if value is not None and value is not written:
            self.room -= len(value)
        self.set(name, value, Origin("literal"))
        if value is None and is_too_long(written, self.known):
            code = "value-too-long" if self.room >= LONGEST else "environment-too-large"
            self.too_long[name] = code

    def check_size(self) -> None:
        """Notes a variable, a word or a whole that is larger than what a program can be handed (execve(2), E2BIG)."""
        if any(code != "value-too-long" for code in self.too_long.values()):
            return
        size = 0
        for name, at in self.current.items():
            mine = len(name) + 1 + _bytes_in(self.declared[at].value)
            if mine > LONGEST:
                self.problems.append(Reason("value-too-long", self.facts(variable=name)))
            size += mine
        words = (*strings(self.container, "command"), *strings(self.container, "args"))
        for word, made in zip(words, expand_all(words, self.known), strict=True):
            if made is None and is_too_long(word, self.known):
                made = expand(word, self.known)  # too long by itself, or only no room was left
                if made is None:
                    self.problems.append(Reason("word-too-long", self.facts()))
                    return
            size += _bytes_in(made)
            if size > MOST:
                break
        if size > MOST:
            self.problems.append(Reason("environment-too-large", self.facts()))

    def take_all(self, source: JSON) -> None:
        """One `envFrom` entry."""
        prefix = text(source, "prefix")
        reference = mapped(source, "configMapRef")
        kind = "ConfigMap" if reference is not None else "Secret"
        reference = reference if reference is not None else mapped(source, "secretRef")
        if reference is None:
            return
        name = text(reference, "name")
        data = self.data(kind, name)
        if data is None:
            self.missing(Reason(_NOT_FOUND[kind], self.facts(name=name)), reference)
            return
        for key, value in data.items():
            origin = Origin("envFrom", kind, name, key, prefix)
            self.set(prefix + key, value, origin)

    def take(self, entry: JSON) -> None:
        """One `env` entry."""
        name, source = text(entry, "name"), mapping(entry, "valueFrom")
        if not is_valid_name(name):
            self.problems.append(Reason("invalid-variable-name", self.facts(variable=name)))
        elif not isinstance(entry.get("value"), str | None):
            # the API server refuses a number here, the commonest slip in YAML
            self.problems.append(Reason("value-not-a-string", self.facts(variable=name)))
        elif text(entry, "value") or not source:
            self.set_literal(name, text(entry, "value"))
        else:
            self.take_from(name, source)

    def take_from(self, name: str, source: JSON) -> None:
        for mechanism, take in (
            ("fieldRef", self.take_field),
            ("resourceFieldRef", self.take_resource),
            ("configMapKeyRef", self.take_config_map_key),
            ("secretKeyRef", self.take_secret_key),
            ("fileKeyRef", self.take_file_key),
        ):
            reference = mapped(source, mechanism)
            if reference is not None:
                take(name, reference)
                return
        self.problems.append(Reason("source-not-supported", self.facts(variable=name)))

    def take_field(self, name: str, reference: JSON) -> None:
        path = text(reference, "fieldPath")
        value = field_value(path, self.pod, self.objects)
        if isinstance(value, Reason):
            self.problems.append(Reason(value.code, self.facts(**value.facts, variable=name)))
        else:
            self.set(name, value, Origin("fieldRef", path=path))

    def take_resource(self, name: str, reference: JSON) -> None:
        value, refused = resource_value(reference, self.pod, self.container, self.objects)
        if refused is not None:
            self.problems.append(Reason(refused.code, {**self.facts(variable=name), **refused.facts}))
            return
        of = text(reference, "containerName") or text(self.container, "name")
        self.set(name, value, Origin("resourceFieldRef", path=text(reference, "resource"), container=of))

    def take_config_map_key(self, name: str, reference: JSON) -> None:
        self.take_key(name, "ConfigMap", "configMapKeyRef", reference)

    def take_secret_key(self, name: str, reference: JSON) -> None:
        self.take_key(name, "Secret", "secretKeyRef", reference)

    def take_key(self, name: str, kind: str, mechanism: Mechanism, reference: JSON) -> None:
        source, key = text(reference, "name"), text(reference, "key")
        data = self.data(kind, source)
        if data is None:
            self.missing(Reason(_NOT_FOUND[kind], self.facts(name=source, key=key, variable=name)), reference)
        elif key not in data:
            facts = self.facts(kind=kind, name=source, key=key, variable=name)
            self.missing(Reason("key-not-found", facts), reference)
        else:
            self.set(name, data[key], Origin(mechanism, kind, source, key))

    def take_file_key(self, name: str, reference: JSON) -> None:
        """A key of a file that an init container writes: known only once it has run (EnvFiles)."""
        volume, key = text(reference, "volumeName"), text(reference, "key")
        if all(text(found, "name") != volume for found in listed(self.pod, "spec", "volumes")):
            self.problems.append(Reason("volume-not-found", self.facts(volume=volume, variable=name)))
            return
        self.set(name, None, Origin("fileKeyRef", "Volume", volume, key, path=text(reference, "path")))

    def data(self, kind: str, name: str) -> Mapping[str, str | None] | None:
        """The keys of a ConfigMap or Secret; None when it is missing. The cluster's own CA is there but unknown.

        Bytes that are no UTF-8 are kept as half characters.
        """
        if kind == "Secret":
            if name not in self.secrets:
                data = self.objects.secret(self.namespace, name)
                read = {key: value.decode("utf-8", "surrogateescape") for key, value in (data or {}).items()}
                self.secrets[name] = None if data is None else read
            return self.secrets[name]
        found = self.objects.config_map_texts(self.namespace, name)
        return {"ca.crt": None} if found is None and name == "kube-root-ca.crt" else found

    def missing(self, reason: Reason, reference: JSON) -> None:
        (self.skipped if flag(reference, "optional") else self.problems).append(reason)

    def facts(self, **facts: str) -> dict[str, str]:
        return {"container": text(self.container, "name"), "namespace": self.namespace, **facts}


def _is_passable(value: str | None) -> bool:
    """Whether a container runtime takes a value: CRI's texts are UTF-8, and a NUL byte ends those of a process."""
    return value is None or _UNPASSABLE.search(value) is None


def _bytes_in(value: str | None) -> int:
    return 0 if value is None else len(value.encode("utf-8", "surrogatepass"))


def _service_links(service: JSON) -> Iterator[tuple[str, str | None]]:
    """The variables of one Service: HOST and PORT, a PORT by name, and Docker's old link variables."""
    prefix = text(service, "metadata", "name").upper().replace("-", "_")
    address = text(service, "spec", "clusterIP") or None
    ports = [port for port in listed(service, "spec", "ports") if integer(port, "port") is not None]
    yield f"{prefix}_SERVICE_HOST", address
    for index, port in enumerate(ports):
        number = str(integer(port, "port"))
        if index == 0:
            yield f"{prefix}_SERVICE_PORT", number
        if text(port, "name"):
            yield f"{prefix}_SERVICE_PORT_{text(port, 'name').upper().replace('-', '_')}", number
        yield from _docker_links(prefix, address, number, text(port, "protocol") or "TCP", first=index == 0)


def _docker_links(
    prefix: str, address: str | None, port: str, protocol: str, *, first: bool
) -> Iterator[tuple[str, str | None]]:
    host = f"[{address}]" if address is not None and ":" in address else address
    url = None if host is None else f"{protocol.lower()}://{host}:{port}"
    if first:
        yield f"{prefix}_PORT", url
    link = f"{prefix}_PORT_{port}_{protocol.upper()}"
    yield link, url
    yield f"{link}_PROTO", protocol.lower()
    yield f"{link}_PORT", port
    yield f"{link}_ADDR", address
