"""Rankings made side by side or in turn, with a deadline: what is lost, what is waited for, what is let go."""

import threading
from collections import Counter

import pytest

from interleaved import Hanging, always, counted, raises, soon, threads
from penstock.errors import InputError
from penstock.interleave.making import MOST_STUCK, Pulled, Runner, SideError, callable_of
from penstock.interleave.workers import Workers


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Threadless(Workers):
    """Workers on a system that gives only so many threads."""

    def __init__(self, threads):
        super().__init__()
        self.left = threads

    def start(self, work):
        if not self.left:
            raise RuntimeError("can't start new thread")
        self.left -= 1
        return super().start(work)


def runner(*rankers, deadline=20.0, **more):
    return Runner(dict(zip("ABC", map(always, rankers), strict=False)), deadline=deadline, **more)


def losses(made):
    return [each.loss for each in made]


def values(made):
    return [each.value for each in made]


@pytest.mark.parametrize("way", ["side_by_side", "one_by_one"])
class TestBothWays:
    """What holds side by side and one by one."""

    def test_rankings_come_in_the_order_of_the_rankers(self, way):
        made = getattr(runner([1], [2], [3]), way)(None)
        assert [(each.name, each.value) for each in made] == [("A", [1]), ("B", [2]), ("C", [3])]
        assert all(each.seconds >= 0 for each in made)

    def test_each_ranker_is_called_once_with_the_context(self, way):
        asked = Counter()
        rankers = {name: lambda context, name=name: [asked.update([(name, context)])] for name in "AB"}
        getattr(Runner(rankers, deadline=20), way)("now")
        assert asked == {("A", "now"): 1, ("B", "now"): 1}

    def test_a_ranker_that_raises_costs_its_side_only(self, way):
        error = ValueError("no")
        made = getattr(runner(raises(error), [2]), way)(None)
        assert losses(made) == ["raised", None]
        assert made[0].error is error

    @pytest.mark.parametrize("nothing", [None, [], (), {}, ""])
    def test_a_ranker_that_returns_nothing_is_empty(self, way, nothing):
        assert losses(getattr(runner([1], lambda _context: nothing), way)(None)) == [None, "empty"]

    def test_a_ranking_whose_length_cannot_be_told_costs_its_side_only(self, way):
        class Lengthless:
            def __len__(self):
                raise TypeError("len() of unsized object")

        made = getattr(runner([1], lambda _context: Lengthless()), way)(None)
        assert losses(made) == [None, "raised"]


def test_even_an_exit_in_a_ranker_s_thread_costs_its_side_only():
    assert losses(runner([1], raises(SystemExit(1))).side_by_side(None)) == [None, "raised"]


def test_an_interrupt_is_not_kept_from_the_caller_s_thread():
    with pytest.raises(KeyboardInterrupt):
        runner(raises(KeyboardInterrupt()), [2]).one_by_one(None)


def test_side_by_side_the_rankers_are_at_work_at_the_same_time():
    barrier = threading.Barrier(3, timeout=20)
    meet = [lambda _context, number=number: [number, barrier.wait()] for number in range(3)]
    assert losses(runner(*meet).side_by_side(None)) == [None, None, None]


def test_one_by_one_all_rankers_run_in_the_caller_s_thread():
    where = [lambda _context: [threading.get_ident()]] * 2
    assert values(runner(*where).one_by_one(None)) == [[threading.get_ident()]] * 2


def test_a_late_side_costs_only_itself():
    with Hanging() as hanging:
        made = runner([1], hanging, deadline=0.01).side_by_side(None)
        assert losses(made) == [None, "late"]
        assert hanging.returned == 0


def test_a_ranking_that_is_there_is_waited_for_no_longer():
    with Hanging() as hanging:
        made = runner(hanging, raises(ValueError()), [3], deadline=0.01).side_by_side(None)
        assert losses(made) == ["late", "raised", None]


