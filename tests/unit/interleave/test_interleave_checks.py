"""The checks: each passes on a sound log and fails on what it is there for."""

import pytest

from interleaving import Traffic, click, duel, record, shown, with_item, write_lines
from penstock.interleave.analysis import analyse


def checked(tmp_path, records, clicks=(), **how):
    """Analyse a log; give its checks by name."""
    log, clicks = write_lines(tmp_path / "log.jsonl", records), write_lines(tmp_path / "clicks.jsonl", clicks)
    report = analyse(log, clicks, **how)
    found = {check.name: check for check in report.checks}
    assert report.ok == all(check.ok for check in report.checks)
    assert all(check.sentence.endswith(".") for check in report.checks)
    return found


def crowd(count=400, **fields):
    """Make one ranking for each of many users, spread over the buckets."""
    return [
        duel(f"r{number}", **{"user": f"u{number}", "bucket": number * 7919 % 10_000, **fields})
        for number in range(count)
    ]


def turned(line):
    """Turn a duel round: B first."""
    return {**line, "items": [shown("y", 1, "B", (2, 1)), shown("x", 2, "A", (1, 2))]}


def fair(lines):
    """Let B be first on every other ranking."""
    return [turned(line) if number % 2 else line for number, line in enumerate(lines)]


def test_a_sound_experiment_passes_every_check(tmp_path):
    traffic = Traffic(users=150, per_user=5).make()
    found = checked(tmp_path, traffic.records, traffic.clicks)
    assert {name for name, check in found.items() if not check.ok} == set()
    assert set(found) == {
        *("first_pick", "position_balance", "sample_ratio", "fallback_share"),
        *("duplicates", "broken_lines", "click_join", "late_clicks"),
    }


def test_failed_checks_come_first(tmp_path):
    lines = crowd()
    log, clicks = write_lines(tmp_path / "log.jsonl", lines), write_lines(tmp_path / "clicks.jsonl", [click("r1", "x")])
    oks = [check.ok for check in analyse(log, clicks).checks]
    assert oks == sorted(oks)
    assert not oks[0]


def test_a_coin_that_is_not_fair_is_found(tmp_path):
    found = checked(tmp_path, crowd())
    assert not found["first_pick"].ok
    assert found["first_pick"].figure == 1.0


def test_rankings_on_which_the_lists_are_the_same_are_not_watched(tmp_path):
    same = [{**line, "ranking_id": f"s{number}", "competitive": False} for number, line in enumerate(crowd())]
    assert checked(tmp_path, fair(crowd()) + same)["first_pick"].ok


def test_one_user_with_many_rankings_of_one_frozen_draft_is_no_unfair_coin(tmp_path):
    """Under a seed by user the coin is tossed once for all of them: users are counted, not rankings."""
    many = [duel(f"many{number}", user="busy") for number in range(300)]
    assert checked(tmp_path, fair(crowd(100)) + many)["first_pick"].ok


def test_a_ranker_with_less_than_its_share_below_the_first_place_is_found(tmp_path):
    lines = [with_item(line, shown("z", 3, "A", (3, None))) for line in fair(crowd())]
    found = checked(tmp_path, lines)
    assert found["first_pick"].ok
    assert not found["position_balance"].ok
    assert "position 3" in found["position_balance"].sentence


def test_other_methods_owe_no_balance(tmp_path):
    lines = [{**line, "method": "optimized_v1"} for line in crowd()]
    assert "first_pick" not in checked(tmp_path, lines)


def test_users_lost_from_some_buckets_are_found(tmp_path):
    outside = crowd(300, mode="A", setting="INTERLEAVE")
    lines = [line for line in fair(crowd(2000)) if not 2000 <= line["bucket"] < 3000]
    found = checked(tmp_path, [*outside[:1], *lines])
    assert not found["sample_ratio"].ok
    assert "some are lost" in found["sample_ratio"].sentence


def test_users_lost_outside_the_sample_are_found(tmp_path):
    lines = [
        line if line["bucket"] < 1000 else {**line, "mode": "A", "setting": "INTERLEAVE"} for line in fair(crowd(2000))
    ]
    assert not checked(tmp_path, [line for line in lines if not 5000 <= line["bucket"] < 6000])["sample_ratio"].ok


def test_a_user_is_in_one_bucket_however_many_rankings(tmp_path):
    busy = [duel(f"busy{number}", user="u1", bucket=7919) for number in range(300)]
    assert checked(tmp_path, fair(crowd(1000) + busy))["sample_ratio"].ok


