"""The DNS names that follow from a Service and its EndpointSlices: what a cluster's DNS server answers.

Rule: the Kubernetes DNS-based service discovery specification, version 1.1.0
(github.com/kubernetes/dns/blob/master/docs/specification.md), sections 2.2 to 2.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from k8sviz.rules.fields import JSON, flag, integer, listed, strings, text
from k8sviz.rules.services import belongs_to, endpoints_of, is_headless

__all__ = ["CLUSTER_DOMAIN", "Record", "pod_dns_name", "records", "service_dns_name"]

CLUSTER_DOMAIN: Final = "cluster.local"


@dataclass(frozen=True, slots=True)
class Record:
    """One DNS record. `value` is an address, a name, or for SRV `priority weight port name`.

    >>> str(Record("kubia-0.kubia.demo.svc.cluster.local.", "A", "10.244.1.7"))
    'kubia-0.kubia.demo.svc.cluster.local. A 10.244.1.7'
    """

    name: str
    type: str
    value: str

    def __str__(self) -> str:
        return f"{self.name} {self.type} {self.value}"


def service_dns_name(service: JSON, domain: str = CLUSTER_DOMAIN) -> str:
    """A Service's full name: NAME.NAMESPACE.svc.DOMAIN, with a last dot."""
    namespace = text(service, "metadata", "namespace") or "default"
    return f"{text(service, 'metadata', 'name')}.{namespace}.svc.{domain}."


def pod_dns_name(pod: str, service: str, namespace: str, domain: str = CLUSTER_DOMAIN) -> str:
    """The name of a StatefulSet's Pod: stable, whatever its address.

    >>> pod_dns_name("kubia-0", "kubia", "demo")
    'kubia-0.kubia.demo.svc.cluster.local'
    """
    return f"{pod}.{service}.{namespace}.svc.{domain}"


def records(service: JSON, slices: Iterable[JSON], domain: str = CLUSTER_DOMAIN) -> list[Record]:
    """The A, AAAA, SRV and CNAME records of a Service. EndpointSlices of other Services are left out.

    An endpoint counts when it is ready, or the Service has publishNotReadyAddresses. A headless Service gets one A
    record for each address, and an endpoint with a hostname one under its own name too; any other Service gets one
    for its cluster IP. SRV records are for named ports only.

    >>> service = {"metadata": {"name": "kubia", "namespace": "demo"},
    ...            "spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}}
    >>> slice_ = {"metadata": {"labels": {"kubernetes.io/service-name": "kubia"}, "namespace": "demo"},
    ...           "ports": [{"name": "http", "port": 8080}],
    ...           "endpoints": [{"addresses": ["10.244.1.7"], "hostname": "kubia-0", "conditions": {"ready": True}}]}
    >>> for record in records(service, [slice_]):
    ...     print(record)
    kubia.demo.svc.cluster.local. A 10.244.1.7
    kubia-0.kubia.demo.svc.cluster.local. A 10.244.1.7
    _http._tcp.kubia.demo.svc.cluster.local. SRV 0 100 8080 kubia-0.kubia.demo.svc.cluster.local.
    """
    name = service_dns_name(service, domain)
    if text(service, "spec", "type") == "ExternalName":
        return [Record(name, "CNAME", f"{text(service, 'spec', 'externalName').rstrip('.')}.")]
    mine = [s for s in slices if belongs_to(s, service)]
    found = _headless(service, mine, name) if is_headless(service) else _cluster_ip(service, name)
    order = {"A": 0, "AAAA": 1, "SRV": 2}
    return sorted(dict.fromkeys(found), key=lambda r: (order[r.type], r.name.count("."), r.name, r.value))


def _address(name: str, address: str) -> Record:
    return Record(name, "AAAA" if ":" in address else "A", address)


def _srv(name: str, port: JSON, target: str, weight: int) -> Iterator[Record]:
    if text(port, "name"):
        protocol = (text(port, "protocol") or "TCP").lower()
        number = integer(port, "port") or 0
        yield Record(f"_{text(port, 'name')}._{protocol}.{name}", "SRV", f"0 {weight} {number} {target}")


def _cluster_ip(service: JSON, name: str) -> Iterator[Record]:
    addresses = strings(service, "spec", "clusterIPs") or [text(service, "spec", "clusterIP")]
    for address in addresses:
        if address:
            yield _address(name, address)
    for port in listed(service, "spec", "ports"):
        yield from _srv(name, port, name, 100)


def _headless(service: JSON, slices: list[JSON], name: str) -> Iterator[Record]:
    all_of_them = bool(flag(service, "spec", "publishNotReadyAddresses"))
    serving = [(e, listed(s, "ports")) for s in slices for e in endpoints_of(s) if all_of_them or e.ready]
    for endpoint, ports in serving:
        for address in endpoint.addresses:
            # an endpoint without a hostname gets one that the DNS server makes from its address
            own = endpoint.hostname or address.replace(".", "-").replace(":", "-")
            yield _address(name, address)
            if endpoint.hostname:
                yield _address(f"{own}.{name}", address)
            for port in ports:
                yield from _srv(name, port, f"{own}.{name}", max(1, 100 // len(serving)))
