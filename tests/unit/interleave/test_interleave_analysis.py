"""The analysis as a whole: what counts, what is left out, and what is said in the end."""

import io
import json
import logging

import msgspec
import pytest

from interleaving import Traffic, click, duel, messy, record, shown, write_lines
from penstock.errors import InputError
from penstock.interleave.analysis import Credit, Report, analyse
from penstock.interleave.experiment import Experiment
from penstock.interleave.methods import METHODS
from penstock.interleave.sinks import to_cloudwatch, to_logger, to_stream


def analysed(tmp_path, records, clicks=(), **how):
    log, clicks = write_lines(tmp_path / "log.jsonl", records), write_lines(tmp_path / "clicks.jsonl", clicks)
    return analyse(log, clicks, **how)


def outcomes(report):
    """Give (wins, losses, ties) of the only comparison."""
    (found,) = report.comparisons
    return found.wins, found.losses, found.ties


def test_clicks_make_wins_losses_and_ties(tmp_path):
    lines = [duel(f"r{number}", user=f"u{number}") for number in range(4)]
    report = analysed(tmp_path, lines, [click("r0", "x"), click("r1", "y"), click("r2", "x"), click("r2", "y")])
    assert outcomes(report) == (1, 1, 1)
    assert report.left_out.without_clicks == 1
    assert report.comparisons[0].chapelle == 0.0


def test_several_clicks_on_one_item_count_once(tmp_path):
    report = analysed(tmp_path, [duel("r1")], [click("r1", "x"), click("r1", "x"), click("r1", "y")])
    assert outcomes(report) == (0, 0, 1)
    assert report.clicks.repeated == 1


def test_a_click_belongs_to_its_ranking_and_not_to_every_ranking_with_the_item(tmp_path):
    report = analysed(tmp_path, [duel("r1"), duel("r2", user="u2")], [click("r1", "x")])
    assert outcomes(report) == (1, 0, 0)


def test_fallbacks_do_not_count_and_are_counted(tmp_path):
    lines = [
        duel("r1", fallback_reason="B:late"),
        duel("r2", mode="A", setting="INTERLEAVE", fallback_reason="B:raised"),
        duel("r3"),
    ]
    report = analysed(tmp_path, lines, [click(each, "x") for each in ("r1", "r2", "r3")])
    assert outcomes(report) == (1, 0, 0)
    assert report.left_out.fallback == {"B:late": 1, "B:raised": 1}
    assert report.clicks.elsewhere == 2


def test_a_ranking_that_falls_back_on_its_second_page_does_not_count(tmp_path):
    lines = [duel("r1"), duel("r1", offset=2, fallback_reason="B:late"), duel("r2", user="u2")]
    report = analysed(tmp_path, lines, [click("r1", "x"), click("r2", "y")])
    assert outcomes(report) == (0, 1, 0)
    assert report.left_out.fallback == {"B:late": 1}


def test_pages_of_a_ranking_are_one_ranking(tmp_path):
    second = record("r1", [shown("p", 3, "B", (3, 4)), shown("q", 4, "B", (4, 3))], offset=2)
    report = analysed(tmp_path, [second, duel("r1")], [click("r1", "x"), click("r1", "p"), click("r1", "q")])
    assert outcomes(report) == (0, 1, 0)
    assert (report.log.rankings, report.log.pages) == (1, 2)


def test_the_common_prefix_ends_on_the_first_page_for_the_second(tmp_path):
    second = record("r1", [shown("p", 3, "A", (3, 3))], offset=2)
    assert outcomes(analysed(tmp_path, [second, duel("r1")], [click("r1", "p")])) == (1, 0, 0)


def test_a_repeated_line_counts_once(tmp_path):
    report = analysed(tmp_path, [duel("r1"), duel("r1"), duel("r1", time="2026-11-01T09:10:00Z")], [click("r1", "x")])
    assert outcomes(report) == (1, 0, 0)
    assert report.log.duplicates == 2


def test_a_repeated_second_page_counts_once(tmp_path):
    second = record("r1", [shown("p", 3, "B", (3, 4))], offset=2)
    report = analysed(tmp_path, [duel("r1"), second, second], [click("r1", "p")])
    assert (report.log.pages, report.log.duplicates) == (2, 1)


