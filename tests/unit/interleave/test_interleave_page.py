"""The pages about experiments say what was found, need nothing else, and let nobody else write in them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from browsing import Page
from interleaving import Traffic, click, duel, messy, write_lines
from penstock.interleave.analysis import analyse
from penstock.interleave.page import axes, render, simulated, wording
from penstock.interleave.simulation.result import (
    AbResult,
    Bias,
    FalsePositives,
    MethodResult,
    Range,
    Sensitivity,
    Setup,
    SimulationResult,
    Truth,
)

DECIDED = Traffic(users=60, per_user=8, days=6, lead=0.3).make()
OPEN = Traffic(users=60, per_user=8, days=6).make()
EVIL = ("<script>alert(1)</script>", '" onload="alert(1)', "</style><script>", "&lt;b&gt;")


def reported(folder, records, clicks, **options):
    log, clicked = write_lines(folder / "log.jsonl", records), write_lines(folder / "clicks.jsonl", clicks)
    return analyse([log], [clicked], **options)


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    return reported(tmp_path_factory.mktemp("decided"), DECIDED.records, DECIDED.clicks)


@pytest.fixture(scope="module")
def undecided(tmp_path_factory):
    return reported(tmp_path_factory.mktemp("open"), OPEN.records, OPEN.clicks)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A report with everything in it: several comparisons, fallbacks, foreign clicks, failed checks."""
    return reported(tmp_path_factory.mktemp("mixed"), *messy(300))


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return reported(tmp_path_factory.mktemp("empty"), DECIDED.records[:3], [])


def sensitivity(users, *, effect=0.1):
    return Sensitivity(
        effect=Range(value=effect, low=effect - 0.05, high=effect + 0.05),
        deviation=0.5,
        z_per_root_user=0.2,
        users_needed=users,
        agrees_with_relevance=0.9,
        agrees_with_clicks=0.8,
        found=0.7,
        misled=0.1,
    )


def method(name, users, *, fair=True, gain=None):
    bias = Bias(mean=Range(value=0.001, low=-0.01, high=0.012), per_query=0.09, p_value=0.5, fair=fair)
    ratio = Range(value=gain, low=None if gain is None else gain / 2, high=None if gain is None else gain * 2)
    found = sensitivity(Range(value=users, low=users * 0.8, high=users * 1.5))
    return MethodResult(method=name, credit="team", graded=False, bias=bias, sensitivity=found, gain=ratio)


def simulation(*methods, rankers=("first", "second"), ab=None, **rest):
    setup = Setup(
        clicks="pbm",
        clicks_meaning="looks and clicks",
        propensity=0.5,
        loyalty=0.5,
        seeding="user",
        k=10,
        users=2_000,
        rankings_per_user=10,
        days=14,
        runs=20,
        seed=7,
        relevance="made up",
        queries=100,
        rankers=rankers,
        alpha=0.05,
        power=0.8,
    )
    truth = Truth(ndcg=(0.9, 0.8), clicks=(0.46, 0.44), differing=1.0, overlap=0.7)
    test = AbResult(
        metric="clicks",
        meaning="clicks per ranking",
        reference=True,
        sensitivity=sensitivity(ab or Range(value=5_000, low=4_000, high=None)),
    )
    return SimulationResult(setup=setup, truth=truth, methods=methods, ab_tests=(test,), **rest)


def rate(value):
    return Range(value=value, low=value / 2, high=value * 2)


FULL = simulation(
    method("team_draft_v1", 300, gain=12.5),
    method("balanced_v1", 200, fair=False),
    false_positives=(
        FalsePositives(
            method="team_draft_v1",
            seeding="user",
            runs=200,
            users=400,
            rankings_per_user=20,
            per_ranking=rate(0.4),
            per_user=rate(0.05),
            per_user_daily=rate(0.2),
            always_valid_daily=rate(0.01),
        ),
    ),
)


@pytest.fixture(params=["decided", "undecided", "mixed", "empty", "simulation"])
def page(request):
    """Each kind of page."""
    if request.param == "simulation":
        return Page(simulated(FULL))
    return Page(render(request.getfixturevalue(request.param)))


def test_every_element_is_closed_and_there_is_one_title(page):
    assert page.open == []
    assert page.tags["h1"] == 1
    assert page.tags["h2"] == page.tags["section"]