def test_without_anything_to_serve_the_first_ranking_after_the_deadline_is_waited_for():
    go = threading.Event()
    threading.Timer(0.2, go.set).start()
    with Hanging() as hanging:
        made = runner(lambda _context: [go.wait(20)], hanging, deadline=0.01).side_by_side(None)
        assert losses(made) == [None, "late"]


def test_an_empty_ranking_is_nothing_to_serve_instead():
    go = threading.Event()
    threading.Timer(0.2, go.set).start()
    made = runner(lambda _context: [go.wait(20)], [], deadline=0.01).side_by_side(None)
    assert losses(made) == [None, "empty"]


def test_without_a_deadline_all_are_waited_for():
    go = threading.Event()
    threading.Timer(0.1, go.set).start()
    made = runner([1], lambda _context: [go.wait(20)], deadline=None).side_by_side(None)
    assert losses(made) == [None, None]


def test_one_by_one_a_ranker_is_left_out_once_the_deadline_is_over():
    clock = Clock()

    def slow(_context):
        clock.now += 2
        return [1]

    made = runner(slow, raises(AssertionError("asked")), deadline=1.0, clock=clock).one_by_one(None)
    assert losses(made) == [None, "late"]


def test_one_by_one_a_deadline_never_leaves_nothing():
    clock = Clock()

    def slow(_context):
        clock.now += 2
        raise ValueError

    assert losses(runner(slow, [2], deadline=1.0, clock=clock).one_by_one(None)) == ["raised", None]


class TestStuck:
    """A ranker whose late calls are still at work."""

    def hang(self, made_by, times):
        return [losses(made_by.side_by_side(None))[1] for _ in range(times)]

    def test_is_called_no_more(self):
        with Hanging() as hanging:
            mine = runner([1], hanging, deadline=0.001)
            assert self.hang(mine, MOST_STUCK + 20) == ["late"] * MOST_STUCK + ["stuck"] * 20
            assert soon(lambda: hanging.calls >= MOST_STUCK)
            assert hanging.calls == MOST_STUCK

    def test_is_called_again_when_a_call_returns(self):
        with Hanging() as hanging:
            mine = runner([1], hanging, deadline=0.001)
            self.hang(mine, MOST_STUCK)
            hanging.let_go()
            assert soon(lambda: all(call.over for call in mine._late["B"]))
            mine._deadline = 20.0
            assert losses(mine.side_by_side(None)) == [None, None]

    def test_is_tried_once_more_after_a_while(self):
        clock = Clock()
        with Hanging() as hanging:
            mine = runner([1], hanging, deadline=0.001, clock=clock)
            self.hang(mine, MOST_STUCK)
            clock.now += 29
            assert self.hang(mine, 1) == ["stuck"]
            clock.now += 2
            assert self.hang(mine, 2) == ["late", "stuck"]
            assert soon(lambda: hanging.calls >= MOST_STUCK + 1)
            assert hanging.calls == MOST_STUCK + 1

    def test_does_not_fill_the_process_with_trials(self):
        clock = Clock()
        with Hanging() as hanging:
            mine = runner([1], hanging, deadline=0.001, clock=clock)
            for _ in range(120):
                clock.now += 31
                self.hang(mine, 1)
            assert soon(lambda: hanging.calls >= 64)
            assert hanging.calls == 64

    def test_costs_the_other_rankers_nothing(self):
        with Hanging() as hanging:
            mine = runner([1], hanging, [3], deadline=0.001)
            self.hang(mine, MOST_STUCK)
            mine._deadline = 20.0
            assert losses(mine.side_by_side(None)) == [None, "stuck", None]


class TestWithoutThreads:
    """A system that gives no more threads."""

    def test_nothing_is_started_where_there_is_not_one(self):
        asked = []
        mine = runner(lambda _context: asked.append("A"), [2], workers=Threadless(0))
        with pytest.raises(RuntimeError, match="no thread"):
            mine.side_by_side(None)
        assert asked == []

    @pytest.mark.parametrize("enough_for", [1, 2])
    def test_what_finds_none_is_made_here_and_nothing_twice(self, enough_for):
        asked = Counter()
        rankers = {name: lambda _context, name=name: [asked.update(name)] for name in "ABC"}
        made = Runner(rankers, deadline=20, workers=Threadless(enough_for)).side_by_side(None)
        assert losses(made) == [None, None, None]
        assert asked == {"A": 1, "B": 1, "C": 1}


