"""Events as components write them: one object for what repeats, with a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8sviz.history import Object
from k8sviz.rules.fields import text

if TYPE_CHECKING:
    from k8sviz.cluster.api import API

__all__ = ["Recorder"]

_INTERVAL = 600.0  # seconds
_MOST_ALIKE = 10
_MOST_KEPT = 4096  # as client-go's cache of what may be counted up


class Recorder:
    """Writes Events about objects. Rule: client-go/tools/record (EventAggregator, eventLogger)."""

    def __init__(self, api: API) -> None:
        self._api = api
        self._known: dict[tuple[str, ...], str] = {}
        self._similar: dict[tuple[str, ...], tuple[float, dict[str, None]]] = {}  # when last, and the messages
        self._newest = 0

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
        alike = (text(obj, "metadata", "uid"), type, reason, component, host)
        if not action and self._is_one_of_many(alike, message):
            message = f"(combined from similar events): {message}"
            field = ""
        key = (*alike, field, message if not message.startswith("(combined") else "")
        namespace = about.get("namespace", "default")
        before = self._api.find("Event", self._known.get(key, ""), namespace)
        clock = self._api.clock
        if before is not None and not action:
            newer = {"message": message, "count": before["count"] + 1, "lastTimestamp": clock.stamp()}
            return self._api.write({**before, **newer})
        self._newest = max(self._newest + 1, clock.nanoseconds())  # names are in the order of what happened
        name = f"{text(obj, 'metadata', 'name')}.{self._newest:x}"
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

    def _is_one_of_many(self, alike: tuple[str, ...], message: str) -> bool:
        """Whether so many different messages of one kind have come that they are told together (EventAggregate)."""
        now = self._api.clock.now
        last, messages = self._similar.get(alike, (now, {}))
        if now - last > _INTERVAL:
            messages = {}
        messages[message] = None
        many = len(messages) >= _MOST_ALIKE
        if many:
            del messages[next(iter(messages))]
        if len(self._similar) >= _MOST_KEPT:
            self._similar.clear()
        self._similar[alike] = (now, messages)
        return many


def _reference(obj: Object, field: str) -> dict[str, Any]:
    meta = obj["metadata"]
    found = {"kind": obj["kind"], "namespace": meta.get("namespace"), "name": meta["name"], "uid": meta.get("uid")}
    found |= {"apiVersion": obj["apiVersion"], "resourceVersion": meta.get("resourceVersion"), "fieldPath": field}
    return {name: value for name, value in found.items() if value}