def test_every_table_has_a_caption_and_named_columns_and_rows(page):
    assert page.tags["caption"] == page.tags["table"] > 0
    assert all(head.get("scope") in {"col", "row"} for head in page.all("th"))


def test_every_drawing_says_in_words_what_it_shows(page):
    assert all(drawing.get("role") == "img" and drawing.get("aria-label") for drawing in page.all("svg"))


def test_nothing_is_loaded_from_outside_and_nothing_runs(page):
    assert page.needs() == []


def test_every_shape_stays_inside_its_frame(page):
    for path in page.all("path"):
        numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", path["d"])]
        assert all(-1e-6 <= number <= 1000 for number in numbers), path


def test_no_figure_is_a_python_value(page):
    assert not re.search(r"\bNone\b(?! of )|\bnan\b|\binf\b|\bTrue\b|\bFalse\b", page.text)


def test_the_verdict_stands_at_the_top_before_what_it_rests_on(decided):
    text = Page(render(decided)).text
    assert decided.comparisons[0].verdict in text
    assert text.index(decided.comparisons[0].verdict) < text.index("Based on") < text.index("What users preferred")


def test_wins_ties_and_losses_are_counted_in_writing(decided):
    found, text = decided.comparisons[0], Page(render(decided)).text
    assert f"A won: {found.wins:,} ({found.wins / found.rankings:.1%})" in text
    assert f"tie: {found.ties:,} ({found.ties / found.rankings:.1%})" in text
    assert f"B won: {found.losses:,} ({found.losses / found.rankings:.1%})" in text


def test_the_three_estimates_are_drawn_with_their_intervals(decided):
    labels = [drawing["aria-label"] for drawing in Page(render(decided)).all("svg")]
    found = decided.comparisons[0]
    by_user = f"{found.by_user.estimate:+.2%} [{found.by_user.low:+.2%}, {found.by_user.high:+.2%}]"
    often = f"{found.always_valid.estimate:+.2%} [{found.always_valid.low:+.2%}, {found.always_valid.high:+.2%}]"
    assert f"By user, every user one vote: {by_user}" in labels
    assert f"By ranking, looked at often: {often}" in labels


def test_the_moment_of_decision_is_marked(decided):
    found = Page(render(decided))
    assert len(found.all("path", **{"class": "start"})) == 1
    assert "It left 0 at the dashed line: decided for A on " in found.text


def test_what_is_not_decided_has_no_mark_and_says_what_to_wait_for(undecided):
    found = Page(render(undecided))
    assert found.all("path", **{"class": "start"}) == []
    assert "It has always held 0" in found.text


def test_an_interval_that_came_back_over_zero_takes_nothing_back(decided):
    comparison = decided.comparisons[0]
    returned = replace(comparison, always_valid=replace(comparison.always_valid, low=-0.01))
    assert "takes nothing back" in Page(render(replace(decided, comparisons=(returned,)))).text


def test_days_and_positions_are_drawn(decided):
    labels = [drawing["aria-label"] for drawing in Page(render(decided)).all("svg")]
    assert any(label.startswith("A was ahead on ") for label in labels)
    assert any(label.startswith("Share of A by position: 1: ") for label in labels)


def test_half_of_each_position_is_expected_of_team_draft_alone(decided):
    comparison = replace(decided.comparisons[0], method="optimized_v1")
    others = Page(render(replace(decided, comparisons=(comparison,))))
    assert "where a fair coin keeps it" in Page(render(decided)).text
    assert "where a fair coin keeps it" not in others.text


def test_a_day_alone_is_no_chart(tmp_path):
    short = Traffic(users=20, per_user=3, days=1).make()
    assert "Preference by day" not in Page(render(reported(tmp_path, short.records, short.clicks))).text


def test_rankings_at_the_same_moment_are_drawn_by_number(tmp_path):
    records = [duel(f"r{number}", user=f"u{number}") for number in range(9)]
    clicks = [click(f"r{number}", "xy"[number % 2]) for number in range(9)]
    found = Page(render(reported(tmp_path, records, clicks)))
    assert "as it came" in found.text
    assert found.open == []


