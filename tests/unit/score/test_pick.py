"""Some rows of a table: the first ones, or the same random ones each time."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.records import Item, Key
from penstock.score.pick import mixed, pick


class Rows:
    parts = 2

    def __init__(self, count):
        self.count = count

    def rows(self):
        for row in range(self.count):
            yield [Item(key=Key(row, part), fields={"text": str(row)}) for part in range(self.parts)]


def numbers(picked):
    return [item.key.row for row in picked.rows() for item in row if item.key.part == 0]


def test_a_limit_takes_the_first_rows_with_their_numbers():
    picked = pick(Rows(10), rows=10, limit=3)
    assert numbers(picked) == [0, 1, 2]
    assert (picked.count, picked.length) == (3, 3)


def test_a_limit_beyond_the_end_takes_all_rows():
    assert numbers(pick(Rows(4), rows=4, limit=9)) == [0, 1, 2, 3]


def test_rows_between_those_that_are_taken_have_no_items():
    picked = pick(Rows(50), rows=50, sample=5)
    given = [len(row) for row in picked.rows()]
    assert len(given) == picked.length
    assert sorted(set(given)) == [0, 2]


def test_a_row_is_told_whether_it_is_taken():
    picked = pick(Rows(50), rows=50, sample=5)
    assert [row for row in range(50) if picked.has(row)] == numbers(picked)


def test_a_sample_of_nothing_is_empty():
    picked = pick(Rows(0), rows=0, sample=5)
    assert (numbers(picked), picked.length) == ([], 0)


def test_another_seed_takes_other_rows():
    assert numbers(pick(Rows(1000), rows=1000, sample=20)) != numbers(pick(Rows(1000), rows=1000, sample=20, seed=1))


def test_the_same_rows_are_taken_on_every_machine():
    assert numbers(pick(Rows(100), rows=100, sample=5)) == [2, 33, 42, 53, 94]


def test_hashes_are_those_of_the_published_generator():
    assert [mixed(number) for number in range(3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


@given(rows=st.integers(0, 200), limit=st.integers(1, 250) | st.none(), sample=st.integers(1, 250) | st.none())
def test_as_many_rows_as_asked_for_are_taken_in_order(rows, limit, sample):
    picked = pick(Rows(rows), rows=rows, limit=limit, sample=sample)
    found = numbers(picked)
    assert len(found) == picked.count == min(rows, limit or rows, sample or rows)
    assert found == sorted(set(found))
    assert all(row < (limit or rows) for row in found)


@given(rows=st.integers(1, 200), more=st.integers(0, 50), sample=st.integers(1, 50))
def test_a_table_that_grows_changes_the_sample_by_new_rows_only(rows, more, sample):
    before = set(numbers(pick(Rows(rows), rows=rows, sample=sample)))
    after = set(numbers(pick(Rows(rows + more), rows=rows + more, sample=sample)))
    assert all(row >= rows for row in after - before)
