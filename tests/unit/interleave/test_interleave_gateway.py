"""Events of three kinds in, responses out: routes, sizes of pages, who asks, and what a client never gets to see."""

import json
import logging
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.interleave import METHODS, Experiment, Snapshot
from penstock.interleave.gateway import Gateway
from penstock.interleave.wire import plain, rows

ROUTES = {"GET /recommendations/a": "A", "GET /recommendations/b": "B", "GET /recommendations": None}
EVERYBODY = {"mode": "INTERLEAVE", "sampling_rate": 1}


def ids(letter, count=30):
    """Make a ranker of items that no other ranker has."""
    return lambda _context: [{"item_id": f"{letter}{number}"} for number in range(count)]


class Service:
    """An experiment behind a gateway, with the records that it logged."""

    def __init__(self, rankers=None, *, settings=EVERYBODY, routes=ROUTES, **more):
        self.records = []
        self.experiment = Experiment(
            "home", rankers or {"A": ids("a"), "B": ids("b")}, settings=settings, log=self.records.append
        )
        self.gateway = Gateway(self.experiment, routes, **more)

    def get(self, path="/recommendations", **query):
        """Call as an HTTP API does, signed in as Ann."""
        return self.gateway(http_event(path, query={name: str(value) for name, value in query.items()}))

    def items(self, path="/recommendations", **query):
        answer = self.get(path, **query)
        assert answer["statusCode"] == 200
        return [item["item_id"] for item in json.loads(answer["body"])["items"]]

    @property
    def record(self):
        return self.records[-1].as_dict()


def http_event(path="/recommendations", *, query=None, stage="$default", authorizer=None, **more):
    """Make an event of an HTTP API, payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": f"GET {path}",
        "rawPath": path if stage == "$default" else f"/{stage}{path}",
        "headers": {"accept": "*/*"},
        "queryStringParameters": query or None,
        "requestContext": {
            "http": {"method": "GET", "path": path},
            "stage": stage,
            "authorizer": authorizer or {"jwt": {"claims": {"sub": "ann"}, "scopes": None}},
        },
        **more,
    }


def rest_event(path="/recommendations", *, query=None, authorizer=None, **more):
    """Make an event of a REST API, payload format 1.0."""
    return {
        "resource": path,
        "path": path,
        "httpMethod": "GET",
        "headers": {"Accept": "*/*", "Cookie": 'session="s1"; theme=dark'},
        "queryStringParameters": query,
        "pathParameters": None,
        "requestContext": {"stage": "live", "authorizer": authorizer or {"claims": {"sub": "ann"}}},
        **more,
    }


def balancer_event(path="/recommendations", **query):
    """Make an event of a load balancer."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "GET",
        "path": path,
        "queryStringParameters": query,
        "headers": {"cookie": "session=s1"},
        "body": "",
        "isBase64Encoded": False,
    }


def source_of(items):
    return {item[0] for item in items}


@pytest.mark.parametrize("event", [http_event, rest_event, balancer_event])
def test_every_kind_of_event_gets_a_ranking(event):
    answer = Service().gateway(event())
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["isBase64Encoded"] is False
    assert len(json.loads(answer["body"])["items"]) == 10


def test_an_old_route_keeps_its_ranker_whatever_the_settings_say():
    service = Service()
    assert source_of(service.items("/recommendations/a")) == {"a"}
    assert source_of(service.items("/recommendations/b")) == {"b"}
    assert source_of(service.items()) == {"a", "b"}


def test_an_old_route_is_retired_by_taking_its_mode_away():
    service = Service(routes={**ROUTES, "GET /recommendations/b": None}, settings={"mode": "A"})
    assert source_of(service.items("/recommendations/b")) == {"a"}


