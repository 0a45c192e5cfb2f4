"""The addresses that a cluster gives away: to Services, and on each node to Pods."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from k8sviz.history import Object
from k8sviz.rules.fields import integer, listed, strings, text

__all__ = ["PodAddresses", "ServiceAddresses"]

_NODE_PORTS = (30000, 32768)
_MOST_TRIES = 1 << 16


class ServiceAddresses:
    """Cluster IPs and node ports; each is given once. Rule: pkg/registry/core/service/ipallocator."""

    def __init__(self, network: str, random: Random) -> None:
        self._network = network
        self._random = random
        self._taken: dict[str, str] = {}
        self._ports: set[int] = set()

    def take(self, service: Object) -> None:
        """Note what a Service already has."""
        for address in strings(service, "spec", "clusterIPs"):
            self._taken[address] = text(service, "metadata", "name")
        self._ports.update(port for each in listed(service, "spec", "ports") if (port := integer(each, "nodePort")))

    def free(self, service: Object) -> None:
        """Give back what a Service had."""
        for address in strings(service, "spec", "clusterIPs"):
            self._taken.pop(address, None)
        self._ports.difference_update(integer(each, "nodePort") or 0 for each in listed(service, "spec", "ports"))

    def is_taken(self, address: str) -> bool:
        """Whether some Service has this address."""
        return address in self._taken

    def address(self) -> str:
        """An address that is free."""
        for _ in range(_MOST_TRIES):
            found = f"{self._network}.{self._random.randrange(256)}.{self._random.randrange(1, 255)}"
            if found not in self._taken and not found.endswith(".0.1"):
                return found
        return f"{self._network}.255.255"

    def port(self) -> int:
        """A node port that is free."""
        for _ in range(_MOST_TRIES):
            found = self._random.randrange(*_NODE_PORTS)
            if found not in self._ports:
                self._ports.add(found)
                return found
        return _NODE_PORTS[0]


class PodAddresses:
    """Each node's addresses for its Pods, given one after the other as host-local does."""

    def __init__(self, network: str) -> None:
        self._network = network
        self._subnets: dict[str, str] = {}
        self._last: dict[str, int] = {}

    def know(self, pods: Iterable[Object]) -> None:
        """Go on after the addresses that these Pods have."""
        for pod in pods:
            head, _, tail = text(pod, "status", "podIP").rpartition(".")
            node = text(pod, "spec", "nodeName")
            if node and tail.isascii() and tail.isdigit():
                self._subnets.setdefault(node, head)
                self._last[node] = max(self._last.get(node, 1), int(tail))

    def next(self, node: str) -> str:
        """The next address on a node."""
        if node not in self._subnets:
            used = set(self._subnets.values())
            self._subnets[node] = next(
                subnet for i in range(1, len(used) + 2) if (subnet := f"{self._network}.{i}") not in used
            )
        self._last[node] = self._last.get(node, 1) % 65000 + 1
        high, low = divmod(self._last[node], 254)
        head = self._subnets[node] if not high else f"{self._network}.{255 - high}"
        return f"{head}.{low + 1}" if high else f"{head}.{low}"
