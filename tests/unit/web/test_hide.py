"""Taking secrets out of what servers say."""

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.web.hide import hide

KEY = 'sk-p"l\\a/n+t<e&%41d'
SPELLINGS = {
    "plain": KEY,
    "in capitals": KEY.upper(),
    "in JSON": json.dumps(KEY),
    "in JSON of PHP": json.dumps(KEY).replace("/", "\\/"),
    "in Python": repr(KEY),
    "in HTML": html.escape(KEY),
    "in an address": quote(KEY, safe=""),
    "in an address, in small letters": quote(KEY, safe="").lower(),
    "in hex": KEY.encode().hex(),
    "in base64": base64.b64encode(KEY.encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_key_is_hidden_in_every_spelling(spelling):
    said = hide(f"Wrong key {spelling} (401)", KEY)
    assert said.startswith("Wrong key ")
    assert "[key]" in said
    assert said.endswith(" (401)")
    assert len(said) <= len("Wrong key ''[key]xxx== (401)")


@given(key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16), before=st.binary(max_size=9))
def test_base64_of_a_key_behind_anything_is_hidden(key, before):
    said = base64.b64encode(before + key.encode() + b"\n").decode()
    start, stop = -(-8 * len(before) // 6), 8 * (len(before) + len(key)) // 6
    assert said[start:stop] not in hide(said, key)


@given(st.text(max_size=50))
def test_what_holds_no_key_stays_as_it_is(text):
    assert hide(text, "", "sk-nowhere-in-there") == text


def test_a_short_word_as_a_key_takes_no_other_words_away():
    assert hide("a2V5 and 6b6579 are no keys", "key") == "a2V5 and 6b6579 are no [key]s"
