"""The promise of `PacketStore`, kept by SQLite and by a real PostgreSQL server: one suite for both."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stack.app.gates.db_boundary import Latest
from stack.app.gates.types import Rejected
from stack.app.memory.answers import PacketRefused, StoreUnavailable, Written
from stack.app.memory.opening import open_store
from stack.app.memory.packet import Packet, new_packet
from stack.app.memory.store import PacketStore
from stack.telemetry.catalogue import SEGMENTS
from tests.contract.postgres_server import PostgresServer

NOW = 1_700_000_000.0
SEGMENT = "session_context"


class Backend(Protocol):
    """A database that tests can take away and give back."""

    target: str

    def take_down(self) -> None: ...
    def bring_up(self) -> None: ...


class SqliteBackend:
    def __init__(self, folder: Path) -> None:
        self.target = str(folder / "packets.db")
        self._aside = folder / "aside"

    def take_down(self) -> None:
        Path(self.target).rename(self._aside)
        Path(self.target).mkdir()

    def bring_up(self) -> None:
        Path(self.target).rmdir()
        self._aside.rename(self.target)


class PostgresBackend:
    def __init__(self, server: PostgresServer) -> None:
        self.target = server.emptied()
        self._server = server

    def take_down(self) -> None:
        self._server.stop()

    def bring_up(self) -> None:
        self._server.start()


class Clock:
    """A time that moves when told."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    if request.param == "sqlite":
        return SqliteBackend(tmp_path)
    return PostgresBackend(request.getfixturevalue("postgres"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(backend: Backend, clock: Clock) -> Iterator[PacketStore]:
    opened = open_store(backend.target, clock=clock)
    yield opened
    opened.close()


def packet(
    text: str = "plain", *, ttl: float | None = None, segment: str = SEGMENT, at: float = NOW
) -> Packet:
    return new_packet(segment, "note", {"text": text}, tags=("kind:note",), ttl=ttl, clock=lambda: at)


def texts(packets: list[Packet]) -> list[str]:
    return [str(found.payload["text"]) for found in packets]


def test_what_was_written_comes_back_equal(store: PacketStore) -> None:
    written = new_packet(
        SEGMENT,
        "note",
        {"n": 1.5, "deep": [{"a": None}], "odd": "\x00 \U0001f600 '\"%s ?"},
        tags=("größe:ß", "a b"),
        confidence=0.25,
        ttl=60,
        clock=lambda: NOW + 0.123456,
    )
    assert store.write(written) == Written(stored=1)
    assert store.recent(SEGMENT) == [written]


def test_a_known_id_changes_nothing(store: PacketStore) -> None:
    first, second = packet("first"), packet("second")
    store.write_many([first, second])
    assert store.write(first) == Written(stored=0, known=1)
    assert store.latest(SEGMENT) == second.packet_id
    assert store.sizes()[SEGMENT] == 2


def test_recent_is_newest_first_limited_and_by_segment(store: PacketStore) -> None:
    store.write_many([packet(str(n)) for n in range(5)])
    store.write(packet("other", segment="project_history"))
    assert texts(store.recent(SEGMENT, 3)) == ["4", "3", "2"]
    assert len(store.recent(SEGMENT, -7)) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("jumps", ["The quick brown fox jumps", "jumps twice"]),
        ("JUMPS fox", ["The quick brown fox jumps"]),
        ("jump", []),
        ("jum*", []),
        ("fox OR twice", []),
        ("fox | twice", []),
        ("naive", ["naïve Straße"]),
        ("STRASSE", ["naïve Straße"]),
        ('"fox', ["The quick brown fox jumps"]),
        ("(fox) & !brown:*", ["The quick brown fox jumps"]),
        ("-fox", ["The quick brown fox jumps"]),
        ("text:fox", ["The quick brown fox jumps"]),
        ("NEAR(fox brown)", []),
        ("'); DROP TABLE packets; --", []),
        ("日本語", ["日本語 テスト"]),
        ("", []),
        ('"*^-', []),
        ("\x00", []),
    ],
)
def test_a_query_is_words_and_nothing_else(store: PacketStore, query: str, found: list[str]) -> None:
    for text in ("jumps twice", "The quick brown fox jumps", "naïve Straße", "日本語 テスト"):
        store.write(packet(text))
    assert sorted(texts(store.search(SEGMENT, query))) == sorted(found)