def test_a_ranking_with_a_page_on_the_other_side_of_the_time_is_left_out(tmp_path):
    lines = [duel("r1"), duel("r1", offset=2, time="2026-11-02T00:00:01Z"), duel("r2", user="u2")]
    report = analysed(tmp_path, lines, [click("r1", "x"), click("r2", "y")], until="2026-11-02")
    assert outcomes(report) == (0, 1, 0)
    assert report.left_out.other_time == 1


def test_rankings_served_alone_without_user_or_contest_are_left_out_by_reason(tmp_path):
    lines = [
        duel("r1", mode="A", setting="INTERLEAVE"),
        duel("r2", mode="B"),
        duel("r3", user=None),
        duel("r4", competitive=False),
        duel("r5"),
    ]
    report = analysed(tmp_path, lines, [click(line["ranking_id"], "x") for line in lines])
    left_out = report.left_out
    assert left_out.served_alone == {"A": 1, "B": 1}
    assert (left_out.no_user, left_out.not_competitive, left_out.without_clicks) == (1, 1, 0)
    assert outcomes(report) == (1, 0, 0)


def test_only_the_experiment_time_and_users_asked_for_count(tmp_path):
    lines = [
        duel("r1"),
        duel("r2", experiment="other"),
        duel("r3", time="2026-11-02T00:00:00Z"),
        duel("r4", time="2026-10-31T23:59:59Z"),
        duel("r5", user="tester"),
    ]
    report = analysed(
        tmp_path,
        lines,
        [click(line["ranking_id"], "x") for line in lines],
        experiment="home",
        since="2026-11-01",
        until="2026-11-02T00:00Z",
        leave_out={"tester"},
    )
    assert outcomes(report) == (1, 0, 0)
    left_out = report.left_out
    assert (left_out.other_experiment, left_out.other_time, left_out.excluded_user) == (1, 2, 1)


def test_each_experiment_and_method_is_compared_for_itself(tmp_path):
    lines = [duel("r1"), duel("r2", experiment="other"), duel("r3", method="balanced_v1")]
    report = analysed(tmp_path, lines, [click(line["ranking_id"], "x") for line in lines])
    found = {(each.experiment, each.method, each.credit): each.wins for each in report.comparisons}
    assert found == {
        ("home", "team_draft_v1", "team_contested"): 1,
        ("other", "team_draft_v1", "team_contested"): 1,
        ("home", "balanced_v1", "balanced"): 1,
    }


def three(ranking_id, user):
    items = [shown("x", 1, "A", (1, 2, 3)), shown("y", 2, "B", (2, 1, 2)), shown("z", 3, "C", (3, 3, 1))]
    return record(ranking_id, items, rankers=["A", "B", "C"], user=user)


def test_of_three_rankers_every_pair_is_compared(tmp_path):
    report = analysed(tmp_path, [three("r1", "u1"), three("r2", "u2")], [click("r1", "x"), click("r2", "z")])
    found = {(each.a, each.b): (each.wins, each.losses, each.ties) for each in report.comparisons}
    assert found == {("A", "B"): (1, 0, 1), ("A", "C"): (1, 1, 0), ("B", "C"): (0, 1, 1)}


def test_one_pair_may_be_asked_for_in_either_order(tmp_path):
    lines = [three("r1", "u1")]
    report = analysed(tmp_path, lines, [click("r1", "z")], a="C", b="A")
    assert [(each.a, each.b, each.wins) for each in report.comparisons] == [("C", "A", 1)]


def test_rankers_logged_in_another_order_are_the_same_pair(tmp_path):
    other = record("r2", [shown("x", 1, "A", (2, 1)), shown("y", 2, "B", (1, 2))], rankers=["B", "A"], user="u2")
    report = analysed(tmp_path, [duel("r1"), other], [click("r1", "x"), click("r2", "x")])
    assert outcomes(report) == (2, 0, 0)


def test_a_user_has_one_vote_however_many_rankings(tmp_path):
    lines = [duel(f"r{number}", user="busy") for number in range(9)] + [duel("s1", user="u2"), duel("s2", user="u3")]
    clicks = [click(f"r{number}", "x") for number in range(9)] + [click("s1", "y"), click("s2", "y")]
    (found,) = analysed(tmp_path, lines, clicks).comparisons
    assert found.by_user.estimate == pytest.approx(-1 / 3)
    assert found.by_ranking.estimate == pytest.approx(7 / 11)