def test_users_needed_are_listed_with_those_still_to_come(undecided):
    found, text = undecided.comparisons[0], Page(render(undecided)).text
    need = found.planning.needs[0]
    assert f"1.0%{need.users:,}{need.users - found.users:,}" in text


def test_checks_are_told_in_words_and_with_a_sign(mixed):
    text = Page(render(mixed)).text
    assert "✗ not ok" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "✓ ok" in text
    assert all(check.sentence in text for check in mixed.checks)


def test_failed_checks_are_told_beside_the_verdict(mixed):
    failed = sum(not check.ok for check in mixed.checks)
    text = Page(render(mixed)).text
    alarm = f"✗ {failed} of {len(mixed.checks)} checks failed"
    assert alarm in text
    assert text.index(alarm) < text.index("All comparisons")


def test_without_a_failed_check_there_is_no_alarm(undecided):
    found = Page(render(undecided))
    assert undecided.ok
    assert found.all("p", **{"class": "alarm"}) == []
    assert f"All {len(undecided.checks)} checks passed" in found.text


def test_a_check_without_a_figure_was_not_measured(undecided):
    check = replace(undecided.checks[0], figure=None)
    assert "– not measured" in Page(render(replace(undecided, checks=(check,)))).text


def test_what_was_left_out_is_told_by_reason(mixed):
    text = Page(render(mixed)).text
    out = mixed.left_out
    assert f"Fallback: B was late{out.fallback['B:late']:,}" in text
    assert f"Fallback: A failed with an error{out.fallback['A:raised']:,}" in text
    assert f"Served by B alone, on purpose{out.served_alone['B']:,}" in text
    assert f"Interleaved, not clicked{out.without_clicks:,}" in text


def test_an_unknown_reason_is_shown_as_logged(mixed):
    odd = replace(mixed.left_out, fallback={"a:strange:thing": 3})
    assert "Fallback: a:strange:thing3" in Page(render(replace(mixed, left_out=odd))).text


def test_clicks_that_found_nothing_are_counted(mixed):
    text = Page(render(mixed)).text
    assert f"On rankings that are not in the log{mixed.clicks.unknown_ranking:,}" in text
    assert f"On items that their ranking did not show{mixed.clicks.unknown_item:,}" in text


def test_broken_lines_are_counted_and_the_first_one_is_quoted(tmp_path):
    broken = '{"schema":"penstock.interleave/1","time":'
    found = reported(tmp_path, [*DECIDED.records, broken], DECIDED.clicks)
    text = Page(render(found)).text
    assert "1 broken." in text
    assert " ".join(found.log.first_broken.split()) in text


def test_times_are_listed_by_mode_and_part(decided):
    text = Page(render(decided)).text
    row = next(row for row in decided.latency if row.mode == "INTERLEAVE" and row.part == "merge")
    assert f"interleavedmerge{row.requests:,}{row.p50:.2f}{row.p90:.2f}{row.p99:.2f}" in text
    assert "made under: fresh 100.0%" in text


def test_several_comparisons_are_told_in_a_line_each_and_drawn_side_by_side(mixed):
    found = Page(render(mixed))
    assert len(mixed.comparisons) > 2
    assert found.tags["li"] == len(mixed.comparisons)
    assert f"{len(mixed.comparisons)} comparisons" in found.text
    assert "Wins less losses of the first ranker, by user" in found.text
    assert "Credit of the first ranker less the second's, by user" in found.text


@pytest.mark.parametrize(("low", "high", "said"), [(0.1, 0.3, "A is ahead"), (-0.3, -0.1, "B is ahead")])
def test_who_is_only_ahead_is_not_called_preferred(undecided, low, high, said):
    comparison = undecided.comparisons[0]
    ahead = replace(comparison, by_user=replace(comparison.by_user, low=low, high=high))
    text = Page(render(replace(undecided, comparisons=(ahead, comparison)))).text
    assert f"A against B in home (team_draft_v1): {said}, not decided" in text
    assert "A against B in home (team_draft_v1): not decided" in text


def test_rankers_that_nobody_clicked_on_have_a_page_without_charts(empty):
    found = Page(render(empty))
    assert "Nothing can be said about A and B" in found.text
    assert "✗ 1 of" in found.text
    assert found.tags["svg"] == 0