def test_the_stop_is_there_within_one_time_to_live_and_the_old_routes_do_not_notice():
    now = [0.0]
    settings = dict(EVERYBODY)
    service = Service(settings=Snapshot(settings, ttl=60, clock=lambda: now[0]))
    assert source_of(service.items()) == {"a", "b"}
    settings["mode"] = "A"
    now[0] = 60.0
    assert source_of(service.items()) == {"a"}
    assert source_of(service.items("/recommendations/b")) == {"b"}


def test_a_route_that_is_not_there_is_not_found():
    answer = Service().get("/elsewhere")
    assert (answer["statusCode"], json.loads(answer["body"])) == (404, {"error": "There is nothing here."})


def test_another_method_is_another_route():
    event = http_event(routeKey="POST /recommendations")
    event["requestContext"]["http"]["method"] = "POST"
    assert Service().gateway(event)["statusCode"] == 404


@pytest.mark.parametrize(
    "event",
    [
        http_event(routeKey="$default"),
        http_event(routeKey="$default", stage="live"),
        http_event(routeKey="$default", rawPath="/recommendations/"),
        rest_event(resource="/{proxy+}"),
        rest_event("/recommendations/"),
    ],
)
def test_a_route_is_found_by_the_path_that_was_called(event):
    assert Service().gateway(event)["statusCode"] == 200


def test_a_route_is_found_by_its_path_with_parameters():
    service = Service(routes={"GET /users/{id}/recommendations": None}, user=lambda call: call.path["id"])
    event = rest_event(
        resource="/users/{id}/recommendations", path="/users/7/recommendations", pathParameters={"id": "7"}
    )
    assert service.gateway(event)["statusCode"] == 200
    assert service.record["unit"] == "user"


@pytest.mark.parametrize("event", [{}, {"requestContext": None}, {"headers": None, "routeKey": None}])
def test_an_event_of_another_kind_is_not_found(event):
    assert Service().gateway(event)["statusCode"] == 404


WORDS = st.none() | st.text(max_size=8)
PARTS = WORDS | st.integers() | st.lists(WORDS, max_size=2) | st.dictionaries(st.text(max_size=8), WORDS, max_size=3)
KEYS = ("routeKey", "resource", "headers", "queryStringParameters", "cookies", "pathParameters", "requestContext")


@given(event=st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, PARTS)), query=st.dictionaries(WORDS, WORDS))
def test_whatever_comes_is_answered(event, query):
    gateway = Service().gateway
    assert gateway(event)["statusCode"] in {404, 500}
    found = {**http_event(), "queryStringParameters": {"k": "1", **query}}
    assert gateway(found)["statusCode"] in {200, 400}


def test_a_page_has_the_size_that_was_asked_for():
    service = Service(k=7)
    assert len(service.items()) == 7
    assert len(service.items(k="")) == 7
    assert len(service.items(k=3)) == 3


@pytest.mark.parametrize("k", ["0", "-1", "101", "ten", "1.5", "²", "9" * 400, "1 OR 1=1", "1,2"])
def test_a_size_that_is_none_is_told_in_one_sentence(k):
    answer = Service().get(k=k)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"]) == {"error": "k must be a whole number from 1 to 100."}


@pytest.mark.parametrize("offset", ["-1", "51", "x"])
def test_an_offset_that_is_none_is_told_in_one_sentence(offset):
    answer = Service(deepest=50).get(offset=offset)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"]) == {"error": "offset must be a whole number from 0 to 50."}


@pytest.mark.parametrize("method", ["team_draft_v1", "probabilistic_v1"])
def test_pages_with_the_id_of_the_first_are_one_ranking(method):
    service = Service(settings={**EVERYBODY, "interleave_method": method})
    first = service.get(k=10)
    name = json.loads(first["body"])["ranking_id"]
    both = [item["item_id"] for item in json.loads(first["body"])["items"]]
    both += service.items(k=10, offset=10, ranking_id=name)
    assert len(set(both)) == 20
    assert both == service.items(k=20, ranking_id=name)


def test_an_id_that_is_none_is_replaced():
    service = Service()
    body = json.loads(service.get(ranking_id='<script>"')["body"])
    assert body["ranking_id"] == service.record["ranking_id"]
    assert "script" not in body["ranking_id"]


