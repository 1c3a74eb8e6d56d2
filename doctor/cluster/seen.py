"""What was read of a cluster."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
"""An object of Kubernetes."""

NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
OURS, ROOM = "stateroom", "stateroom-room"
"""Values of the label NAME, of the chart's objects and of the rooms'."""


@dataclass(slots=True)
class Seen:
    """All that was read, by kinds. What may not be read is in `denied`, with what the API server says."""

    namespace: str
    rooms_namespace: str = ""
    objects: dict[str, list[Object]] = field(default_factory=dict)
    """Those of the chart and of rooms; and all Secrets (names only), StorageClasses and events."""
    denied: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    """Metrics of Pods, by the Pods' names."""
    unread: dict[str, str] = field(default_factory=dict)
    """Why the metrics of others cannot be read."""

    def of(self, kind: str, name: str = OURS) -> list[Object]:
        """Return the objects of a kind that have our label, or the rooms'."""
        return [found for found in self.objects.get(kind, []) if labels(found).get(NAME) == name]

    def events(self, about: Object, since: str = "") -> list[Object]:
        """Return what the cluster has said about an object since a time, the newest last."""
        uid = about["metadata"]["uid"]
        found = [event for event in self.objects.get("events", []) if event["involvedObject"].get("uid") == uid]
        return sorted((event for event in found if _time(event) >= since), key=_time)

    def warning(self, about: Object, since: str = "") -> str:
        """Return the newest complaint about an object, empty when there is none."""
        warnings = [event for event in self.events(about, since) if event.get("type") == "Warning"]
        return said(warnings[-1]) if warnings else ""

    def pods(self, owner: Object) -> list[Object]:
        """Return the Pods that a Deployment, StatefulSet or Job selects."""
        wanted = owner["spec"]["selector"]["matchLabels"].items()
        return [pod for pod in self.objects.get("pods", []) if wanted <= labels(pod).items()]

    def setting(self, name: str) -> str:
        """Return a variable of the workspace service, which makes rooms; empty when it has none."""
        for deployment in self.of("deployments"):
            if labels(deployment).get(COMPONENT) == "workspace":
                for container in deployment["spec"]["template"]["spec"]["containers"]:
                    for variable in container.get("env", []):
                        if variable["name"] == name:
                            return str(variable.get("value", ""))
        return ""


def labels(found: Object) -> dict[str, str]:
    """Return an object's labels."""
    return found["metadata"].get("labels") or {}


def name_of(found: Object) -> str:
    """Return an object's name."""
    return str(found["metadata"]["name"])


def templates(seen: Seen) -> Iterator[tuple[Object, Object]]:
    """Yield each object of the chart that makes Pods, with the specification of these."""
    for kind in ("deployments", "statefulsets", "jobs"):
        for found in seen.of(kind):
            yield found, found["spec"]["template"]["spec"]


def said(stated: Object) -> str:
    """Return reason and message of an event, a condition or a container's state."""
    return ": ".join(filter(None, (stated.get("reason"), stated.get("message"))))


def _time(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")
