"""What an API server stores: objects, the version of each, and what happened to them since."""

import asyncio
import copy
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chassis import ids

Object = dict[str, Any]
Key = tuple[str, str, str]
"""Plural, namespace and name."""


class Refusal(Exception):
    """What a client is told instead of an object: code, reason and message of a `Status`."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message

    def status(self) -> Object:
        """Return it as clients read it."""
        found = {"status": "Failure", "code": self.code, "reason": self.reason, "message": self.message}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}} | found


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history. `kind` is ADDED, MODIFIED or DELETED."""

    version: int
    kind: str
    key: Key
    found: Object


@dataclass(slots=True)
class Objects:
    """All objects. None is ever changed in place, so whoever has one may keep it."""

    version: int = 1000
    oldest: int = 1000
    """The history before this version is forgotten."""
    by_key: dict[Key, Object] = field(default_factory=dict)
    history: list[Change] = field(default_factory=list)
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def create(self, plural: str, namespace: str, wanted: Object) -> Object:
        """Store a new object. AlreadyExists."""
        meta = wanted.get("metadata") or {}
        name = meta.get("name") or f"{meta['generateName']}{ids.new().hex[-8:]}"
        key = (plural, namespace, name)
        if key in self.by_key:
            raise Refusal(409, "AlreadyExists", f'{plural} "{name}" already exists')
        given = {"name": name, "namespace": namespace, "uid": str(ids.new()), "creationTimestamp": _now()}
        return self._store("ADDED", key, copy.deepcopy(wanted) | {"metadata": copy.deepcopy(meta) | given})

    def get(self, key: Key) -> Object:
        """Return an object. NotFound."""
        if key not in self.by_key:
            raise Refusal(404, "NotFound", f'{key[0]} "{key[2]}" not found')
        return self.by_key[key]

    def change(self, key: Key, edit: Callable[[Object], Object | None]) -> Object:
        """Store what `edit` makes of a copy of an object; a version that it names must be the present one."""
        current = self.get(key)
        edited = copy.deepcopy(current)
        edited = edit(edited) or edited
        named = edited["metadata"].get("resourceVersion", current["metadata"]["resourceVersion"])
        if named != current["metadata"]["resourceVersion"]:
            raise Refusal(409, "Conflict", f'Operation cannot be fulfilled on {key[0]} "{key[2]}": it was modified')
        if edited == current:
            return current
        return self._store("MODIFIED", key, edited)

    def remove(self, key: Key) -> None:
        """Remove an object, if it is there, and what belongs to it."""
        found = self.by_key.pop(key, None)
        if found is None:
            return
        self._note("DELETED", key, found)
        owner = found["metadata"]["uid"]
        for other, owned in list(self.by_key.items()):
            if any(each["uid"] == owner for each in owned["metadata"].get("ownerReferences", ())):
                self.remove(other)

    def list(self, plural: str, namespace: str, matches: Callable[[Object], bool]) -> list[Object]:
        """Return the objects of a kind, in the order of their names."""
        keys = sorted(key for key in self.by_key if key[:2] == (plural, namespace))
        return [found for found in (self.by_key[key] for key in keys) if matches(found)]

    async def watch(self, plural: str, namespace: str, since: int) -> AsyncIterator[Change]:
        """Give what happens to objects of a kind after a version. Expired when that is forgotten."""
        while True:
            if since < self.oldest:
                raise Refusal(410, "Expired", f"too old resource version: {since} ({self.oldest})")
            bell = self.bell
            for change in self.history[bisect_right(self.history, since, key=lambda each: each.version) :]:
                since = change.version
                if change.key[:2] == (plural, namespace):
                    yield change
            await bell.wait()

    def forget_history(self) -> None:
        """Let go of the history, as a server does with what is some minutes old."""
        self.version += 1
        self.oldest, self.history = self.version, []
        self.ring()

    def ring(self) -> None:
        """Wake everybody who waits for something."""
        bell, self.bell = self.bell, asyncio.Event()
        bell.set()

    def _store(self, kind: str, key: Key, found: Object) -> Object:
        self.by_key[key] = found
        return self._note(kind, key, found)

    def _note(self, kind: str, key: Key, found: Object) -> Object:
        self.version += 1
        noted = found | {"metadata": found["metadata"] | {"resourceVersion": str(self.version)}}
        if kind != "DELETED":
            self.by_key[key] = noted
        self.history.append(Change(self.version, kind, key, noted))
        self.ring()
        return noted


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deletion(found: Object, seconds: int) -> None:
    """Mark an object as one that is about to go."""
    found["metadata"] |= {"deletionTimestamp": _now(), "deletionGracePeriodSeconds": seconds}
