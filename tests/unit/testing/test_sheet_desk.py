import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.testing.sheet.behaviour import (
    SHEET_FAULTS,
    SheetBehaviour,
    parse_sheet_behaviour,
    read_sheet_behaviour,
)
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.calls import read_address
from penstock.testing.sheet.desk import Reply, SheetDesk
from penstock.testing.sheet.page import book_page
from penstock.testing.sheet.quota import Window

READ = read_address("GET", "/v4/spreadsheets/b/values/S!A1", "")
WRITE = read_address("PUT", "/v4/spreadsheets/b/values/S!A1", "valueInputOption=RAW")
BODY = b'{"values": [["x"]]}'


def desk(**behaviour):
    return SheetDesk(SheetBehaviour(**behaviour), books={"b": SheetBook({"S": []})}, files={})


def ask(desk, asked=READ, body=b"", *, now=0.0, token="t"):
    """The whole way of a request, without waiting; None is a lost connection."""
    decided = desk.receive(asked, body, token=token, now=now)
    return decided if isinstance(decided, Reply) else desk.finish(decided, url="", now=now)


def error(reply):
    return json.loads(reply.body)["error"]


def test_beyond_the_quota_of_a_user_a_read_is_refused_as_at_google():
    limited = desk(reads_per_minute_per_user=2)
    replies = [ask(limited).status for _ in range(2)]
    refused = ask(limited)
    detail = error(refused)["details"][0]
    limit = detail["metadata"]["quota_limit"]
    assert (replies, refused.status, error(refused)["status"]) == ([200, 200], 429, "RESOURCE_EXHAUSTED")
    assert (detail["reason"], limit) == (
        "RATE_LIMIT_EXCEEDED",
        "ReadRequestsPerMinutePerUser",
    )
    assert "Retry-After" not in refused.headers


def test_reads_and_writes_have_quotas_of_their_own():
    limited = desk(reads_per_minute_per_user=1)
    assert [ask(limited).status, ask(limited, WRITE, BODY).status] == [200, 200]


def test_users_share_the_quota_of_the_project():
    limited = desk(reads_per_minute_per_project=2)
    assert [ask(limited, token=user).status for user in "abc"] == [200, 200, 429]


def test_a_quota_of_the_day_is_named_so():
    limited = desk(writes_per_day=0)
    assert "per day" in error(ask(limited, WRITE, BODY))["message"]


def test_the_window_slides():
    limited = desk(reads_per_minute_per_user=2)
    times = [0.0, 30.0, 59.0, 60.0, 89.0, 90.0]
    assert [ask(limited, now=now).status for now in times] == [200, 200, 429, 200, 429, 200]


@given(st.lists(st.floats(0, 40), max_size=60), st.integers(1, 5))
def test_no_window_of_a_minute_ever_holds_more_than_the_quota(gaps, most):
    limited, now, admitted = desk(reads_per_minute_per_user=most), 0.0, []
    for gap in gaps:
        now += gap
        if ask(limited, now=now).status == 200:
            admitted.append(now)
    assert all(sum(start <= each < start + 60 for each in admitted) <= most for start in admitted)


def test_a_window_remembers_the_most_it_held():
    window = Window(60)
    for now in (0.0, 1.0, 2.0, 61.5):
        window.add(now=now)
    assert (window.most, window.count(now=61.5)) == (3, 2)


def test_the_same_seed_brings_the_same_faults():
    faults = {"http_503": 0.3, "reset": 0.3}
    runs = [[ask(desk_, WRITE, BODY) for _ in range(20)] for desk_ in (desk(faults=faults), desk(faults=faults))]
    assert runs[0] == runs[1]
    assert {None if each is None else each.status for each in runs[0]} == {None, 200, 503}