def test_graded_credit_is_added_up_and_its_sign_is_the_outcome(tmp_path):
    def line(name, credit):
        return record(name, [shown("x", 1, "A", (1, 2), credit=credit)], method="optimized_v1", user=name)

    (found,) = analysed(tmp_path, [line("r1", 0.5), line("r2", -0.1)], [click("r1", "x"), click("r2", "x")]).comparisons
    assert found.by_user.estimate == pytest.approx(0.2)
    assert (found.wins, found.losses, found.graded) == (1, 1, True)


def test_a_credit_of_ones_own_counts_on_the_methods_it_is_said_to_fit(tmp_path):
    first = Credit(
        name="first click",
        fits=frozenset({"team_draft_v1"}),
        rule=lambda clicked, contest, pair: 1.0 if min(clicked).source == pair[0] else -1.0,
    )
    clicks = [click("r1", "y"), click("r1", "x")]
    assert outcomes(analysed(tmp_path, [duel("r1")], clicks, credit=first)) == (1, 0, 0)
    with pytest.raises(InputError, match="first click fits team_draft_v1"):
        analysed(tmp_path, [duel("r1", method="balanced_v1")], clicks, credit=first)


def test_a_credit_that_does_not_fit_the_log_is_refused(tmp_path):
    with pytest.raises(InputError, match="can name the wrong winner"):
        analysed(tmp_path, [duel("r1")], [click("r1", "x")], credit="logged")


def test_the_order_of_lines_makes_no_difference(tmp_path):
    records, clicks = messy(rankings=150)
    names = {}
    kept = [each for each in records if names.setdefault((each["ranking_id"], each["offset"]), each) is each]
    there, back = analysed(tmp_path, kept, clicks), analysed(tmp_path, kept[::-1], clicks)
    by_name = {(each.method, each.a, each.b, each.experiment): each for each in back.comparisons}
    for each in there.comparisons:
        other = by_name[each.method, each.a, each.b, each.experiment]
        assert (each.wins, each.losses, each.ties, each.days) == (other.wins, other.losses, other.ties, other.days)
        assert each.always_valid == other.always_valid
    assert there.left_out == back.left_out


def test_every_logged_ranking_is_accounted_for(tmp_path):
    records, clicks = messy(rankings=300)
    report = analysed(tmp_path, records, clicks)
    left_out = msgspec.to_builtins(report.left_out)
    gone = sum(sum(each.values()) if isinstance(each, dict) else each for each in left_out.values())
    pairs = {(each.experiment, each.method): each.rankings for each in report.comparisons}
    assert gone + sum(pairs.values()) == report.log.rankings


def test_every_click_is_accounted_for(tmp_path):
    records, clicks = messy(rankings=300)
    facts = analysed(tmp_path, records, clicks).clicks
    placed = facts.counted + facts.elsewhere + facts.unknown_ranking + facts.unknown_item
    assert placed + facts.repeated + facts.broken == facts.lines == len(clicks)


def test_days_add_up(tmp_path):
    traffic = Traffic(users=30, per_user=6, days=5).make()
    (found,) = analysed(tmp_path, traffic.records, traffic.clicks).comparisons
    assert [day.date for day in found.days] == [f"2026-11-0{day}" for day in range(1, 6)]
    assert sum(day.rankings for day in found.days) == found.rankings
    assert sum(day.wins for day in found.days) == found.wins


def test_a_better_ranker_is_found_and_the_verdict_says_so(tmp_path):
    traffic = Traffic(users=200, per_user=8, lead=0.1).make()
    (found,) = analysed(tmp_path, traffic.records, traffic.clicks).comparisons
    assert found.always_valid.winner == "A"
    assert found.verdict.startswith("A is preferred.")


def test_a_verdict_that_is_open_names_the_users_still_needed(tmp_path):
    traffic = Traffic(users=40, per_user=3).make()
    (found,) = analysed(tmp_path, traffic.records, traffic.clicks).comparisons
    assert found.verdict.startswith("It is not decided between A and B.")
    assert "more users to show" in found.verdict


