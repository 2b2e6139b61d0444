"""What the simulator finds where the truth is known, and the traps that it is there to show."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.interleave.analysis import analyse
from penstock.interleave.analysis.credit import Shown, outcome
from penstock.interleave.draft import interleave
from penstock.interleave.feed import Feed
from penstock.interleave.methods import METHODS
from penstock.interleave.methods.team_draft import TeamDraft
from penstock.interleave.simulation import (
    ClickModel,
    Lists,
    Plan,
    Population,
    Ranker,
    Simulation,
    click_model,
    generated,
    rank,
)
from penstock.interleave.simulation.bias import bias
from penstock.interleave.simulation.experiment import METRICS, both_alone, interleaved
from penstock.interleave.simulation.false_positives import false_positives, share
from penstock.interleave.simulation.logs import write_logs
from penstock.interleave.simulation.pool import NOWHERE, draft_pool, ranks_of
from penstock.interleave.simulation.sensitivity import gain, of_ab_tests, of_interleaving, users_needed
from penstock.interleave.simulation.table import table

PLAN = Plan()
FAIR = ("team_draft_v1", "optimized_v1", "probabilistic_v1")


def rng(*seeds):
    return np.random.default_rng(seeds or 1)


@cache
def made_up(first="noise:0.5", second="noise:0.8", *, queries=30, documents=40, overlap=0.5):
    return rank(
        generated(queries, documents, rng()), Ranker.of(first), Ranker.of(second), k=10, overlap=overlap, rng=rng()
    )


def listed(first, second, grades=None):
    """One query with the lists that are given."""
    grades = np.zeros(max(*first, *second) + 1, dtype=np.int8) if grades is None else np.array(grades, dtype=np.int8)
    return Lists(
        rankers=("A", "B"), grades=(grades,), first=(np.array(first),), second=(np.array(second),), words="given"
    )


@cache
def pool_of(method, *, drafts=60, k=10):
    return draft_pool(made_up(), method, k=k, drafts=drafts, seed="test")


# --- the drafts, and what clicks on them count


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_scores_rankings_as_the_analysis_does(method):
    lists, k, seed = made_up(queries=8, documents=14), 6, "words"
    pool = draft_pool(lists, method, k=k, drafts=4, seed=seed)
    clicks = rng(2).random((8 * 4, k)) < 0.3
    queries, drafts = np.repeat(np.arange(8), 4), np.tile(np.arange(4), 8)
    scores = pool.score(queries, drafts, clicks)
    for query, draft, clicked, score in zip(queries, drafts, clicks, scores, strict=True):
        shown = as_shown(
            lists, query, interleave(lists.of(query), k, method=method, seed=f"{seed}:{method}:{query}:{draft}")
        )
        if not clicked.any():
            assert np.isnan(score)
            continue
        worth = outcome(shown, (np.flatnonzero(clicked) + 1).tolist(), credit=pool.credit)
        assert score == pytest.approx(pool.credit.score(worth))


def as_shown(lists, query, made):
    ranks = [ranks_of(order[query]) for order in (lists.first, lists.second)]
    worths = made.credits or (None,) * len(made.items)
    return [
        Shown(position, source, tuple(None if each[item] == NOWHERE else int(each[item]) for each in ranks), worth)
        for position, (item, source, worth) in enumerate(zip(made.items, made.sources, worths, strict=True), start=1)
    ]


def test_rankings_of_equal_lists_do_not_count():
    lists = listed([0, 1, 2], [0, 1, 2])
    pool = draft_pool(lists, "team_draft_v1", k=3, drafts=2, seed="")
    assert np.isnan(pool.score(np.zeros(1, int), np.zeros(1, int), np.ones((1, 3), bool))).all()


def test_a_click_on_the_common_prefix_is_a_tie():
    pool = draft_pool(listed([0, 1, 2], [0, 2, 1]), "team_draft_v1", k=3, drafts=8, seed="")
    first_place = np.tile([True, False, False], (8, 1))
    assert (pool.score(np.zeros(8, int), np.arange(8), first_place) == 0).all()


@pytest.mark.parametrize(
    ("method", "credit"), [("team_draft_v1", "logged"), ("optimized_v1", "team"), ("probabilistic_v1", "balanced")]
)
def test_a_credit_that_does_not_fit_the_method_is_refused(method, credit):
    with pytest.raises(InputError, match="can name the wrong winner"):
        draft_pool(made_up(), method, k=10, drafts=2, seed="", credit=credit)


@pytest.mark.parametrize(("k", "drafts"), [(0, 5), (5, 1)])
def test_a_pool_of_nothing_is_refused(k, drafts):
    with pytest.raises(InputError, match="say nothing"):
        draft_pool(made_up(), "team_draft_v1", k=k, drafts=drafts, seed="")


def test_a_pool_that_does_not_fit_into_memory_is_refused():
    with pytest.raises(InputError, match="fewer than 10,000,000 of each query"):
        draft_pool(made_up(), "team_draft_v1", k=10, drafts=10_000_000, seed="")


@pytest.mark.parametrize("method", METHODS)
def test_both_ways_no_ranker_is_better(method):
    pool = pool_of(method).both_ways()
    half = len(pool.grades) // 2
    queries, drafts = np.arange(half), np.zeros(half, int)
    clicks = rng().random((half, 10)) < 0.5
    clicks[:, 0] = True
    assert pool.score(queries + half, drafts, clicks) == pytest.approx(-pool.score(queries, drafts, clicks))


# --- traps


class Pattern:
    """Coins that fall as they are told."""

    def __init__(self, bits):
        self.pattern = bits

    def bits(self, count):
        return self.pattern & ((1 << count) - 1)


def test_team_draft_does_not_see_a_relevant_item_that_both_lists_pick_in_the_same_round():
    clicks_for = []
    for bits in range(8):  # every way that three coins can fall
        made = TeamDraft().draft([Feed([1, 2, 3]), Feed([2, 3, 1])], 3, Pattern(bits))
        clicks_for.append(1 - 2 * made.sources[made.items.index(3)])
    assert sum(clicks_for) == 0
    assert set(clicks_for) == {1, -1}


def test_balanced_gives_a_random_click_to_the_list_that_is_shifted_up_in_6_of_8_cases():
    pool = draft_pool(listed([0, 1, 2, 3], [1, 2, 3, 0]), "balanced_v1", k=4, drafts=40, seed="")
    _, one_of_each = np.unique(pool.ranks[0].reshape(40, -1), axis=0, return_index=True)
    assert len(one_of_each) == 2
    scores = [
        pool.score(np.zeros(1, int), np.array([draft]), np.eye(4, dtype=bool)[[place]])[0]
        for draft in one_of_each
        for place in range(4)
    ]
    assert scores.count(-1.0) == 6


def test_the_simulation_shows_that_balanced_is_biased():
    shifted = made_up("noise:0.5", "pinned:3")
    found = bias(draft_pool(shifted, "balanced_v1", k=10, drafts=20, seed=""), rng())
    assert not found.fair
    assert found.mean.low > 0.02


@pytest.mark.parametrize("method", FAIR)
@pytest.mark.parametrize("second", ["noise:0.8", "pinned:3", "shuffled:8"])
def test_the_other_methods_are_fair_to_somebody_who_clicks_at_random(method, second):
    pool = draft_pool(made_up("noise:0.5", second), method, k=10, drafts=40, seed="")
    found = bias(pool, rng())
    assert found.fair
    assert found.mean.low < 0 < found.mean.high


def test_bias_that_cancels_out_over_queries_is_found_in_them():
    # one query is shifted up, the other one down by as much
    there, back = listed([0, 1, 2, 3], [1, 2, 3, 0]), listed([1, 2, 3, 0], [0, 1, 2, 3])
    both = replace(
        there, grades=there.grades + back.grades, first=there.first + back.first, second=there.second + back.second
    )
    found = bias(draft_pool(both, "balanced_v1", k=4, drafts=60, seed=""), rng())
    assert abs(found.mean.value) < 0.1
    assert found.per_query > 0.1
    assert not found.fair


def test_bias_too_small_for_any_query_is_found_over_all_of_them():
    lists = made_up(queries=300, documents=12)
    pool = draft_pool(lists, "optimized_v1", k=4, drafts=6, seed="")
    clean = bias(pool, rng())
    assert clean.fair
    shift = 6 * clean.mean.high / 3.3  # six standard errors
    found = bias(replace(pool, worth=pool.worth + shift / 2), rng())  # two of four places are clicked
    assert found.p_value > 0.001
    assert not found.fair


def test_lists_that_never_differ_have_no_bias():
    found = bias(draft_pool(listed([0, 1], [0, 1]), "team_draft_v1", k=2, drafts=4, seed=""), rng())
    assert (found.mean.value, found.per_query, found.p_value) == (0.0, 0.0, 1.0)


def test_a_seed_by_user_freezes_one_draft_until_the_day_changes():
    people = Population(users=50, rankings_per_user=6, days=3, loyalty=1.0, seeding="user")
    visits = people.visit(10, rng())
    drafts = people.drafts(visits, 1000, rng())
    for user in range(50):
        days = visits.days[user]
        assert all(len(set(drafts[user][days == day])) <= 1 for day in range(3))
    assert len(np.unique(drafts)) > 60  # with more than one draft per user over the days


def test_a_seed_by_request_drafts_each_ranking_anew():
    people = Population(users=50, rankings_per_user=6, days=1, loyalty=1.0, seeding="request")
    drafts = people.drafts(people.visit(10, rng()), 10**6, rng())
    assert len(np.unique(drafts)) == drafts.size


@pytest.mark.parametrize("seeding", ["user", "request"])
def test_taking_rankings_for_independent_finds_differences_between_equal_rankers(seeding):
    lists = made_up("noise:1.5", "noise:1.5", queries=60)
    pool = draft_pool(lists, "team_draft_v1", k=10, drafts=40, seed="")
    people = Population(users=200, rankings_per_user=20, loyalty=1.0, propensity=None, seeding=seeding)
    found = false_positives(pool, people, click_model("perfect"), PLAN, runs=120, seeds=(1,))
    assert found.per_ranking.value > 0.2
    assert found.per_user.value < 0.12
    assert found.per_user_daily.value > found.per_user.value
    assert found.always_valid_daily.value <= 0.05


# --- experiments


def test_everybody_comes_as_often_as_they_should_about_what_they_like():
    people = Population(users=2000, rankings_per_user=8, loyalty=0.75)
    visits = people.visit(1000, rng())
    own = np.array([np.bincount(row).max() for row in visits.queries]) / 8
    assert visits.queries.shape == (2000, 8)
    assert own.mean() == pytest.approx(0.75, abs=0.02)


def test_who_does_not_look_does_not_click():
    people = Population(users=300, rankings_per_user=5, propensity=0.3)
    visits = people.visit(5, rng())
    clicks = visits.clicks(click_model("perfect"), np.full((1500, 4), 4, dtype=np.int8), rng())
    assert (clicks.any(axis=1) == visits.looks.ravel()).all()


def test_users_who_never_clicked_are_not_counted_in_the_estimate_but_in_the_users_needed():
    people = Population(users=4000, rankings_per_user=2, propensity=0.2)
    run = of_interleaving([interleaved(pool_of("team_draft_v1"), people, click_model("perfect"), rng())], PLAN).pooled
    assert run.share < 0.6
    alone = replace(run, share=1.0)
    assert users_needed(run, PLAN).value > 1.5 * users_needed(alone, PLAN).value


def test_what_was_known_on_a_day_is_a_part_of_the_end():
    people = Population(users=100, rankings_per_user=5, days=7)
    seen = interleaved(pool_of("team_draft_v1"), people, click_model("perfect"), rng())
    counts = [seen.until(day).counts.sum() for day in range(7)]
    assert counts == sorted(counts)
    assert counts[-1] == seen.counts.sum()
    assert counts[0] < counts[-1]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_better_ranker(method):
    people = Population(users=800, rankings_per_user=10)
    runs = of_interleaving([interleaved(pool_of(method), people, click_model("pbm"), rng(n)) for n in range(5)], PLAN)
    assert runs.pooled.side == 1


def test_users_that_see_equal_rankers_do_the_same_with_both():
    shown = (made_up().shown(0, 10),) * 2
    means = both_alone(shown, Population(users=50), click_model("navigational"), rng())
    assert set(means) == set(METRICS)
    assert all((each[:, 0] == each[:, 1]).all() for each in means.values())


def test_an_ab_test_compares_clicks_and_the_place_of_the_first():
    lists = listed([0, 1, 2, 3], [3, 2, 1, 0], grades=[0, 4, 0, 4])
    everything = ClickModel(name="all", meaning="", click=(0, 0, 0, 0, 1))
    people = Population(users=4, rankings_per_user=2, propensity=None)
    means = both_alone((lists.shown(0, 3), lists.shown(1, 3)), people, everything, rng())
    assert means["clicks"].tolist() == [[1, 2]] * 4
    assert means["clicked"].tolist() == [[1, 1]] * 4
    assert means["reciprocal_rank"].tolist() == [[0.5, 1]] * 4


def test_a_ranking_without_clicks_counts_in_an_ab_test():
    lists = listed([0, 1], [1, 0], grades=[0, 4])
    people = Population(users=4, rankings_per_user=2, propensity=None)
    never = ClickModel(name="never", meaning="", click=(0,) * 5)
    means = both_alone((lists.shown(0, 2), lists.shown(1, 2)), people, never, rng())
    assert all((means[metric] == 0).all() for metric in METRICS)


def test_an_ab_test_needs_as_many_users_as_are_needed_to_reach_its_power():
    shown = (made_up().shown(0, 10), made_up().shown(1, 10))
    model = click_model("perfect")
    pilot = [both_alone(shown, Population(users=4000, propensity=None), model, rng(0, n))["clicks"] for n in range(5)]
    needed = int(users_needed(of_ab_tests(pilot, PLAN).pooled, PLAN).value)
    people = Population(users=needed, propensity=None)
    each = of_ab_tests([both_alone(shown, people, model, rng(1, n))["clicks"] for n in range(200)], PLAN).each
    assert 0.65 < np.mean([run.side == 1 for run in each]) < 0.93


def test_interleaving_needs_as_many_users_as_are_needed_to_reach_its_power():
    pool = draft_pool(made_up("noise:0.5", "swapped:3"), "team_draft_v1", k=10, drafts=60, seed="")
    model = click_model("pbm")
    pilot = of_interleaving([interleaved(pool, Population(users=2000), model, rng(0, n)) for n in range(5)], PLAN)
    people = Population(users=int(users_needed(pilot.pooled, PLAN).high))
    each = of_interleaving([interleaved(pool, people, model, rng(1, n)) for n in range(200)], PLAN).each
    assert np.mean([run.side == 1 for run in each]) >= 0.75


def test_no_users_are_promised_for_an_effect_that_is_not_clear():
    pool = draft_pool(made_up("noise:1.5", "noise:1.5"), "team_draft_v1", k=10, drafts=40, seed="").both_ways()
    run = of_interleaving([interleaved(pool, Population(users=300), click_model("pbm"), rng())], PLAN).pooled
    assert run.side == 0
    needed = users_needed(run, PLAN)
    assert needed.value is None
    assert needed.high is None
    assert needed.low > 0


def test_the_gain_is_the_ratio_of_the_users_needed():
    shown = (made_up().shown(0, 10), made_up().shown(1, 10))
    people, model = Population(users=1000), click_model("pbm")
    ours = of_interleaving([interleaved(pool_of("team_draft_v1"), people, model, rng(0, n)) for n in range(10)], PLAN)
    theirs = of_ab_tests([both_alone(shown, people, model, rng(1, n))["clicks"] for n in range(10)], PLAN)
    found = gain(ours, theirs, PLAN)
    assert found.value == users_needed(theirs.pooled, PLAN).value / users_needed(ours.pooled, PLAN).value
    assert found.low < found.value < found.high


def test_no_gain_is_claimed_where_the_winners_differ():
    shown = (made_up().shown(0, 10), made_up().shown(1, 10))
    people, model = Population(users=1000), click_model("pbm")
    ours = of_interleaving([interleaved(pool_of("team_draft_v1"), people, model, rng())], PLAN)
    theirs = of_ab_tests([both_alone(shown[::-1], people, model, rng())["clicks"]], PLAN)
    assert gain(ours, theirs, PLAN).value is None


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 0.037), (5, 0.0215, 0.1118), (100, 0.963, 1.0)])
def test_a_share_has_the_interval_of_wilson(count, low, high):
    found = share(count, 100)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)


# --- the whole


def small(**changes):
    given = {"lists": made_up(), "model": click_model("pbm"), "drafts": 10, "runs": 2, "seed": 3}
    return Simulation(**{**given, "population": Population(users=200, rankings_per_user=5), **changes})


def test_the_same_seed_gives_the_same_result_and_another_one_does_not():
    assert small().run() == small().run()
    assert small().run() != small(seed=4).run()


def test_every_run_has_users_of_its_own():
    one, two = (small(runs=runs, methods=METHODS[:1]).run() for runs in (1, 2))
    assert one.methods[0].sensitivity.effect.value != two.methods[0].sensitivity.effect.value
    assert one.ab_tests[0].sensitivity.effect.value != two.ab_tests[0].sensitivity.effect.value


def test_a_method_does_not_find_something_else_because_others_are_simulated_too():
    assert small(methods=METHODS[:1]).run().methods[0] == small().run().methods[0]


def test_the_truth_is_that_of_the_lists():
    truth = small().run().truth
    assert truth.ndcg_difference == pytest.approx((made_up().ndcg(0, 10) - made_up().ndcg(1, 10)).mean())
    assert truth.ndcg_difference > 0
    assert truth.clicks[0] > truth.clicks[1]
    assert truth.differing == 1.0
    assert 0 < truth.overlap < 1


def test_methods_are_compared_with_the_most_sensitive_metric():
    tests = small().run().ab_tests
    assert [test.reference for test in tests].count(True) == 1
    best = max(tests, key=lambda test: abs(test.sensitivity.z_per_root_user))
    assert best.reference


def test_what_an_unfair_method_finds_is_no_gain():
    result = small(lists=made_up("noise:0.5", "pinned:3"), methods=("balanced_v1",), drafts=30).run()
    assert not result.methods[0].bias.fair
    assert result.methods[0].gain.value is None


def test_equal_rankers_are_simulated_only_where_it_is_asked_for():
    assert small().run().false_positives == ()
    found = small(equal_runs=3, methods=METHODS[:2]).run().false_positives
    assert [(each.method, each.runs, each.users) for each in found] == [(name, 3, 200) for name in METHODS[:2]]


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"methods": ()}, {"seed": -1}, {"equal_runs": -1}])
def test_a_simulation_of_nothing_is_refused(wrong):
    with pytest.raises(InputError, match="1 run and 1 method"):
        small(**wrong)


def test_a_run_that_does_not_fit_into_memory_is_refused():
    with pytest.raises(InputError, match="fewer users, and more runs"):
        small(population=Population(users=10_000_000))


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="no interleaving method 'team': choose one of"):
        small(methods=("team",)).run()


@pytest.mark.parametrize("wrong", [{"users": 3}, {"rankings_per_user": 0}, {"days": 0}, {"loyalty": 1.1}])
def test_a_population_of_nobody_is_refused(wrong):
    with pytest.raises(InputError):
        Population(**wrong)


def test_the_table_has_a_row_for_each_method_and_metric():
    lines = table(small(equal_runs=2).run())
    for name in (*METHODS, *(f"A/B {metric}" for metric in METRICS)):
        assert any(line.startswith(name) for line in lines)
    assert max(map(len, lines)) < 180


@given(st.integers(1, 4), st.integers(2, 6), st.integers(1, 8), st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_small_worlds_are_simulated_too(queries, documents, k, seed):
    chance = np.random.default_rng(seed)
    relevance = generated(queries, documents, chance)
    lists = rank(relevance, Ranker.of("noise:1"), Ranker.of("swapped:1"), k=k, overlap=0.0, rng=chance)
    people = Population(users=4, rankings_per_user=1)
    table(small(lists=lists, k=k, drafts=2, runs=1, population=people, equal_runs=1).run())


# --- logs


@pytest.fixture
def logs(tmp_path):
    return write_logs(
        tmp_path / "logs", made_up(), click_model("perfect"), Population(users=300, rankings_per_user=5), seed=5
    )


def test_a_report_on_simulated_logs_finds_what_was_simulated(logs):
    report = analyse(logs.rankings, logs.clicks)
    assert report.ok
    (found,) = report.comparisons
    assert (found.a, found.b) == made_up().rankers
    runs = of_interleaving(
        [
            interleaved(
                pool_of("team_draft_v1"), Population(users=300, rankings_per_user=5), click_model("perfect"), rng(n)
            )
            for n in range(20)
        ],
        PLAN,
    )
    assert found.by_user.low < runs.pooled.effect.value < found.by_user.high
    assert found.by_user.low > 0


def test_a_report_counts_every_simulated_click(logs):
    report = analyse(logs.rankings, logs.clicks)
    assert report.log.rankings == logs.lines == 1500
    assert report.clicks.counted == logs.clicked > 0
    assert report.clicks.unknown_item == report.clicks.unknown_ranking == report.log.broken == 0


def test_a_log_has_the_rank_of_each_item_in_both_lists(logs):
    for line in logs.rankings.read_text("utf-8").splitlines()[:50]:
        read = json.loads(line)
        for item, *ranks in zip(read["items"], *read["ranks"], strict=True):
            query, document = map(int, item["item_id"].removeprefix("q").split("-"))
            assert [order.index(document) + 1 for order in made_up().of(query)] == ranks


@pytest.mark.parametrize("method", METHODS)
def test_a_report_reads_the_logs_of_every_method(tmp_path, method):
    people = Population(users=60, rankings_per_user=3)
    written = write_logs(tmp_path, made_up(), click_model("perfect"), people, method=method)
    assert analyse(written.rankings, written.clicks).comparisons[0].method == method


def test_logs_by_request_say_so(tmp_path):
    people = Population(users=5, rankings_per_user=2, seeding="request")
    written = write_logs(tmp_path, made_up(), click_model("perfect"), people)
    assert all('"seed":"request"' in line for line in written.rankings.read_text("utf-8").splitlines())


def test_logs_are_never_written_over_others(tmp_path):
    (tmp_path / "rankings.jsonl").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="is there already"):
        write_logs(tmp_path, made_up(), click_model("pbm"), Population(users=4, rankings_per_user=1))
    assert (tmp_path / "rankings.jsonl").read_text("utf-8") == "mine"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written|is there already"):
        write_logs(tmp_path / "file" / "logs", made_up(), click_model("pbm"), Population(users=4, rankings_per_user=1))
