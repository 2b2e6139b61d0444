import json

import pytest

from penstock.testing.answers import expected_scores
from penstock.testing.behaviour import Behaviour
from penstock.testing.desk import Call, Desk
from penstock.testing.latency import Latency
from penstock.testing.tally import Memory
from penstock.testing.wire import Request, Response


def post(text="a", *, key=None, model="m", **more):
    user = f"<<<0123456789abcdef\n{json.dumps({'text': text})}\n0123456789abcdef>>>"
    messages = [{"role": "system", "content": "exactly 2 numbers"}, {"role": "user", "content": user}]
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    body = json.dumps({"model": model, "messages": messages, **more}).encode()
    return Request(method="POST", path="/v1/chat/completions", headers=headers, body=body)


def get(path):
    return Request(method="GET", path=path, headers={})


def statuses(desk, requests, *, now=0.0):
    """The status of each answer at once; `call` for what is in flight, `waits` for what waits."""
    return [
        decided.status if isinstance(decided, Response) else "waits" if decided.delay is None else "call"
        for decided in (desk.receive(request, now=now) for request in requests)
    ]


def error(response):
    return json.loads(response.body)["error"]


def test_an_answer_is_due_after_the_latency():
    desk = Desk(Behaviour(latency=1.5))
    call = desk.receive(post(), now=0.0)
    assert call.delay == 1.5
    assert desk.finish(call, now=1.5).status == 200


def test_the_latency_follows_from_seed_and_content_not_from_the_order():
    delays = []
    for order in (["a", "b"], ["b", "a"]):
        desk = Desk(Behaviour(latency=Latency(seconds=1, share=0.5), seed=3))
        delays.append({text: desk.receive(post(text), now=0.0).delay for text in order})
    assert delays[0] == delays[1]
    assert delays[0]["a"] != delays[0]["b"]


def test_calls_beyond_the_capacity_are_refused_until_one_is_finished():
    desk = Desk(Behaviour(capacity=2, latency=1))
    first = desk.receive(post("a"), now=0.0)
    assert statuses(desk, [post("b"), post("c"), post("d")]) == ["call", 429, 429]
    desk.finish(first, now=1.0)
    assert statuses(desk, [post("e"), post("f")], now=1.0) == ["call", 429]


@pytest.mark.parametrize(
    ("retry_after", "headers"), [(None, ()), (2, (("retry-after", "2"),)), (0.5, (("retry-after", "0.5"),))]
)
def test_a_refusal_says_when_to_come_back_where_it_is_told_to(retry_after, headers):
    desk = Desk(Behaviour(capacity=0, retry_after=retry_after))
    refused = desk.receive(post(), now=0.0)
    assert refused.headers == headers
    assert error(refused)["code"] == "rate_limit_exceeded"


def test_an_exact_refusal_names_the_seconds_rounded_up():
    desk = Desk(Behaviour(rate=0.4, burst=1, retry_after="exact"))
    desk.receive(post("a"), now=0.0)
    assert desk.receive(post("b"), now=0.0).headers == (("retry-after", "3"),)


def test_an_exact_refusal_of_a_capacity_names_none():
    assert Desk(Behaviour(capacity=0, retry_after="exact")).receive(post(), now=0.0).headers == ()


def test_tokens_of_prompt_and_answer_are_counted_against_the_minute():
    desk = Desk(Behaviour(tokens_per_minute=90, rate_headers=True))
    call = desk.receive(post(), now=0.0)
    usage = json.loads(desk.finish(call, now=0.0).body)["usage"]
    left = 90 - usage["total_tokens"]
    refused = [desk.receive(post(), now=0.0) for _ in range(2)][-1]
    assert 0 < left < 2 * usage["total_tokens"]
    assert dict(refused.headers)["x-ratelimit-remaining-tokens"] == str(left - usage["total_tokens"])
    assert error(refused)["type"] == "tokens"


def test_rate_headers_come_with_answers_only_where_they_are_told_to():
    for told in (False, True):
        desk = Desk(Behaviour(requests_per_minute=60, rate_headers=told))
        names = dict(desk.finish(desk.receive(post(), now=0.0), now=0.0).headers)
        assert ("x-ratelimit-limit-requests" in names) is told


def test_calls_may_wait_their_turn_instead():
    desk = Desk(Behaviour(capacity=1, overflow="wait", latency=1))
    first, second, third = (desk.receive(post(text), now=0.0) for text in "abc")
    assert [call.delay for call in (first, second, third)] == [1, None, None]
    assert desk.ready(now=0.5) == []
    desk.finish(first, now=1.0)
    assert desk.ready(now=1.0) == [second]
    assert (second.delay, desk.stats(now=1.0).waiting) == (1, 1)


