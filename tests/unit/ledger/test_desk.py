import asyncio
import sqlite3
import threading

import anyio
import pytest

from penstock.errors import JobError, LedgerError
from penstock.ledger.desk import Desk

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "numbers.db"
    with sqlite3.connect(path) as db:
        db.execute("create table number (value integer primary key)")
    db.close()
    return path


@pytest.fixture
async def desk(path):
    async with Desk(lambda: sqlite3.connect(path, isolation_level=None, timeout=5), name="book") as desk:
        yield desk


def insert(value):
    return lambda db: db.execute("insert into number values (?)", (value,)).lastrowid


def insert_all(db, values):
    return [insert(value)(db) for value in values]


def fail(error):
    def work(db):
        raise error

    return work


def numbers(path):
    db = sqlite3.connect(path)
    try:
        return [value for (value,) in db.execute("select value from number order by value")]
    finally:
        db.close()


async def gather(*calls):
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_work_is_durable_on_return_and_gives_its_result(desk, path):
    assert await desk.do(insert(3)) == 3
    assert numbers(path) == [3]


async def test_hand_ins_that_wait_together_are_one_transaction(desk, path):
    begun, go = threading.Event(), threading.Event()
    seen = []

    def hold(db):
        begun.set()
        go.wait(10)

    async def watch():
        await anyio.to_thread.run_sync(begun.wait)
        together = [asyncio.ensure_future(desk.do(insert(value))) for value in range(5)]
        together.append(asyncio.ensure_future(desk.do(lambda db: seen.extend(numbers(path)))))
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*together)

    await gather(desk.do(hold), watch())
    assert seen == []  # another connection sees nothing of a transaction before its end
    assert numbers(path) == [0, 1, 2, 3, 4]


async def test_a_bad_hand_in_fails_alone(desk, path):
    results = await gather(desk.do(insert(1)), desk.do(fail(JobError("no such job"))), desk.do(insert(2)))
    assert [type(result) for result in results] == [int, JobError, int]
    assert numbers(path) == [1, 2]


async def test_several_bad_hand_ins_of_a_round_fail_each_with_its_own_error(desk, path):
    calls = [desk.do(fail(KeyError(value)) if value % 3 == 0 else insert(value)) for value in range(10)]
    results = await gather(*calls)
    assert [result.args[0] for result in results if isinstance(result, KeyError)] == [0, 3, 6, 9]
    assert numbers(path) == [1, 2, 4, 5, 7, 8]


async def test_a_bad_value_of_a_gathered_call_fails_alone(desk, path):
    put = desk.gathered(insert_all)
    await desk.do(insert(5))
    results = await gather(*(put(value) for value in (4, 5, 6)))
    assert [type(result) for result in results] == [int, LedgerError, int]
    assert numbers(path) == [4, 5, 6]


async def test_simultaneous_gathered_calls_become_one_call(desk):
    sizes = []

    def work(db, values):
        sizes.append(len(values))
        return values

    put = desk.gathered(work)
    results = await gather(*(put(value) for value in range(100)))
    assert results == list(range(100))
    assert len(sizes) < 100


async def test_what_is_left_without_waiting_is_there_after_the_end(path):
    async with Desk(lambda: sqlite3.connect(path, isolation_level=None), name="book") as desk:
        put = desk.gathered(insert_all)
        for value in range(200):
            put.leave(value)
    assert numbers(path) == list(range(200))


async def test_an_error_of_what_was_left_is_raised_at_the_end(path):
    async def leave_twice():
        async with Desk(lambda: sqlite3.connect(path, isolation_level=None), name="book") as desk:
            put = desk.gathered(insert_all)
            put.leave(1)
            put.leave(1)

    with pytest.raises(LedgerError, match="book"):
        await leave_twice()


async def test_a_locked_database_fails_every_hand_in_of_the_round_at_once(path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    waits = []

    def connect():
        db = sqlite3.connect(path, isolation_level=None, timeout=0)
        db.set_trace_callback(waits.append)
        return db

    async with Desk(connect, name="book") as desk:
        results = await gather(*(desk.do(insert(value)) for value in range(50)))
    other.close()
    assert {type(result) for result in results} == {LedgerError}
    assert len(waits) < 10  # not once more for each of them


async def test_whoever_hands_in_may_be_cancelled_and_the_work_is_done_all_the_same(desk, path):
    with anyio.CancelScope() as scope:
        scope.cancel()
        await desk.do(insert(1))
    await desk.do(insert(2))
    assert numbers(path) == [1, 2]


async def test_an_error_of_the_database_is_explained_in_one_sentence(desk):
    with pytest.raises(LedgerError, match=r"^The book cannot be used: no such table: nowhere; make room .* resume\.$"):
        await desk.do(lambda db: db.execute("select * from nowhere"))


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("embedded null byte"), MemoryError()])
async def test_whatever_keeps_a_desk_from_opening_is_told_and_nobody_hangs(error):
    kind = LedgerError if isinstance(error, OSError) else type(error)
    with anyio.fail_after(10), pytest.raises(kind):
        async with Desk(lambda: fail(error)(None), name="book"):
            pass


async def test_a_desk_that_is_not_open_says_so(path):
    with pytest.raises(RuntimeError, match="async with"):
        await Desk(lambda: sqlite3.connect(path), name="book").do(insert(1))


async def test_the_thread_ends_with_the_block(path):
    before = threading.active_count()
    async with Desk(lambda: sqlite3.connect(path, isolation_level=None), name="book") as desk:
        await desk.do(insert(1))
        assert any(thread.name == "penstock-desk" for thread in threading.enumerate())
    assert not any(thread.name == "penstock-desk" for thread in threading.enumerate())
    assert threading.active_count() <= before + 1  # the loop's own pool