def test_users_outside_the_sample_complete_the_buckets(tmp_path):
    lines = [
        line if line["bucket"] < 1000 else {**line, "mode": "A", "setting": "INTERLEAVE"} for line in fair(crowd(2000))
    ]
    assert checked(tmp_path, lines)["sample_ratio"].ok


def test_without_users_outside_the_sample_its_own_buckets_are_compared(tmp_path):
    lines = [line for line in fair(crowd(4000)) if line["bucket"] < 1000]
    assert checked(tmp_path, lines)["sample_ratio"].ok
    early = [line for line in lines if line["bucket"] < 300] + lines[:20]
    again = checked(tmp_path, early + [line for line in lines if line["bucket"] > 980])
    assert not again["sample_ratio"].ok
    assert "rate was changed" in again["sample_ratio"].sentence


def test_too_few_users_tell_nothing_about_buckets(tmp_path):
    assert checked(tmp_path, crowd(20))["sample_ratio"].figure is None


@pytest.mark.parametrize("mode", [{}, {"mode": "A", "setting": "INTERLEAVE"}])
def test_too_many_fallbacks_are_found(tmp_path, mode):
    lines = fair(crowd())
    slow = [{**line, "fallback_reason": "B:late", **mode} for line in lines[:8]]
    found = checked(tmp_path, slow + lines[8:])
    assert not found["fallback_share"].ok
    assert found["fallback_share"].figure == 8 / 400


def test_rankings_that_are_logged_twice_are_found(tmp_path):
    lines = fair(crowd())
    found = checked(tmp_path, lines + lines[:40])
    assert not found["duplicates"].ok
    assert found["duplicates"].figure == 40 / 440


def test_records_that_cannot_be_read_are_found(tmp_path):
    found = checked(tmp_path, [*fair(crowd()), '{"schema":"penstock.interleave/1"'])
    assert not found["broken_lines"].ok


def test_clicks_on_rankings_that_were_not_logged_are_found(tmp_path):
    lines = fair(crowd())
    clicks = [click(f"r{number}", "x") for number in range(80)] + [click(f"lost{number}", "x") for number in range(20)]
    found = checked(tmp_path, lines, clicks)
    assert not found["click_join"].ok
    assert found["click_join"].figure == 0.8


def test_clicks_on_rankings_that_are_left_out_are_not_lost(tmp_path):
    lines = [*fair(crowd()), duel("alone", mode="A")]
    clicks = [click("alone", "x"), click("r1", "x"), click("lost", "x")]
    assert checked(tmp_path, lines, clicks)["click_join"].figure == pytest.approx(2 / 3)


@pytest.mark.parametrize("time", ["2026-11-01T08:59:00Z", "2026-11-02T09:00:01Z"])
def test_clicks_before_their_ranking_or_days_after_it_are_found(tmp_path, time):
    found = checked(tmp_path, fair(crowd()), [click("r1", "x", time=time), click("r2", "x")])
    assert not found["late_clicks"].ok


def test_clocks_may_differ_a_little(tmp_path):
    assert checked(tmp_path, fair(crowd()), [click("r1", "x", time="2026-11-01T08:59:57Z")])["late_clicks"].ok


def test_a_preference_between_rankers_said_to_be_the_same_is_an_alarm(tmp_path):
    lines = fair(crowd())
    clicks = [click(f"r{number}", "x") for number in range(200)]
    assert not checked(tmp_path, lines, clicks, same=True)["a_a"].ok
    assert "a_a" not in checked(tmp_path, lines, clicks)


def test_such_a_preference_is_an_alarm_even_where_it_is_not_decided_yet(tmp_path):
    clicks = [click(f"r{number}", "xxxy"[number % 4]) for number in range(60)]
    found = checked(tmp_path, fair(crowd()), clicks, same=True)["a_a"]
    assert not found.ok
    assert 0.0 < found.figure < 0.05


def test_rankers_said_to_be_the_same_that_nobody_prefers_pass(tmp_path):
    clicks = [click(f"r{number}", "xy"[number // 2 % 2]) for number in range(200)]
    assert checked(tmp_path, fair(crowd()), clicks, same=True)["a_a"].ok


def test_where_nothing_can_be_compared_that_is_a_failed_check(tmp_path):
    assert not checked(tmp_path, [record("r1", mode="A")])["comparable"].ok