class TestStreams:
    """Rankings that come item by item."""

    def pulled(self, mine):
        made = mine.side_by_side(None)
        assert all(isinstance(each.value, Pulled) for each in made)
        return made

    def test_an_item_is_made_only_when_it_is_asked_for(self):
        taken = []
        mine = runner(counted(range(100), taken))
        made = self.pulled(mine)
        assert soon(lambda: taken == [0])
        assert [next(made[0].value) for _ in range(3)] == [0, 1, 2]
        mine.let_go(made)
        assert soon(lambda: made[0].value.over)
        assert taken == [0, 1, 2]

    def test_a_stream_ends_where_the_ranker_ends_it(self):
        mine = runner(counted([1, 2], []))
        assert list(self.pulled(mine)[0].value) == [1, 2]

    def test_a_stream_that_breaks_off_gives_what_it_had_and_then_its_error(self):
        def broken(_context):
            yield 1
            raise ValueError("half way")

        stream = self.pulled(runner(broken))[0].value
        assert next(stream) == 1
        with pytest.raises(SideError) as caught:
            next(stream)
        assert (caught.value.loss, str(caught.value.__cause__)) == ("raised", "half way")

    def test_a_stream_that_hangs_is_late_and_what_it_gave_is_kept(self):
        go = threading.Event()

        def slow(_context):
            yield 1
            go.wait(60)
            yield 2

        mine = runner(slow, deadline=0.3)
        made = self.pulled(mine)
        assert next(made[0].value) == 1
        with pytest.raises(SideError) as caught:
            next(made[0].value)
        assert caught.value.loss == "late"
        mine.let_go(made)
        go.set()

    def test_streams_that_hang_are_stuck_like_calls_that_hang(self):
        go = threading.Event()

        def hangs(_context):
            yield 1
            go.wait(60)

        mine = runner([1], hangs, deadline=0.15)
        for _ in range(MOST_STUCK):
            made = mine.side_by_side(None)
            assert losses(made) == [None, None]
            with pytest.raises(SideError):
                list(made[1].value)
            mine.let_go(made)
        assert losses(mine.side_by_side(None)) == [None, "stuck"]
        go.set()
        assert soon(lambda: all(call.over for call in mine._late["B"]))
        made = mine.side_by_side(None)
        assert losses(made) == [None, None]
        mine.let_go(made)

    def test_letting_go_ends_the_ranker_s_generator(self):
        ended = threading.Event()

        def careful(_context):
            try:
                while True:
                    yield 1
            finally:
                ended.set()

        mine = runner(careful)
        mine.let_go(self.pulled(mine))
        assert ended.wait(20)

    def test_a_stream_that_comes_too_late_is_nobody_s(self):
        ended = threading.Event()
        go = threading.Event()

        def late(_context):
            go.wait(60)
            return careful()

        def careful():
            try:
                yield 1
            finally:
                ended.set()

        before = threads()
        mine = runner([1], late, deadline=0.01)
        assert losses(mine.side_by_side(None)) == [None, "late"]
        go.set()
        assert soon(lambda: all(call.over for call in mine._late["B"]))
        mine._workers.close()
        assert soon(lambda: threads() <= before)


class Full:
    def rank_full(self, context):
        return [f"full {context}"]


class Both(Full):
    def rank_stream(self, context):
        yield f"stream {context}"


def test_an_object_with_rank_full_is_a_ranker():
    assert callable_of(Full())("x") == ["full x"]


def test_an_object_that_can_give_items_one_by_one_is_asked_to():
    assert list(callable_of(Both())("x")) == ["stream x"]


def test_what_is_no_ranker_is_refused_at_once():
    with pytest.raises(InputError, match="7 is no ranker"):
        callable_of(7)
