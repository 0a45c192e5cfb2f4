"""Events as components write them: one object for what repeats, with a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8sviz.history import Object
from k8sviz.rules.fields import text

if TYPE_CHECKING:
    from k8sviz.cluster.api import API

__all__ = ["Recorder"]

_MOST_KEPT = 4096  # as client-go's cache of what may be counted up


class Recorder:
    """Writes Events about objects. Rule: client-go/tools/record (EventAggregator, eventLogger)."""

    def __init__(self, api: API) -> None:
        self._api = api
        self._known: dict[tuple[str, ...], str] = {}

    def record(
        self,
        obj: Object,
        type: str,  # noqa: A002 - the Event's own word
        reason: str,
        message: str,
        component: str,
        *,
        host: str = "",
        field: str = "",
        action: str = "",
    ) -> Object:
        """Note what happened to an object: one more of the Event that says the same, or a new one.

        With `action` it is an Event of events.k8s.io, which has no count, as the scheduler writes them.
        """
        about = _reference(obj, field)
        key = (text(obj, "metadata", "uid"), field, type, reason, message, component, host)
        namespace = about.get("namespace", "default")
        before = self._api.find("Event", self._known.get(key, ""), namespace)
        clock = self._api.clock
        if before is not None and not action:
            return self._api.write({**before, "count": before["count"] + 1, "lastTimestamp": clock.stamp()})
        name = f"{text(obj, 'metadata', 'name')}.{clock.nanoseconds() + clock.random.randrange(1000):x}"
        event: Object = {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "type": type,
            "eventTime": None,
        }
        if action:
            event |= {"eventTime": clock.micro_stamp(), "action": action, "reportingComponent": component}
            event["reportingInstance"] = f"{component}-{host or 'control-plane'}"
        else:
            event["source"] = {"component": component, **({"host": host} if host else {})}
            event |= {"firstTimestamp": clock.stamp(), "lastTimestamp": clock.stamp()}
            event |= {"count": 1, "reportingComponent": component, "reportingInstance": host}
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[key] = name
        return self._api.create(event)


def _reference(obj: Object, field: str) -> dict[str, Any]:
    meta = obj["metadata"]
    found = {"kind": obj["kind"], "namespace": meta.get("namespace"), "name": meta["name"], "uid": meta.get("uid")}
    found |= {"apiVersion": obj["apiVersion"], "resourceVersion": meta.get("resourceVersion"), "fieldPath": field}
    return {name: value for name, value in found.items() if value}
