import json

import pytest

from penstock.testing import Behaviour, expected_embedding, expected_scores
from penstock.testing.desk import Desk
from penstock.testing.form import NoForm, read_form
from penstock.testing.wire import Inbox, Request

CHAT = "/v1/chat/completions"


def line(name, text="a", *, url=CHAT, model="m"):
    user = f"<<<0123456789abcdef\n{json.dumps({'text': text})}\n0123456789abcdef>>>"
    messages = [{"role": "system", "content": "exactly 2 numbers"}, {"role": "user", "content": user}]
    return json.dumps({"custom_id": name, "method": "POST", "url": url, "body": {"model": model, "messages": messages}})


def form(content, *, purpose="batch"):
    return (
        f'--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
        f'--B\r\nContent-Disposition: form-data; name="file"; filename="lines.jsonl"\r\n\r\n{content}\r\n--B--\r\n'
    ).encode()


class Provider:
    """A desk whose files and batches are asked as JSON; time stands where it is put."""

    def __init__(self, **behaviour):
        self.desk = Desk(Behaviour(**behaviour), wall=lambda: 1_000.0)
        self.now = 0.0

    def ask(self, method, path, body=b"", *, headers=None, query=""):
        headers = headers or {}
        request = Request(method=method, path=f"/v1{path}", query=query, headers=headers, body=body)
        return self.desk.receive(request, now=self.now)

    def upload(self, content, **more):
        return self.ask(
            "POST", "/files", form(content, **more), headers={"content-type": "multipart/form-data; boundary=B"}
        )

    def create(self, *lines, **more):
        file_id = json.loads(self.upload("\n".join(lines)).body)["id"]
        asked = {"input_file_id": file_id, "endpoint": CHAT, "completion_window": "24h", **more}
        return json.loads(self.ask("POST", "/batches", json.dumps(asked).encode()).body)

    def batch(self, name):
        return json.loads(self.ask("GET", f"/batches/{name}").body)

    def lines(self, file_id):
        return [json.loads(each) for each in self.ask("GET", f"/files/{file_id}/content").body.splitlines()]


def test_a_file_is_kept_told_given_back_and_deleted():
    provider = Provider()
    told = json.loads(provider.upload("x\r\ny").body)
    assert (told["bytes"], told["filename"], told["purpose"]) == (4, "lines.jsonl", "batch")
    assert provider.ask("GET", f"/files/{told['id']}/content").body == b"x\r\ny"
    assert json.loads(provider.ask("DELETE", f"/files/{told['id']}").body)["deleted"] is True
    assert provider.ask("GET", f"/files/{told['id']}").status == 404


@pytest.mark.parametrize(
    ("content", "more", "status"), [("x" * 11, {}, 413), ("x", {"purpose": "lunch"}, 400), ("x" * 10, {}, 200)]
)
def test_a_file_must_fit_its_purpose_and_the_limit(content, more, status):
    assert Provider(batch_bytes=10).upload(content, **more).status == status


def test_a_batch_goes_through_its_stages():
    provider = Provider(batch_seconds=100.0)
    name = provider.create(line("1"))["id"]
    seen = []
    for provider.now in (0.0, 5.0, 89.0, 90.0, 99.0, 100.0):
        seen.append(provider.batch(name)["status"])
    assert seen == ["validating", "in_progress", "in_progress", "finalizing", "finalizing", "completed"]


def test_a_batch_answers_each_line_under_its_name():
    provider = Provider()
    batch = provider.batch(provider.create(line("1", "x"), line("2", "y"))["id"])
    assert batch["request_counts"] == {"total": 2, "completed": 2, "failed": 0}
    found = {one["custom_id"]: one["response"] for one in provider.lines(batch["output_file_id"])}
    contents = {name: json.loads(one["body"]["choices"][0]["message"]["content"]) for name, one in found.items()}
    assert contents == {"1": {"scores": expected_scores("x", 2)}, "2": {"scores": expected_scores("y", 2)}}


def test_answers_come_in_another_order_than_the_questions():
    provider = Provider()
    batch = provider.batch(provider.create(*(line(str(n), str(n)) for n in range(50)))["id"])
    order = [one["custom_id"] for one in provider.lines(batch["output_file_id"])]
    assert order != sorted(order, key=int)
    assert sorted(order, key=int) == [str(n) for n in range(50)]


def test_lines_that_fail_stand_in_the_file_of_errors():
    provider = Provider(faults={"policy": 0.5})
    batch = provider.batch(provider.create(*(line(str(n), str(n)) for n in range(40)))["id"])
    failed = provider.lines(batch["error_file_id"])
    assert 0 < len(failed) == batch["request_counts"]["failed"] < 40
    assert {one["response"]["status_code"] for one in failed} == {400}


def test_lines_that_come_too_late_make_the_batch_an_expired_one():
    provider = Provider(batch_expired=0.5)
    batch = provider.batch(provider.create(*(line(str(n), str(n)) for n in range(40)))["id"])
    assert batch["status"] == "expired"
    assert {one["error"]["code"] for one in provider.lines(batch["error_file_id"])} == {"batch_expired"}
    assert len(provider.lines(batch["output_file_id"])) == batch["request_counts"]["completed"]