def test_a_log_in_which_nothing_is_interleaved_has_a_page(tmp_path):
    found = Page(render(reported(tmp_path, [duel("r1", mode="A")], [click("r1", "x")])))
    assert "Nothing to compare" in found.text
    assert "nothing can be said" in found.text
    assert "Served by A alone, on purpose1100.0%" in found.text
    assert found.open == []


def test_a_preference_that_is_decided_names_both_rankers_among_others(decided, undecided):
    both = replace(decided, comparisons=(decided.comparisons[0], undecided.comparisons[0]))
    text = Page(render(both)).text
    assert "A is preferred to B in home (team_draft_v1)" in text
    assert "A against B in home (team_draft_v1): not decided" in text


def test_settings_are_told_where_no_times_were_logged(decided):
    text = Page(render(replace(decided, latency=()))).text
    assert "Settings that rankings were made under: fresh 100.0%." in text
    assert "Milliseconds" not in text


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "–"), (0.0, "0.0%"), (1e-5, "<0.1%"), (0.5, "50.0%"), (0.99999, ">99.9%"), (1, "100.0%")],
)
def test_a_share_is_none_or_all_only_where_it_is(value, written):
    assert wording.share(value) == written


def test_one_user_has_an_estimate_without_an_interval(tmp_path):
    found = reported(tmp_path, [duel("r1")], [click("r1", "x")])
    assert "+100.00% (no interval)" in Page(render(found)).text


def test_an_interval_far_beyond_one_does_not_flatten_the_picture(undecided):
    comparison = undecided.comparisons[0]
    wide = replace(comparison, by_user=replace(comparison.by_user, low=-12.7, high=12.7))
    text = Page(render(replace(undecided, comparisons=(wide,)))).text
    assert "[-1270.00%, +1270.00%]" in text
    assert "+1000%" not in text


@pytest.mark.parametrize("evil", EVIL)
def test_names_from_the_log_are_shown_as_they_are_and_never_part_of_the_page(tmp_path, evil):
    records = [
        duel(f"r{number}", user=f"u{number % 5}", experiment=evil, rankers=[evil, "B"], ms={evil: 2.0})
        for number in range(20)
    ]
    for number, record in enumerate(records):
        record["items"][0]["source_ranker"] = evil
        record["time"] = f"2026-11-{number + 1:02}T09:00:00.000Z"
    records[3]["fallback_reason"] = f"{evil}:late"
    records[4]["mode"] = evil
    records[5]["settings"] = evil
    clicks = [click(f"r{number}", "x") for number in range(20)]
    found = Page(render(reported(tmp_path, records, clicks)))
    assert found.needs() == []
    assert found.open == []
    assert "".join(found.words).count(evil) >= 12


@settings(max_examples=25)
@given(name=st.text(min_size=1, max_size=80))
def test_any_name_leaves_the_page_whole(undecided, name):
    comparison = undecided.comparisons[0]
    source = render(replace(undecided, comparisons=(replace(comparison, a=name, experiment=name),)))
    source.encode("utf-8")
    found = Page(source)
    assert found.open == []
    assert found.tags == Page(render(undecided)).tags


def test_a_comparison_takes_less_than_sixty_kilobytes(decided):
    assert len(render(decided).encode()) < 60_000


def test_equal_reports_make_equal_pages(mixed):
    assert render(mixed) == render(replace(mixed))


def test_the_method_that_needs_fewest_users_is_named_unless_it_is_not_fair():
    text = Page(simulated(FULL)).text
    assert "Of the fair methods, team_draft_v1 tells first and second apart with the fewest users, about 300" in text
    assert "Not fair on these lists: balanced_v1." in text
    assert "✗ not fair" in text


def test_the_ratio_to_an_ab_test_is_told_with_its_spread():
    text = Page(simulated(FULL)).text
    assert "12 [6.2, 25] times fewer than an A/B test of clicks per ranking: 5,000 [4,000, open]" in text
    assert "It prefers first, as nDCG does." in text


def test_a_method_that_needs_more_users_than_an_ab_test_is_told_too():
    text = Page(simulated(simulation(method("team_draft_v1", 9_000, gain=0.5)))).text
    said = "which is more than an A/B test of clicks per ranking needs, 5,000 [4,000, open]: a ratio of 0.5 [0.25, 1]"
    assert said in text


