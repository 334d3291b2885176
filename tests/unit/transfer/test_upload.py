"""Parts are made while parts are sent; an upload that fails is given up, and holds nobody up."""

import hashlib
import threading
import time

import pytest

from include.transfer.errors import StoreRefused, StoreUnavailable
from include.transfer.store import upload
from include.transfer.store.upload import PART_BYTES, in_parts, send_all
from tests.waiting import until

PATIENCE = 30


class Store:
    """Takes parts; what it does with each is given."""

    def __init__(self, taking=lambda number: None):
        self.taking, self.sent, self.done = taking, [], []

    def send(self, number, part):
        self.taking(number)
        self.sent.append(bytes(part))
        return f"etag-{number}"

    def all_of(self, parts):
        return send_all(parts, self.send, self.complete, lambda: self.done.append("given up"))

    def complete(self, etags):
        self.done.append(etags)
        return "of-all"


@pytest.mark.parametrize(
    ("pieces", "sizes"),
    [
        ([], [0]),
        ([b""], [0]),
        ([b"a", b"", b"b"], [2]),
        ([bytes(PART_BYTES - 1), b"ab"], [PART_BYTES, 1]),
        ([bytes(PART_BYTES)], [PART_BYTES]),
        ([bytes(3 * PART_BYTES + 5)], [PART_BYTES, PART_BYTES, PART_BYTES, 5]),
        ([bytes(PART_BYTES), b"", bytes(PART_BYTES)], [PART_BYTES, PART_BYTES]),
    ],
)
def test_all_parts_but_the_last_are_full(pieces, sizes):
    parts = [bytes(part) for part in in_parts(iter(pieces))]  # a buffer is filled again
    assert [len(part) for part in parts] == sizes
    assert b"".join(parts) == b"".join(pieces)


def test_an_object_that_grows_beyond_what_parts_hold(monkeypatch):
    monkeypatch.setattr(upload, "MOST_PARTS", 2)
    assert len(list(in_parts(iter([bytes(2 * PART_BYTES)])))) == 2
    with pytest.raises(StoreRefused, match=r"grown beyond .*2 parts of 5 MiB.*make batches smaller"):
        list(in_parts(iter([bytes(2 * PART_BYTES), b"1"])))


def test_the_next_part_is_made_while_one_is_sent():
    made = threading.Event()

    def parts():
        yield b"1"
        made.set()
        yield b"2"

    store = Store(lambda number: made.wait(PATIENCE) or pytest.fail("the second part was not made"))
    sent = store.all_of(parts())
    assert (sent.bytes, sent.etag, sorted(store.sent)) == (2, "of-all", [b"1", b"2"])
    assert store.done == [["etag-1", "etag-2"]]


def test_two_parts_are_in_memory_and_no_more():
    """The third is made when the first has been sent."""
    made, seen = [], []

    def take(number):
        if number == 1:
            until(lambda: len(made) == 2, PATIENCE)
            time.sleep(0.2)  # a third part would be made meanwhile
            seen.extend(made)

    store = Store(take)
    store.all_of(made.append(number) or b"x" for number in range(4))
    assert seen == [0, 1]
    assert made == [0, 1, 2, 3]


def test_a_part_is_not_overwritten_before_it_is_sent():
    store = Store(lambda number: time.sleep(0.05))  # a part would be made meanwhile
    pieces = [bytes([number]) * PART_BYTES for number in range(5)]
    sent = store.all_of(in_parts(iter(pieces)))
    assert sorted(store.sent) == pieces
    assert sent.sha256 == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_a_part_that_is_refused_ends_it_at_once():
    def refuse(number):
        raise StoreUnavailable("no")

    store, made = Store(refuse), []
    with pytest.raises(StoreUnavailable):
        store.all_of(made.append(number) or b"x" for number in range(9))
    assert (store.sent, store.done) == ([], ["given up"])
    assert made == list(range(upload._IN_MEMORY))


def test_it_is_given_up_after_the_part_that_is_being_sent():
    failed = threading.Event()

    def parts():
        yield b"1"
        threading.Timer(0.1, failed.set).start()
        raise ValueError("of the source")

    store = Store(lambda number: failed.wait(PATIENCE))
    with pytest.raises(ValueError, match="of the source"):
        store.all_of(parts())
    assert (store.sent, store.done) == ([b"1"], ["given up"])


@pytest.mark.parametrize(("seconds", "done"), [(0.01, []), (PATIENCE, ["given up"])])
def test_a_store_that_stalls_does_not_hold_up_a_ctrl_c(monkeypatch, seconds, done):
    monkeypatch.setattr(upload, "_SECONDS_TO_END", seconds)
    released = threading.Event()

    def parts():
        yield b"1"
        if done:
            released.set()
        raise KeyboardInterrupt

    store = Store(lambda number: released.wait(PATIENCE))
    try:
        with pytest.raises(KeyboardInterrupt):
            store.all_of(parts())
        assert store.done == done
    finally:
        released.set()


def test_an_object_that_cannot_be_completed_is_given_up():
    store = Store()
    store.complete = lambda etags: (_ for _ in ()).throw(StoreUnavailable("no"))
    with pytest.raises(StoreUnavailable):
        store.all_of(iter([b"1"]))
    assert store.done == ["given up"]