def test_a_cancelled_batch_keeps_what_it_has():
    provider = Provider(batch_seconds=100.0)
    name = provider.create(*(line(str(n), str(n)) for n in range(10)))["id"]
    provider.now = 50.0
    assert json.loads(provider.ask("POST", f"/batches/{name}/cancel").body)["status"] == "cancelling"
    provider.now = 60.0
    batch = provider.batch(name)
    assert (batch["status"], batch["request_counts"]) == ("cancelled", {"total": 10, "completed": 5, "failed": 5})
    assert provider.ask("POST", f"/batches/{name}/cancel").status == 409


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([""], "empty_file"),
        (["no json"], "invalid_json_line"),
        ([line("1"), line("1")], "duplicate_custom_id"),
        ([line("1", url="/v1/other")], "invalid_url"),
        ([line("1"), line("2", model="n")], "mismatched_model"),
        ([line(str(n)) for n in range(4)], "too_many_tasks"),
    ],
)
def test_a_file_that_cannot_be_worked_through_fails_with_its_reason(lines, code):
    provider = Provider(batch_lines=3)
    batch = provider.batch(provider.create(*lines)["id"])
    assert (batch["status"], batch["errors"]["data"][0]["code"]) == ("failed", code)
    assert provider.desk.stats(now=0.0).batch_lines == 0


def test_tokens_that_wait_already_count_against_the_limit():
    provider = Provider(batch_tokens=100, batch_seconds=10.0)
    names = [provider.create(line("1", "x" * 200))["id"] for _ in range(2)]
    provider.now = 1.0
    assert [provider.batch(name)["status"] for name in names] == ["in_progress", "failed"]
    assert provider.batch(names[1])["errors"]["data"][0]["code"] == "token_limit_exceeded"
    provider.now = 10.0
    assert provider.batch(provider.create(line("1", "x" * 200))["id"])["status"] == "validating"


def test_batches_are_listed_newest_first_in_pages():
    provider = Provider()
    names = [provider.create(line("1"), metadata={"n": str(n)})["id"] for n in range(5)]
    first = json.loads(provider.ask("GET", "/batches", query="limit=2").body)
    rest = json.loads(provider.ask("GET", "/batches", query=f"limit=9&after={first['last_id']}").body)
    assert [one["id"] for page in (first, rest) for one in page["data"]] == names[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert first["data"][0]["metadata"] == {"n": "4"}


def test_embeddings_come_in_batches_too():
    provider = Provider()
    asked = {"custom_id": "1", "method": "POST", "url": "/v1/embeddings", "body": {"model": "e", "input": "a b"}}
    batch = provider.batch(provider.create(json.dumps(asked), endpoint="/v1/embeddings")["id"])
    (answer,) = provider.lines(batch["output_file_id"])
    assert answer["response"]["body"]["data"][0]["embedding"] == expected_embedding("a b")


def test_batches_are_counted_apart_from_calls():
    provider = Provider()
    for _ in range(2):
        provider.batch(provider.create(line("1", "x"), line("2", "y"))["id"])
    stats = provider.desk.stats(now=0.0)
    assert (stats.received, stats.batches, stats.batch_lines, stats.batch_lines_again) == (0, 2, 4, 2)
    assert (stats.batch_answered, stats.files) == (4, 4)


def test_a_question_that_failed_may_be_answered_when_it_is_asked_again():
    provider = Provider(faults={"http_500": 0.5}, seed=1)
    first = provider.batch(provider.create(*(line(str(n), str(n)) for n in range(40)))["id"])
    failed = [one["custom_id"] for one in provider.lines(first["error_file_id"])]
    again = provider.batch(provider.create(*(line(name, name) for name in failed))["id"])
    assert 0 < again["request_counts"]["completed"] < len(failed)


def test_a_server_may_have_no_batches():
    provider = Provider(batches=False)
    assert provider.upload("x").status == provider.ask("GET", "/batches").status == 404


def test_a_call_may_fail_before_anything_was_done_or_after():
    before, after = Provider(batch_faults={"http_503": 1}), Provider(batch_faults={"drop": 1})
    assert (before.upload("x").status, before.desk.stats(now=0.0).files) == (503, 0)
    assert (after.upload("x").ends, after.desk.stats(now=0.0).files) == ("before", 1)


def test_a_wrong_key_opens_no_file():
    assert Provider(api_key="right").upload("x").status == 401


def test_a_form_may_hold_anything_but_its_boundary():
    fields = read_form(form("a\r\n--C\r\n\r\nb"), content_type='multipart/form-data; boundary="B"')
    assert fields["file"].content == b"a\r\n--C\r\n\r\nb"
    assert (fields["file"].filename, fields["purpose"].text) == ("lines.jsonl", "batch")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (form("x")[:-8], "multipart/form-data; boundary=B"),
        (form("x"), "application/json"),
        (b"", "multipart/form-data"),
    ],
)
def test_what_is_no_form_is_refused(body, kind):
    with pytest.raises(NoForm):
        read_form(body, content_type=kind)


def test_a_large_body_is_taken_for_a_file_and_for_nothing_else():
    head = b"POST /v1/files?a=b HTTP/1.1\r\ncontent-length: 50000000\r\n\r\n"
    inbox = Inbox()
    inbox.feed(head)
    assert inbox.next() is None
    inbox.feed(b"x" * 50_000_000)
    request = inbox.next()
    assert (request.path, request.query, len(request.body)) == ("/v1/files", "a=b", 50_000_000)