@pytest.mark.parametrize(
    "event",
    [
        http_event(),
        http_event(authorizer={"lambda": {"sub": "ann"}}),
        http_event(authorizer={"iam": {"sub": "ann"}}),
        rest_event(),
        rest_event(authorizer={"sub": "ann", "principalId": "p"}),
    ],
)
def test_the_user_is_whom_the_authoriser_names(event):
    service = Service()
    service.gateway(http_event())
    ann = service.record["user"]
    service.gateway(event)
    assert (service.record["unit"], service.record["user"]) == ("user", ann)


@pytest.mark.parametrize(
    "event", [http_event(cookies=["theme=dark", "session=s1"], authorizer={"-": "-"}), rest_event(), balancer_event()]
)
def test_a_session_is_found_in_a_cookie(event):
    service = Service(user=lambda _call: None, session=lambda call: call.cookies["session"])
    service.gateway(event)
    assert service.record["unit"] == "session"
    expected = service.record["user"]
    service.experiment.rank(session_id="s1", k=1)
    assert service.record["user"] == expected


def test_who_is_nobody_gets_the_baseline():
    service = Service()
    event = http_event()
    del event["requestContext"]["authorizer"]
    assert source_of([item["item_id"] for item in json.loads(service.gateway(event)["body"])["items"]]) == {"a"}
    assert "unit" not in service.record


def test_header_names_are_found_in_lower_case():
    service = Service(user=lambda call: call.headers["x-user"])
    assert service.gateway(rest_event(headers={"X-User": "ann"}))["statusCode"] == 200
    assert service.record["unit"] == "user"


def test_the_query_of_a_load_balancer_is_decoded():
    seen = []
    service = Service(context=seen.append)
    service.gateway(balancer_event(interest="bird%20song+at%20sea"))
    assert seen[0].query == {"interest": "bird song at sea"}


def test_the_rankers_are_called_with_the_context():
    service = Service(
        {"A": lambda context: [{"item_id": context}], "B": lambda context: [{"item_id": context}]},
        context=lambda call: call.query["interest"],
    )
    assert service.items(interest="birds") == ["birds"]


def test_a_context_that_cannot_be_made_of_a_call_is_the_clients_mistake():
    def context(_call):
        raise InputError("interest is missing: name a theme.")

    answer = Service(context=context).get()
    assert (answer["statusCode"], json.loads(answer["body"])) == (400, {"error": "interest is missing: name a theme."})


@pytest.mark.parametrize("failing", ["context", "user", "session", "body"])
def test_a_function_that_fails_is_logged_and_not_told(failing, caplog):
    def fail(_given):
        raise KeyError("the password of the database")

    answer = Service(**{failing: fail}).get()
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"]) == {"error": "The ranking could not be made."}
    assert "the password of the database" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("error", [RuntimeError("secret"), InputError("secret")])
def test_a_baseline_that_fails_is_logged_and_not_told(error, caplog):
    def rank(_context):
        raise error

    answer = Service({"A": rank, "B": ids("b")}).get("/recommendations/a")
    assert answer["statusCode"] == 500
    assert "secret" not in json.dumps(answer)
    assert "secret" in caplog.text


def test_a_ranker_that_fails_beside_the_baseline_costs_nobody_anything():
    def rank(_context):
        raise RuntimeError("secret")

    service = Service({"A": ids("a"), "B": rank})
    assert source_of(service.items()) == {"a"}
    assert source_of(service.items("/recommendations/b")) == {"a"}
    assert service.record["fallback_reason"] == "B:raised"


