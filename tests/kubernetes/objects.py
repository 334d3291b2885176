"""The pods that the API server double keeps: versions, selectors, and the events that its watches send."""

import copy
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Pod = dict[str, Any]

_TERM = re.compile(
    r"\s*(?P<not>!)?(?P<key>[\w./-]+)\s*(?:(?P<op>!=|==|=)\s*(?P<value>[\w.-]*)"
    r"|\s(?P<set>notin|in)\s*\((?P<values>[^)]*)\))?\s*(?:,|$)"
)

# The fields that a selector of pods may name.
_FIELDS = {"metadata.name", "metadata.namespace"}
_FIELDS |= {f"spec.{name}" for name in ("hostNetwork", "nodeName", "restartPolicy", "schedulerName")}
_FIELDS |= {"spec.serviceAccountName"}
_FIELDS |= {f"status.{name}" for name in ("nominatedNodeName", "phase", "podIP", "podIPs")}


def terms(selector: str) -> list[re.Match[str]]:
    """The terms of a label selector; ValueError for what is none."""
    found, position = [], 0
    while position < len(selector):
        term = _TERM.match(selector, position)
        if term is None:
            raise ValueError(f"unable to parse requirement: {selector!r} at {selector[position:]!r}")
        position = term.end()
        found.append(term)
    return found


def matches(selector: str, labels: dict[str, str]) -> bool:
    """Whether labels satisfy a label selector, by equality or by sets; ValueError for what is neither."""
    return all(_term_holds(term, labels) for term in terms(selector))


def _term_holds(term: re.Match[str], labels: dict[str, str]) -> bool:
    key, value = term["key"], labels.get(term["key"])
    if term["op"]:
        return (value == term["value"]) is (term["op"] != "!=")
    if term["set"]:
        return (value in [each.strip() for each in term["values"].split(",")]) is (term["set"] == "in")
    return (key in labels) is not bool(term["not"])


def fields(selector: str) -> list[tuple[str, bool, str]]:
    """(path, whether it is to be so, value) of each term of a field selector; ValueError for what is none."""
    found = []
    for term in filter(None, selector.split(",")):
        path, equals, wanted = term.replace("==", "=").partition("=")
        if not equals:
            raise ValueError(f"invalid selector: {selector!r}; can't understand {term!r}")
        if path.rstrip("!") not in _FIELDS:
            raise ValueError(f"field label not supported: {path.rstrip('!')}")
        found.append((path.rstrip("!"), not path.endswith("!"), wanted))
    return found


def field_matches(selector: str, pod: Pod) -> bool:
    for path, equal, wanted in fields(selector):
        value: Any = pod
        for part in path.split("."):
            value = (value or {}).get(part)
        if (value == wanted) is not equal:
            return False
    return True


def differences(spec: dict[str, Any], changes: dict[str, Any]) -> Iterator[str]:
    """The fields of a pod's spec, and of its containers, that a strategic merge patch would change."""
    for field_name, value in changes.items():
        if field_name in ("containers", "initContainers"):
            own = {each["name"]: each for each in spec.get(field_name) or []}
            for each in value:
                yield from differences(own.get(each["name"], {}), each)
        elif spec.get(field_name) != value:
            yield field_name


def labels_of(pod: Pod) -> dict[str, str]:
    return pod["metadata"].get("labels") or {}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Pods:
    """All pods by name, and every change of one as (version, pod before, pod after)."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    version: int = 100
    by_name: dict[str, Pod] = field(default_factory=dict)
    history: list[tuple[int, Pod | None, Pod | None]] = field(default_factory=list)
    oldest: int = 100  # a watch from an older version is told that it is Gone

    def create(self, pod: Pod, namespace: str) -> Pod | None:
        """Keep a new, pending pod; None when the name is taken."""
        with self.changed:
            metadata = pod["metadata"]
            if metadata["name"] in self.by_name:
                return None
            metadata |= {"namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
            return self._record(None, pod | {"status": {"phase": "Pending"}})

    def change(self, name: str, edit: Callable[[Pod], None]) -> Pod | None:
        """Edit a copy of the pod and keep that; None when there is no such pod."""
        with self.changed:
            before = self.by_name.get(name)
            if before is None:
                return None
            after = copy.deepcopy(before)
            edit(after)
            return self._record(before, after)

    def remove(self, name: str) -> None:
        with self.changed:
            before = self.by_name.pop(name, None)
            if before is not None:
                self.version += 1
                self.history.append((self.version, before, None))
                self.changed.notify_all()

    def _record(self, before: Pod | None, after: Pod) -> Pod:
        self.version += 1
        after["metadata"]["resourceVersion"] = str(self.version)
        self.by_name[after["metadata"]["name"]] = after
        self.history.append((self.version, before, after))
        self.changed.notify_all()
        return after

    def forget(self) -> None:
        """As when etcd is compacted: no watch can start from before now."""
        with self.changed:
            self.version += 1
            self.oldest = self.version
            self.changed.notify_all()

    def get(self, name: str) -> Pod | None:
        with self.changed:
            return self.by_name.get(name)

    def select(self, labels: str, fields: str = "") -> list[Pod]:
        with self.changed:
            return [
                pod
                for pod in self.by_name.values()
                if matches(labels, labels_of(pod)) and field_matches(fields, pod)
            ]

    def events(self, since: int, selector: str) -> list[dict[str, Any]]:
        """What a watch sends of the changes after a version: a pod that leaves its selector is DELETED."""
        kinds = {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}
        found = []
        for version, before, after in self.history:
            was = before is not None and matches(selector, labels_of(before))
            stays = after is not None and matches(selector, labels_of(after))
            if version > since and (was or stays):
                pod = copy.deepcopy(after or before)
                pod["metadata"]["resourceVersion"] = str(version)
                found.append({"type": kinds[was, stays], "object": pod})
        return found