def test_no_call_passes_those_that_wait():
    desk = Desk(Behaviour(capacity={0: 0, 10: 5}, overflow="wait"))
    waiting = desk.receive(post("a"), now=0.0)
    late = desk.receive(post("b"), now=10.0)
    assert desk.ready(now=10.0) == [waiting, late]


def test_calls_that_wait_are_looked_at_when_the_capacity_changes():
    desk = Desk(Behaviour(capacity={0: 0, 10: 5}, overflow="wait"))
    assert desk.next_look(now=0.0) is None
    desk.receive(post("a"), now=2.0)
    assert desk.next_look(now=4.0) == 8.0


def test_a_client_that_goes_away_frees_its_place_and_leaves_the_queue():
    desk = Desk(Behaviour(capacity=1, overflow="wait", latency=1))
    first, second = (desk.receive(post(text), now=0.0) for text in "ab")
    desk.abandon(second)
    desk.abandon(first)
    stats = desk.stats(now=0.0)
    assert (stats.in_flight, stats.waiting, stats.abandoned) == (0, 0, 2)


def test_the_seconds_may_be_counted_from_the_start():
    desk = Desk(Behaviour(capacity={0: 1, 10: 0}, since="start"))
    desk.open(0.0)
    assert statuses(desk, [post()], now=10.0) == [429]


def test_the_seconds_are_counted_from_the_first_call_otherwise():
    desk = Desk(Behaviour(capacity={0: 1, 10: 0}))
    desk.open(0.0)
    assert statuses(desk, [post()], now=10.0) == ["call"]


def test_a_wrong_key_is_turned_away():
    desk = Desk(Behaviour(api_key="right"))
    assert statuses(desk, [post(), post(key="wrong"), post(key="right"), get("/v1/models")]) == [401, 401, "call", 401]


def test_an_unknown_model_is_turned_away():
    desk = Desk(Behaviour(models=("known",)))
    refused = desk.receive(post(model="other"), now=0.0)
    assert (refused.status, error(refused)["code"]) == (404, "model_not_found")
    assert statuses(desk, [post(model="known")]) == ["call"]


@pytest.mark.parametrize(
    ("structured", "expected"),
    [
        ("json_schema", ["call", "call", "call"]),
        ("json_object", ["call", "call", 400]),
        ("none", ["call", 400, 400]),
    ],
)
def test_a_server_may_lack_structured_output(structured, expected):
    desk = Desk(Behaviour(structured=structured))
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    formats = [{"type": "text"}, {"type": "json_object"}, schema]
    assert statuses(desk, [post(response_format=wanted) for wanted in formats]) == expected


def test_a_field_may_be_turned_down():
    refused = Desk(Behaviour(unsupported=("temperature",))).receive(post(temperature=0), now=0.0)
    assert (refused.status, error(refused)["param"]) == (400, "temperature")


