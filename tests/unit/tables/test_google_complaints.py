"""What Google's errors mean, and how they are told."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.tables.google.complaint import Complaint, read_complaint
from penstock.web.transport import Response

ROBOT = "robot@example.iam.gserviceaccount.com"


def complaint(status, message="", *, reason="", limit="", **more):
    details = [{"@type": "x/google.rpc.Help"}, {"reason": reason, "metadata": {"quota_limit": limit}}] if reason else []
    body = {"error": {"code": status, "message": message, "details": details, **more}}
    return read_complaint(Response(status=status, headers={}, body=msgspec.json.encode(body)))


def told(given_complaint, *, account=ROBOT, source="KEY", writing=""):
    return given_complaint.sentence(account=account, source=source, writing=writing)


MINUTE = "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per user' of service"


def test_a_quota_of_the_minute_passes():
    refusal = complaint(429, MINUTE, reason="RATE_LIMIT_EXCEEDED", limit="WriteRequestsPerMinutePerUser")
    assert refusal.over_quota
    assert not refusal.over_for_the_day


@pytest.mark.parametrize(
    "refusal",
    [
        complaint(429, MINUTE.replace("minute", "day"), reason="RATE_LIMIT_EXCEEDED", limit="WriteRequestsPerDay"),
        complaint(429, "Used up.", reason="QUOTA_EXCEEDED"),
        complaint(403, "Daily Limit Exceeded", errors=[{"reason": "dailyLimitExceeded"}]),
    ],
)
def test_a_quota_of_the_day_does_not_pass(refusal):
    assert refusal.over_for_the_day
    assert "quota for the day is used up" in told(refusal)
    assert "resume tomorrow" in told(refusal)


def test_a_refusal_without_a_word_is_taken_for_one_of_the_minute():
    refusal = read_complaint(Response(status=429, headers={}, body=b"<html>"))
    assert refusal.over_quota
    assert not refusal.over_for_the_day


def test_the_old_shape_of_a_quota_is_told_from_missing_access():
    assert complaint(403, "Slow down", errors=[{"reason": "userRateLimitExceeded"}]).over_quota
    assert not complaint(403, "The caller does not have permission").over_quota


@pytest.mark.parametrize(
    ("refusal", "writing", "said"),
    [
        (complaint(403, "The caller does not have permission"), "", f"no access to the sheet .* share it with {ROBOT}"),
        (complaint(403, "The caller does not have permission"), "'T'!D5", f"read but not written .* {ROBOT} as an ed"),
        (complaint(403, "x", reason="SERVICE_DISABLED"), "", "API is not enabled"),
        (complaint(403, "x", reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "", "auth/spreadsheets"),
        (
            complaint(400, "You are trying to edit a protected cell or object."),
            "'T'!D5",
            f"'T'!D5 is protected: .*{ROBOT}",
        ),
        (complaint(403, "You are trying to edit a protected cell or object."), "'T'!D5", "'T'!D5 is protected"),
        (complaint(404, "Requested entity was not found."), "", "no such sheet"),
        (complaint(400, "Unable to parse range: 'T'!D5"), "", r"no longer there, or was renamed \(Unable.*'T'!D5\)"),
        (complaint(400, "This operation is not supported for this document"), "", "Office document"),
        (complaint(400, "above the limit of the number of cells"), "", "10,000,000"),
        (complaint(400, "Range ('T'!A9) exceeds grid limits. Max rows: 3"), "", "lies outside the sheet"),
        (complaint(418, "I am a teapot"), "", r"turned the request down \(HTTP 418: I am a teapot\)"),
    ],
)
def test_every_error_has_its_sentence(refusal, writing, said):
    assert re.search(said, told(refusal, writing=writing))


def test_credentials_that_are_turned_down_are_named_by_their_place():
    assert "in place of KEY" in told(complaint(401, "Request had invalid authentication credentials."))


def test_a_server_that_wants_credentials_says_where_to_put_them():
    assert "GOOGLE_APPLICATION_CREDENTIALS" in told(complaint(401, "x"), source="")


def test_an_account_without_a_known_address_is_described():
    assert "the account of these credentials" in told(complaint(403, "x"), account="")


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_an_error_of_the_server_passes(status):
    assert complaint(status).passing


def test_a_change_that_another_one_got_in_the_way_of_passes():
    assert Complaint(http=409, status="ABORTED").passing
    assert not Complaint(http=409, status="ALREADY_EXISTS").passing


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["error", "errors", "details", "reason", "message", "metadata", "quota_limit"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_a_server_answers_is_read(body):
    read = read_complaint(Response(status=400, headers={}, body=msgspec.json.encode({"error": body})))
    assert told(read)
