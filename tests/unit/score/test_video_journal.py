"""What is written down about uploads survives a crash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import DeliveryError
from penstock.score.video.journal import Left, VideoJournal


def left(name):
    return Left(name=name, origin="http://127.0.0.1:1", account="abc", at=1.0)


@pytest.fixture
def journal(tmp_path):
    return VideoJournal(tmp_path / "journal.jsonl")


def test_a_file_whose_upload_began_is_left_until_it_is_gone(journal):
    journal.begin(left("files/a"))
    journal.begin(left("files/b"))
    journal.end("files/a")
    assert journal.left() == [left("files/b")]


def test_a_journal_that_is_not_there_leaves_nothing(journal):
    assert journal.left() == []


def test_another_process_reads_what_was_written(journal):
    journal.begin(left("files/a"))
    assert VideoJournal(journal.path).left() == [left("files/a")]


@given(st.binary(max_size=40))
def test_a_line_that_a_crash_cut_off_spoils_no_other(tmp_path_factory, rest):
    journal = VideoJournal(tmp_path_factory.mktemp("cut") / "journal.jsonl")
    journal.begin(left("files/a"))
    with journal.path.open("ab") as file:
        file.write(b'{"begun": {"name": "files/x"' + rest.replace(b"\n", b""))
    journal.begin(left("files/b"))
    assert {each.name for each in journal.left()} >= {"files/a", "files/b"}


def test_an_empty_journal_is_removed_and_a_full_one_is_kept(journal):
    journal.begin(left("files/a"))
    journal.clear()
    assert journal.path.exists()
    journal.end("files/a")
    journal.clear()
    assert not journal.path.exists()


def test_nobody_else_can_read_it(journal):
    journal.begin(left("files/a"))
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_journal_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(DeliveryError, match="cannot be written"):
        VideoJournal(tmp_path / "none" / "journal.jsonl").begin(left("files/a"))