def test_search_reads_types_tags_and_keys_too(store: PacketStore) -> None:
    store.write(packet("x"))
    assert [len(store.search(SEGMENT, word)) for word in ("note", "kind:note", "text", "absent")] == [
        1,
        1,
        1,
        0,
    ]
    assert store.search("project_history", "note") == []


def test_search_is_newest_first_and_limited(store: PacketStore) -> None:
    store.write_many([packet(f"same {n}") for n in range(4)])
    assert texts(store.search(SEGMENT, "same", 2)) == ["same 3", "same 2"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80))
def test_any_text_is_stored_found_and_harmless(store: PacketStore, text: str) -> None:
    written = packet(text)
    store.write(written)
    assert written in store.search(SEGMENT, f"note {text}", 1000)


def test_expired_packets_are_gone_at_once_and_deleted_by_expire(store: PacketStore, clock: Clock) -> None:
    short, long = packet("short", ttl=10), packet("long", ttl=100)
    store.write_many([packet("kept"), long, short])
    clock.now = NOW + 10
    assert texts(store.recent(SEGMENT)) == ["long", "kept"]
    assert store.search(SEGMENT, "short") == []
    assert store.sizes()[SEGMENT] == 2
    assert (store.expire(), store.expire()) == (1, 0)
    assert store.latest(SEGMENT) == short.packet_id
    assert store.expire(NOW + 1000) == 1
    assert texts(store.recent(SEGMENT)) == ["kept"]
    assert store.search(SEGMENT, "long") == []


def test_expire_deletes_more_than_one_batch(store: PacketStore) -> None:
    store.write_many([packet(str(n), ttl=1) for n in range(1203)])
    assert store.expire(NOW + 2) == 1203


def test_sizes_name_every_segment(store: PacketStore) -> None:
    assert store.sizes() == dict.fromkeys(SEGMENTS, 0)


def test_a_write_on_what_was_read_is_refused_once_it_changed(store: PacketStore) -> None:
    first, second, third = packet("1"), packet("2"), packet("3")
    assert store.latest(SEGMENT) is None
    store.write(first, expected_latest=None)
    store.write(second, expected_latest=first.packet_id)
    for stale in (None, first.packet_id):
        with pytest.raises(Rejected) as refusal:
            store.write(third, expected_latest=stale)
        assert refusal.value.error_code == "E_LATEST_MISMATCH"
    store.write(third, expected_latest=Latest.ANY)
    assert texts(store.recent(SEGMENT)) == ["3", "2", "1"]


