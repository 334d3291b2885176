"""What was read last of the store; an object that changed has another ETag, so none of it is ever stale."""

from threading import Lock
from typing import Generic, TypeVar

Read = TypeVar("Read")
Key = tuple[str, str, str]  # bucket, key, ETag


class Kept(Generic[Read]):
    """At most so many, for all threads."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._kept: dict[Key, Read] = {}
        self._lock = Lock()

    def get(self, key: Key) -> Read | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: Key, read: Read) -> None:
        with self._lock:
            self._kept[key] = read
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