def test_without_clicks_the_verdict_says_that_nothing_can_be_said(tmp_path):
    (found,) = analysed(tmp_path, [duel("r1")]).comparisons
    assert found.verdict.startswith("Nothing can be said about A and B")
    assert found.by_user.estimate is None


def test_durations_are_given_to_a_hundredth(tmp_path):
    lines = [duel(f"r{number}", ms={"total": float(number)}) for number in range(1, 101)]
    lines += [duel("f1", fallback_reason="B:late", ms={"total": 500.0}), duel("a1", mode="A", ms={"total": 5.0})]
    found = {(each.mode, each.part): each for each in analysed(tmp_path, lines).latency}
    total = found["INTERLEAVE", "total"]
    assert (total.p50, total.p90, total.p99) == pytest.approx((50, 90, 99), rel=0.01)
    assert found["fallback", "total"].p99 == pytest.approx(500, rel=0.01)
    assert found["A", "total"].requests == 1


def test_states_of_the_settings_are_counted(tmp_path):
    lines = [duel("r1"), duel("r2", settings="stale"), duel("r3", settings="stale")]
    assert analysed(tmp_path, lines).settings == {"fresh": 1, "stale": 2}


def test_a_report_is_json_and_back(tmp_path):
    traffic = Traffic(users=20).make()
    report = analysed(tmp_path, traffic.records, traffic.clicks)
    encoded = msgspec.json.encode(report)
    assert msgspec.json.decode(encoded, type=Report) == report
    assert json.loads(encoded)["schema"] == "penstock.interleave.report/1"


@pytest.mark.parametrize("method", METHODS)
def test_what_an_experiment_logs_is_what_the_analysis_reads(tmp_path, method):
    """The whole way: rankers, drafts, the three kinds of log, clicks on the better ranker's items, the verdict."""
    text, handler = io.StringIO(), logging.StreamHandler(logged := io.StringIO())
    handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s\t%(message)s"))
    logger = logging.getLogger(f"test.{method}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    sinks = [to_stream(text), to_cloudwatch(stream=text), to_logger(logger)]
    rankers = {"A": lambda _: [*range(30)], "B": lambda _: [*range(29, -1, -1)]}
    settings = {"mode": "INTERLEAVE", "sampling_rate": 1, "interleave_method": method, "parallel_enabled": False}
    clicks = []
    for number in range(150):
        experiment = Experiment("home", rankers, settings=settings, log=sinks[number % 3])
        for offset in (0, 5):
            served = experiment.rank(user_id=number % 40, k=5, offset=offset, ranking_id=f"r{number}")
            clicks += [click(served.ranking_id, item) for item in served.ranking if item < 10]
    lines = [*text.getvalue().splitlines(), *logged.getvalue().splitlines()]
    report = analysed(tmp_path, lines, clicks)
    (found,) = report.comparisons
    assert report.log.pages == 300
    assert (report.log.foreign, report.log.broken) == (0, 0)
    assert report.clicks.counted == len(clicks)
    assert found.method == method
    assert found.always_valid.winner == "A"


def test_files_and_folders_may_be_given_together(tmp_path):
    (tmp_path / "more").mkdir()
    first = write_lines(tmp_path / "a.jsonl", [duel("r1")])
    write_lines(tmp_path / "more" / "b.jsonl", [duel("r2", user="u2")])
    clicks = write_lines(tmp_path / "clicks.jsonl", [click("r1", "x"), click("r2", "x")])
    assert outcomes(analyse([first, tmp_path / "more"], clicks)) == (2, 0, 0)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"a": "A"}, "both a and b"),
        ({"a": "A", "b": "A"}, "both a and b"),
        ({"a": "A", "b": "Z"}, "it has A, B"),
        ({"since": "noon"}, "which is no time"),
        ({"experiment": "attic"}, "no experiment 'attic'"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"credit": "clicks"}, "no credit 'clicks'"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(tmp_path, how, why):
    with pytest.raises(InputError, match=why):
        analysed(tmp_path, [duel("r1")], [click("r1", "x")], **how)


def test_a_file_without_any_ranking_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"No line of the log is a ranking .*1 records cannot be read"):
        analysed(tmp_path, ["hello", '{"schema":"penstock.interleave/1"}'])