def test_of_racing_writers_exactly_one_wins_each_round(backend: Backend, clock: Clock) -> None:
    stores = [open_store(backend.target, clock=clock) for _ in range(4)]
    won: list[str] = []

    def race(store: PacketStore) -> None:
        for _ in range(5):
            mine = packet("mine")
            try:
                store.write(mine, expected_latest=store.latest(SEGMENT))
            except Rejected:
                continue
            won.append(mine.packet_id)

    threads = [threading.Thread(target=race, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [found.packet_id for found in stores[0].recent(SEGMENT, 100)]
    assert sorted(kept) == sorted(won)
    assert stores[0].latest(SEGMENT) == kept[0]
    for opened in stores:
        opened.close()


def test_a_batch_leaves_out_what_the_database_refuses(
    store: PacketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, last = packet("good"), packet("bad"), packet("last")
    # No packet that passes its own checks is refused by these databases: give one a value that neither takes.
    object.__setattr__(bad, "body", None)
    with pytest.raises(PacketRefused, match="refuses this packet"):
        store.write(bad)
    assert store.recent(SEGMENT) == []
    written = store.write_many([good, bad, last])
    assert (written.stored, [packet_id for packet_id, _ in written.refused]) == (2, [bad.packet_id])
    assert texts(store.recent(SEGMENT)) == ["last", "good"]
    assert store.write_many([]) == Written(0)


def test_a_schema_that_another_program_changed_is_refused(store: PacketStore) -> None:
    store.write(packet())
    with store._database.lease(store._database.writers) as connection:
        connection.execute("INSERT INTO schema_migrations (version, applied_at) VALUES (99, 0)")
    with pytest.raises(Rejected) as refusal:
        store.write(packet())
    assert refusal.value.error_code == "E_DB_MIGRATION"
    store.close()
    with pytest.raises(StoreUnavailable, match="migration 99, this program knows 1: upgrade"):
        store.recent(SEGMENT)


def test_an_expected_migration_other_than_the_schemas_is_refused(backend: Backend) -> None:
    with pytest.raises(Rejected) as refusal:
        open_store(backend.target, expected_migration=7).write(packet())
    assert refusal.value.error_code == "E_DB_MIGRATION"


def test_programs_that_open_a_new_database_together_migrate_it_once(backend: Backend) -> None:
    stores = [open_store(backend.target) for _ in range(4)]
    results: list[Written] = []
    threads = [threading.Thread(target=lambda s=s: results.append(s.write(packet()))) for s in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [Written(1)] * 4
    assert len(stores[0]._database.rows("SELECT version FROM schema_migrations", ())) == 1
    for opened in stores:
        opened.close()


def test_a_store_that_is_down_says_so_and_serves_again_when_it_is_back(
    store: PacketStore, backend: Backend
) -> None:
    kept = packet("kept")
    store.write(kept)
    assert store.probe().healthy
    backend.take_down()
    try:
        with pytest.raises(StoreUnavailable) as error:
            store.write(packet())
        assert store.name in str(error.value) and "\n" not in str(error.value)
        with pytest.raises(StoreUnavailable):
            store.recent(SEGMENT)
        probe = store.probe()
        assert not probe.healthy and store.name in probe.detail
    finally:
        backend.bring_up()
    assert store.probe().healthy
    assert store.write(packet("later")).stored == 1
    assert texts(store.recent(SEGMENT)) == ["later", "kept"]


def test_a_probe_leaves_no_packet_and_no_pile_of_tokens(store: PacketStore, clock: Clock) -> None:
    for _ in range(3):
        assert store.probe().detail == ""
        clock.now += 61
    assert store.sizes() == dict.fromkeys(SEGMENTS, 0)
    assert len(store._database.rows("SELECT token FROM probes", ())) == 1


def test_many_threads_write_and_read_at_once(store: PacketStore) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                store.write(packet(f"worker{number} turn{turn}"))
                assert store.search(SEGMENT, f"worker{number} turn{turn}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.sizes()[SEGMENT] == 80


def test_packets_outlive_the_program(backend: Backend) -> None:
    first = open_store(backend.target)
    first.write(packet("kept"))
    first.close()
    assert texts(open_store(backend.target).recent(SEGMENT)) == ["kept"]


def test_a_database_that_was_restarted_costs_nobody_an_error(backend: Backend, store: PacketStore) -> None:
    readers = threading.Barrier(3)

    def read(_: int) -> None:
        with store._database.lease(store._database.readers):
            readers.wait(30)

    for round_ in range(3):
        with ThreadPoolExecutor(3) as pool:  # several connections of the pool, all of which die
            list(pool.map(read, range(3)))
        store.write(packet(str(round_)))
        backend.take_down()
        backend.bring_up()
        assert store.write(packet("after")).stored == 1
        for _ in range(4):
            assert len(store.recent(SEGMENT, 100)) == 2 * (round_ + 1)
        assert store.probe().healthy


def test_connections_of_which_nobody_knows_yet_that_they_are_dead_cost_nobody_an_error(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(postgres.emptied())
    for pool in (store._database.readers, store._database.writers):
        monkeypatch.setattr(pool, "_fresh", lambda connection: True)
    store.write(packet("one"))
    store.recent(SEGMENT)
    postgres.stop()
    postgres.start()
    assert texts(store.recent(SEGMENT)) == ["one"]
    assert store.write(packet("two")).stored == 1
    store.close()


def test_pages_end_where_the_bytes_do(store: PacketStore) -> None:
    for number in range(5):
        store.write(packet("x" * 1000 + str(number)))
    assert len(store.recent(SEGMENT, 5)) == 5
    assert [found[-1] for found in texts(store.recent(SEGMENT, 5, 2500))] == ["4", "3"]
    assert len(store.recent(SEGMENT, 5, 1)) == 1
    store.write(packet("word"))
    assert len(store.search(SEGMENT, "word", 5, 1)) == 1


def test_a_packet_is_found_by_its_id_until_it_expires(store: PacketStore, clock: Clock) -> None:
    kept = new_packet(SEGMENT, "note", {"a": 1}, ttl=10, clock=clock)
    store.write(kept)
    assert store.find(kept.packet_id) == kept
    assert store.find("another") is None
    clock.now += 11
    assert store.find(kept.packet_id) is None
