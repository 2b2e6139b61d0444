import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import DeliveryError
from penstock.models.model import Prompt
from penstock.score.batch.journal import BatchJournal, Entry
from penstock.score.batch.load import line, named, question_id, read_answers
from penstock.web.transport import Response

STEPS = [
    ("made", {"lines": 2}),
    ("sent", {"file_id": "f"}),
    ("created", {"batch_id": "b"}),
    ("fetched", {"remote": ["o"]}),
]


def noted(folder, steps=STEPS):
    """A journal with these steps of one batch, and what it says after each of them."""
    journal, entry, seen = BatchJournal(folder), Entry(digest="d"), [[]]
    for step, facts in steps:
        journal.note(entry, step, **facts)
        seen.append(journal.unfinished())
    return journal, seen


def test_the_last_step_of_a_batch_and_all_that_is_known_of_it_are_found_again(tmp_path):
    journal, _ = noted(tmp_path)
    assert journal.unfinished() == [Entry(digest="d", step="fetched", lines=2, file_id="f", batch_id="b", remote=["o"])]


@given(cut=st.integers(0, 10_000))
def test_a_journal_that_was_cut_off_anywhere_says_what_it_said_earlier(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("journal")
    journal, seen = noted(folder)
    path = folder / "batches.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[: cut % (len(content) + 1)])
    assert journal.unfinished() in seen


def test_a_step_after_a_cut_line_is_read(tmp_path):
    journal, _ = noted(tmp_path, STEPS[:1])
    with (tmp_path / "batches.jsonl").open("ab") as file:
        file.write(b'{"batch":"d","st')
    journal.note(Entry(digest="d"), "sent", file_id="f")
    assert [(entry.step, entry.file_id) for entry in journal.unfinished()] == [("sent", "f")]


def test_a_closed_batch_leaves_no_files(tmp_path):
    journal, entry = BatchJournal(tmp_path), Entry(digest="d")
    journal.write_lines("d", [b"{}"])
    journal.note(entry, "made")
    journal.close(entry)
    assert journal.unfinished() == []
    assert not list((tmp_path / "batches").iterdir())


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "batches").write_text("in the way")
    with pytest.raises(DeliveryError, match="cannot be written"):
        BatchJournal(tmp_path).write_lines("d", [b"{}"])


def test_the_name_of_a_question_follows_from_all_that_is_asked():
    prompts = [Prompt(system="s", user="u"), Prompt(system="s", user="v"), Prompt(system="s", user="u", draw=1)]
    prompts += [Prompt(system="s", user="u", temperature=0.5), Prompt(system="s", user="u", schema={"type": "object"})]
    names = {question_id(identity, prompt) for prompt in prompts for identity in ("m", "n")}
    assert len(names) == 10
    assert question_id("m", prompts[0]) == question_id("m", Prompt(system="s", user="u"))


def test_lines_are_named_and_answers_are_read(tmp_path):
    (tmp_path / "lines").write_bytes(line("q1", {"model": "m"}) + b"\n" + line("q2", {}) + b"\n")
    assert list(named(tmp_path / "lines")) == ["q1", "q2"]
    (tmp_path / "answers").write_text(
        '{"id":"1","custom_id":"q2","response":{"status_code":200,"request_id":"r","body":{"a":1}},"error":null}\n'
        '{"id":"2","custom_id":"q1","response":null,"error":{"code":"batch_expired","message":"late"}}\n'
    )
    assert read_answers([tmp_path / "answers", tmp_path / "missing"]) == {
        "q2": Response(status=200, headers={}, body=b'{"a":1}'),
        "q1": "batch_expired",
    }