@pytest.mark.parametrize("method", METHODS)
def test_the_source_of_an_item_never_reaches_the_client(method):
    rankers = {
        "NORTH": lambda _: [{"item_id": n} for n in range(9)],
        "SOUTH": lambda _: [{"item_id": 8 - n} for n in range(9)],
    }
    routes = {"GET /recommendations": None}
    service = Service(rankers, settings={**EVERYBODY, "interleave_method": method}, routes=routes)
    answer = json.dumps(service.get())
    assert {item["source_ranker"] for item in service.record["items"]} == {"NORTH", "SOUTH"}
    assert not [word for word in ("NORTH", "SOUTH", "source", "ranker", "INTERLEAVE", method) if word in answer]


def test_the_response_and_the_record_name_the_same_ranking():
    service = Service()
    answer = service.get()
    body = json.loads(answer["body"])
    assert list(body) == ["ranking_id", "items"]
    assert answer["headers"]["x-ranking-id"] == body["ranking_id"] == service.record["ranking_id"]
    assert [item["item_id"] for item in body["items"]] == [item["item_id"] for item in service.record["items"]]


def test_no_cache_on_the_way_keeps_a_ranking():
    assert Service().get()["headers"]["cache-control"] == "no-store"


def test_a_body_of_ones_own_is_sent():
    service = Service(body=lambda served: {"id": served.ranking_id, "n": len(served.ranking)})
    assert json.loads(service.get(k=4)["body"])["n"] == 4


@pytest.mark.parametrize(
    ("routes", "more"),
    [({"GET /": "C"}, {}), ({"GET /": None}, {"k": 0}), ({"GET /": None}, {"k": 9, "most": 8}), ({}, {"deepest": -1})],
)
def test_a_gateway_that_makes_no_sense_is_refused(routes, more):
    with pytest.raises(InputError):
        Service(routes=routes, **more)


def table(library):
    columns = {
        "item_id": [1, 2],
        "price": [2.5, float("nan")],
        "since": [datetime(2026, 1, 2, 3, tzinfo=UTC), None],
        "day": [date(2026, 1, 2), None],
    }
    return library.DataFrame(columns)


@pytest.mark.parametrize("library", [pd, pl])
def test_a_frame_becomes_rows_of_plain_values(library):
    service = Service({"A": lambda _: table(library), "B": lambda _: table(library)})
    first, second = sorted(json.loads(service.get()["body"])["items"], key=lambda item: item["item_id"])
    assert first == {"item_id": 1, "price": 2.5, "since": "2026-01-02T03:00:00+00:00", "day": "2026-01-02"}
    assert second == {"item_id": 2, "price": None, "since": None, "day": None}


def test_a_list_of_ids_stays_one():
    service = Service({"A": lambda _: [3, "x"], "B": lambda _: [3, "x"]})
    assert json.loads(service.get()["body"])["items"] == [3, "x"]


def test_a_baseline_without_a_ranking_gives_an_empty_one():
    service = Service({"A": lambda _: None, "B": lambda _: None})
    assert service.items("/recommendations/a") == []


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), None),
        (float("-inf"), None),
        (np.bool_(1), True),
        (np.str_("x"), "x"),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.datetime64("2026-01-02T03:04:05.000000000"), "2026-01-02T03:04:05.000000000"),
        (np.datetime64("NaT"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        (pd.Timedelta(seconds=90), 90.0),
        (timedelta(minutes=1), 60.0),
        (Decimal("1.50"), 1.5),
        (Decimal(10) ** 20, 10**20),
        (Decimal("NaN"), None),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        ({1: {"deep": (np.int8(1),)}}, {"1": {"deep": [1]}}),
        ({3}, [3]),
    ],
    ids=repr,
)
def test_a_value_is_said_in_the_types_of_json(value, said):
    found = plain(value)
    assert found == said
    assert json.loads(json.dumps(found, allow_nan=False)) == said
    assert isinstance(found, bool) == isinstance(said, bool)


@pytest.mark.parametrize("value", [b"bytes", object(), 1j])
def test_a_value_that_json_has_no_word_for_is_an_error(value):
    with pytest.raises(TypeError, match="JSON has no word for"):
        rows([{"item_id": value}])
