"""The course of a job lays its runs one after the other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from penstock.jobs.report.course import Course, split, trace


def line(seconds, done, **gauges):
    return {"seconds": seconds, "done": done, "failed": 0, "rate": 1.0, "working": 1, **gauges}


def moments(course):
    return [moment for run in course.runs for moment in run.moments]


def test_without_lines_there_is_no_run():
    assert trace([]) == Course()
    assert trace([]).seconds == 0


def test_seconds_that_start_anew_are_a_new_run_after_the_old_one():
    course = trace([line(0, 0), line(5, 50), line(0, 0), line(3, 90)])
    assert [moment.at for moment in moments(course)] == [0, 5, 5, 8]
    assert course.resumed == [5]


def test_calls_that_start_anew_are_a_new_run_even_at_the_same_second():
    assert len(trace([line(0, 0, calls=0), line(1, 1, calls=9), line(1, 1, calls=0)]).runs) == 2


def test_what_earlier_runs_did_stays_done():
    course = trace([line(0, 0), line(5, 50), line(0, 0), line(3, 90)])
    assert [moment.done for moment in moments(course)] == [0, 50, 50, 90]


def test_totals_add_up_over_runs():
    course = trace([line(0, 0, calls=0), line(5, 50, calls=60), line(0, 0, calls=0), line(3, 90, calls=45)])
    assert course.total("calls") == 105


def test_what_was_never_measured_has_no_total():
    assert trace([line(0, 0), line(1, 5)]).total("cache_hits") is None


def test_refusals_are_told_for_the_time_since_the_moment_before():
    course = trace([line(0, 0, throttled=1), line(1, 1, throttled=4), line(0, 1, throttled=2)])
    assert [moment.refused for moment in moments(course)] == [1, 3, 2]


def test_speed_is_what_was_done_in_a_stretch():
    (run,) = trace([line(0, 0), line(1, 10), line(2, 40)]).runs
    assert run.speeds() == [(0, 10), (1, 10), (2, 30)]


def test_a_stretch_of_no_length_makes_no_peak():
    (run,) = trace([line(0, 0), line(1, 10), line(2, 20), line(2.001, 30)]).runs
    assert max(speed for _, speed in run.speeds()) == 10


def test_a_run_of_one_line_has_no_speed():
    assert trace([line(0, 0)]).runs[0].speeds() == []


def test_only_a_judge_that_calls_is_paced():
    assert not trace([line(0, 0), line(1, 5)]).paced
    assert trace([line(0, 0, limit=4.0, in_flight=0)]).paced


@given(
    runs=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=80), min_size=1, max_size=4),
    most=st.integers(1, 50),
)
def test_thinning_keeps_the_end_and_every_refusal(runs, most):
    lines = []
    for refusals in runs:
        lines.append(line(0.0, len(lines), throttled=0, limit=8.0, in_flight=0))
        for second in range(1, len(refusals) + 1):
            refused = sum(refusals[:second])
            lines.append(line(float(second), len(lines), throttled=refused, limit=8.0, in_flight=4))
    course = trace(lines)
    thin = course.thinned(most)
    assert sum(moment.refused for moment in moments(thin)) == sum(map(sum, runs))
    assert moments(thin)[-1].done == moments(course)[-1].done
    assert len(moments(thin)) <= most + len(runs)


@given(numbers=st.lists(st.integers(0, 5), max_size=30))
def test_splitting_loses_no_line_and_never_falls_within_a_run(numbers):
    runs = split([{"at": number} for number in numbers], "at")
    assert [found["at"] for run in runs for found in run] == numbers
    assert all(one["at"] <= other["at"] for run in runs for one, other in pairwise(run))
