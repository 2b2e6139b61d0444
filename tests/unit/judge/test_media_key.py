"""What an answer about a file is remembered by."""

from dataclasses import replace

from penstock.judge.chain import Chain
from penstock.models.model import Media, Prompt
from penstock.testing import ScriptedModel

VIDEO = Media(uri="https://files/1", mime_type="video/mp4", digest="aa")
PROMPT = Prompt(system="s", user="u", media=(VIDEO,))


def key(prompt):
    return Chain([ScriptedModel([])], check=str).key(prompt)


def test_the_same_content_at_another_address_is_the_same_question():
    moved = replace(VIDEO, uri="https://files/2")
    assert key(replace(PROMPT, media=(moved,))) == key(PROMPT)


def test_another_content_or_kind_is_another_question():
    others = [(), (replace(VIDEO, digest="bb"),), (replace(VIDEO, mime_type="video/webm"),), (VIDEO, VIDEO)]
    assert len({key(PROMPT), *(key(replace(PROMPT, media=media)) for media in others)}) == 5


def test_files_and_draws_are_told_apart():
    assert len({key(PROMPT), key(replace(PROMPT, draw=1)), key(replace(PROMPT, draw=1, media=()))}) == 3


def test_a_question_without_files_is_remembered_as_ever():
    plain = Prompt(system="s", user="u", schema={"type": "object"}, temperature=0.0, max_tokens=9)
    assert key(plain) == "c8fb8c030b41ac883eb1b1de7fc900ac8109468afde443968db18f1e57a00a97"
    assert plain.tokens == replace(plain, media=(VIDEO,)).tokens