def test_a_winner_that_the_grades_contradict_is_told():
    wrong = replace(method("team_draft_v1", 300), sensitivity=sensitivity(rate(300), effect=-0.1))
    text = Page(simulated(simulation(wrong))).text
    assert "It prefers second, although first has the better nDCG." in text


def test_an_ab_test_without_a_clear_effect_gives_no_ratio():
    text = Page(simulated(simulation(method("team_draft_v1", 300)))).text
    assert "an A/B test shows no clear effect to compare with" in text


def test_equal_ndcg_is_told():
    found = simulation(method("team_draft_v1", 300))
    text = Page(simulated(replace(found, truth=replace(found.truth, ndcg=(0.9, 0.9))))).text
    assert "It prefers first; by nDCG there is no difference." in text


def test_a_simulation_without_a_clear_effect_says_so():
    nothing = Range(value=None, low=12_000, high=None)
    unclear = replace(method("team_draft_v1", 300), sensitivity=sensitivity(nothing))
    found = Page(simulated(simulation(unclear, ab=nothing)))
    assert "No fair method shows a clear effect between first and second in these runs." in found.text
    assert "over 12,000" in found.text
    assert found.open == []


def test_findings_between_equal_rankers_are_drawn_where_they_were_asked_for():
    assert "Rankings taken for independent40.0% [20.0%, 80.0%]" in Page(simulated(FULL)).text
    assert "Equal rankers" not in Page(simulated(simulation(method("team_draft_v1", 300)))).text


def test_the_click_model_and_the_seed_are_told():
    text = Page(simulated(FULL)).text
    assert "pbm: looks and clicks" in text
    assert "seed 7" in text


@pytest.mark.parametrize("evil", EVIL)
def test_names_of_simulated_rankers_are_never_part_of_the_page(evil):
    found = Page(simulated(replace(FULL, setup=replace(FULL.setup, rankers=(evil, "b"), relevance=evil))))
    assert found.needs() == []
    assert found.open == []
    assert "".join(found.words).count(evil) >= 4


@given(st.lists(st.floats(-1, 1), max_size=5), st.booleans())
def test_an_axis_around_zero_holds_zero_and_all_values(values, graded):
    axis = axes.around_zero(values, graded=graded)
    assert all(0 <= axis.share(value) <= 1 for value in [0.0, *values])
    assert "0" in [words for _, words in axis.ticks]


def test_ticks_around_zero_are_written_with_their_signs():
    assert [words for _, words in axes.around_zero([-0.1, 0.1]).ticks] == ["-10%", "-5%", "0", "+5%", "+10%"]
    fine = axes.around_zero([0.004], graded=True)
    assert [words for _, words in fine.ticks] == ["0", "+0.001", "+0.002", "+0.003", "+0.004"]


@pytest.mark.parametrize("days", [1, 9, 60, 400])
def test_an_axis_of_days_has_at_most_five_ticks(days):
    axis = axes.days(date(2026, 11, 1), date.fromordinal(date(2026, 11, 1).toordinal() + days - 1))
    assert 1 <= len(axis.ticks) <= 5
    assert axis.ticks[0][1] == "1 Nov"


@given(low=st.floats(1e9, 2e9), length=st.floats(60, 1e8))
def test_a_clock_has_few_ticks_and_all_lie_on_it(low, length):
    axis = axes.clock(low, low + length, lambda _: "")
    assert len(axis.ticks) <= 7
    assert all(-0.02 <= axis.share(at) <= 1 for at, _ in axis.ticks)


def test_a_clock_speaks_of_hours_or_days():
    at = 1_795_305_600.0  # a midnight
    morning = axes.clock(at + 3_600, at + 6 * 3_600, lambda _: "")
    assert [words for _, words in morning.ticks] == ["02:00", "04:00"]
    assert axes.clock(at, at + 4 * 86_400, lambda _: "9 users").ticks[1][1] == "23 Nov\n9 users"


def test_powers_of_ten_hold_all_values():
    axis = axes.powers([180.0, 18_000.0])
    assert (axis.low, axis.high) == (2, 5)
    assert [words.replace("\N{NO-BREAK SPACE}", " ") for _, words in axis.ticks] == ["100", "1 k", "10 k", "100 k"]