@pytest.mark.parametrize(
    ("fault", "status", "written"),
    [
        ("http_429", 429, False),
        ("http_500", 500, False),
        ("http_502_html", 502, False),
        ("http_503", 503, False),
        ("reset", None, False),
        ("hang", None, False),
        ("applied_then_503", 503, True),
        ("applied_then_reset", None, True),
        ("applied_then_hang", None, True),
        ("slow", 200, True),
    ],
)
def test_a_fault_decides_what_is_told_and_what_is_done(fault, status, written):
    faulty = desk(faults={fault: 1.0})
    reply = ask(faulty, WRITE, BODY)
    assert (None if reply is None else reply.status) == status
    assert (faulty.books["b"].cell("S", "A1") == "x") is written
    assert faulty.stats(now=0).applied == written


def test_every_fault_is_told_apart_above():
    told = test_a_fault_decides_what_is_told_and_what_is_done.pytestmark[0].args[1]
    assert {fault for fault, _, _ in told} == set(SHEET_FAULTS)


def test_faults_may_spare_the_reads():
    faulty = desk(faults={"http_503": 1.0}, faults_on=("writes",))
    assert [ask(faulty).status, ask(faulty, WRITE, BODY).status] == [200, 503]


def test_waiting_is_said_to_the_one_who_waits():
    slow = desk(faults={"slow": 1.0}, latency=2.0, slow_seconds=3.0)
    hung = desk(faults={"applied_then_hang": 1.0}, hang_seconds=9.0)
    first, second = (each.receive(READ, b"", token="", now=0) for each in (slow, hung))
    assert (first.before, first.after, second.before, second.after) == (5.0, 0.0, 0.0, 9.0)


@pytest.mark.parametrize(
    ("behaviour", "code", "status"),
    [
        ({"unshared": ("b",)}, 403, "PERMISSION_DENIED"),
        ({"readonly": ("b",)}, 403, "PERMISSION_DENIED"),
        ({"require_token": True}, 401, "UNAUTHENTICATED"),
    ],
)
def test_who_may_not_write_is_told(behaviour, code, status):
    reply = ask(desk(**behaviour), WRITE, BODY)
    assert (reply.status, error(reply)["status"]) == (code, status)


def test_a_book_that_is_not_there_is_not_found():
    reply = ask(desk(), replace(READ, book="other"))
    assert (reply.status, error(reply)["message"]) == (404, "Requested entity was not found.")


def test_a_body_that_is_not_json_is_refused():
    assert error(ask(desk(), WRITE, b'{"values": NaN}'))["status"] == "INVALID_ARGUMENT"


def test_writes_are_counted_with_their_moments():
    counted = desk()
    for now in (10.0, 10.5, 71.0):
        ask(counted, WRITE, BODY, now=now)
    stats = counted.stats(now=80.0)
    assert (stats.writes, stats.applied, stats.applied_again, stats.cells) == (3, 3, 2, 3)
    assert (stats.write_times, stats.most_writes, stats.seconds) == ((0.0, 0.5, 61.0), 2, 70.0)


def test_a_page_shows_cells_as_text_only():
    book = SheetBook({"<S>": [["<script>alert(1)</script>", 0.5]]}, title="<b>")
    page = book_page(book, "b", gid=0)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert '<td class="n">0.5</td>' in page


def test_a_behaviour_is_read_from_yaml(tmp_path):
    path = tmp_path / "behaviour.yaml"
    path.write_text("writes_per_minute_per_user: 6\nlatency: {seconds: 0.2, sigma: 0.5}\nprotected: ['S!A1:C4']\n")
    read = read_sheet_behaviour(path)
    assert (read.writes_per_minute_per_user, read.waits.sigma, read.protected) == (6, 0.5, ("S!A1:C4",))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"fault": {}}, "did you mean 'faults'"),
        ({"faults": {"http_530": 0.1}}, "did you mean 'http_503'"),
        ({"faults": {"hang": 0.7, "reset": 0.7}}, "more than 1"),
        ({"faults": {"hang": 2}}, "between 0 and 1"),
        ({"hang_seconds": 0}, "more than 0"),
        ({"reads_per_day": -1}, "0 or more"),
        ({"retry_after": -1}, "0 seconds or more"),
        ({"latency": "soon"}, "does not fit"),
    ],
)
def test_a_behaviour_that_cannot_be_is_refused(values, why):
    with pytest.raises(InputError, match=why):
        parse_sheet_behaviour(values)