def test_a_stream_is_turned_down():
    assert statuses(Desk(Behaviour()), [post(stream=True), post(stream=False)]) == [400, "call"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": "m"}', b'{"model": 1, "messages": []}', b"\xff"])
def test_a_body_that_is_no_chat_is_turned_down(body):
    request = Request(method="POST", path="/v1/chat/completions", headers={}, body=body)
    assert statuses(Desk(Behaviour()), [request]) == [400]


def test_a_prompt_of_another_shape_gets_a_sentence_instead_of_an_answer():
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    desk = Desk(Behaviour())
    call = desk.receive(Request(method="POST", path="/v1/chat/completions", headers={}, body=body), now=0.0)
    response = desk.finish(call, now=0.0)
    assert response.status == 400
    assert "fenced text" in error(response)["message"]


def test_an_answer_of_ones_own_takes_prompts_of_any_shape():
    desk = Desk(Behaviour(), answer=lambda body: f"you said {body['messages'][1]['content'][-3:]}")
    response = desk.finish(desk.receive(post(), now=0.0), now=0.0)
    assert json.loads(response.body)["choices"][0]["message"]["content"] == "you said >>>"


@pytest.mark.parametrize(("scores_from", "system"), [("text", ""), ("prompt", "exactly 2 numbers")])
def test_the_behaviour_says_what_decides_the_scores(scores_from, system):
    desk = Desk(Behaviour(scores_from=scores_from))
    body = json.loads(desk.finish(desk.receive(post("a"), now=0.0), now=0.0).body)
    expected = {"scores": expected_scores("a", 2, system=system)}
    assert json.loads(body["choices"][0]["message"]["content"]) == expected


def test_an_unknown_page_and_a_wrong_method_are_told():
    assert statuses(Desk(Behaviour()), [get("/nothing"), get("/v1/chat/completions")]) == [404, 405]


def test_the_known_models_are_listed():
    listed = Desk(Behaviour(models=("a", "b"))).receive(get("/v1/models"), now=0.0)
    assert [model["id"] for model in json.loads(listed.body)["data"]] == ["a", "b"]


def test_a_hang_and_a_drop_end_without_an_answer():
    for fault, delay in (("hang", 9.0), ("drop", 1.0)):
        desk = Desk(Behaviour(faults={fault: 1.0}, latency=1, hang_seconds=9))
        call = desk.receive(post(), now=0.0)
        assert call.delay == delay
        assert desk.finish(call, now=delay) is None
        assert desk.stats(now=delay).faults == {fault: 1}


def test_a_used_up_quota_is_told_at_once():
    desk = Desk(Behaviour(faults={"quota": 1.0}, latency=5))
    assert desk.receive(post(), now=0.0).delay == 0


def test_a_refused_call_does_not_change_the_fate_of_the_next():
    fates = []
    for refusals in (0, 5):
        desk = Desk(Behaviour(faults={"drop": 0.5}, capacity={0: 0, 10: 100}))
        for _ in range(refusals):
            desk.receive(post(), now=0.0)
        desk.receive(post("other"), now=0.0)
        fates.append([desk.receive(post(), now=10.0).fault for _ in range(20)])
    assert fates[0] == fates[1]
    assert set(fates[0]) == {None, "drop"}


def test_the_counts_tell_what_was_repeated():
    desk = Desk(Behaviour(latency=1))
    calls = [desk.receive(post(text), now=0.0) for text in ("a", "b", "a", "c")]
    desk.abandon(calls[0])
    for call in calls[1:]:
        desk.finish(call, now=1.0)
    again = desk.receive(post("b"), now=1.0)
    desk.finish(again, now=2.0)
    stats = desk.stats(now=2.0)
    assert (stats.received, stats.distinct, stats.repeated, stats.admitted_again) == (5, 3, 2, 2)
    assert (stats.answered, stats.answered_again, stats.abandoned, stats.most_calls) == (4, 1, 1, 2)
    assert (stats.in_flight, stats.peak_in_flight, stats.by_status) == (0, 4, {200: 4})


def test_the_same_text_for_another_model_is_no_repetition():
    desk = Desk(Behaviour())
    for model in "mn":
        desk.receive(post(model=model), now=0.0)
    assert desk.stats(now=0.0).repeated == 0


def test_refusals_are_counted_by_the_second():
    desk = Desk(Behaviour(capacity=0))
    for now in (5.0, 5.9, 6.0, 8.5):
        desk.receive(post(), now=now)
    stats = desk.stats(now=9.0)
    assert (stats.refused, stats.refusals, stats.seconds) == (4, ((0, 2), (1, 1), (3, 1)), 4.0)


def test_refusals_are_kept_for_an_hour():
    desk = Desk(Behaviour(capacity=0))
    for second in range(3700):
        desk.receive(post(), now=float(second))
    refusals = desk.stats(now=3700.0).refusals
    assert (len(refusals), refusals[0], refusals[-1]) == (3600, (100, 1), (3699, 1))


def test_a_prompt_that_cannot_be_read_is_told_so_even_where_tokens_are_counted():
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    desk = Desk(Behaviour(tokens_per_minute=10))
    request = Request(method="POST", path="/v1/chat/completions", headers={}, body=body)
    assert desk.finish(desk.receive(request, now=0.0), now=0.0).status == 400


def test_a_new_behaviour_keeps_the_counts_and_a_reset_clears_them():
    desk = Desk(Behaviour(capacity=0))
    desk.receive(post(), now=0.0)
    desk.behave(Behaviour(), now=1.0)
    assert isinstance(desk.receive(post(), now=1.0), Call)
    assert desk.stats(now=1.0).received == 2
    desk.reset(now=2.0)
    assert (desk.stats(now=2.0).received, desk.stats(now=2.0).in_flight) == (0, 1)


def test_the_memory_forgets_the_longest_unseen_when_it_is_full():
    memory = Memory(most=10)
    for number in range(1000):
        memory.touch(b"kept").received += 1
        memory.touch(number.to_bytes(2, "big"))
        assert len(memory) <= 10
    assert memory.touch(b"kept").received == 1000
    assert memory.touch((1).to_bytes(2, "big")).received == 0
