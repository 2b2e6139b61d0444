"""What a model costs: from the table, from the user, or not known, which is never guessed."""

import re
from datetime import date

import pytest

from penstock.errors import InputError
from penstock.models.prices import Price, found, listed, needed, price_of
from penstock.models.spec import ModelSpec
from penstock.records import Usage


def spec(name, **settings):
    return ModelSpec(name=name, **settings).settled({})


def pair(price):
    return price and (price.usd_in, price.usd_out)


def test_a_well_known_model_has_its_list_price():
    assert pair(price_of(spec("openai/gpt-4o-mini"))) == (0.15, 0.6)


@pytest.mark.parametrize(
    ("dated", "plain"),
    [
        ("openai/gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("anthropic/claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("gemini/gemini-2.0-flash-001", "gemini/gemini-2.0-flash"),
        ("gemini/models/gemini-2.5-flash", "gemini/gemini-2.5-flash"),
    ],
)
def test_a_name_with_a_date_has_the_price_of_the_name(dated, plain):
    assert price_of(spec(dated)) == price_of(spec(plain)) != None  # noqa: E711 - both sides at once


@pytest.mark.parametrize("name", ["openai/gpt-4o-audio", "openai/qwen3:8b", "gemini/gemini-99", "openai/gpt-4o-2024"])
def test_a_name_that_is_not_listed_has_no_price(name):
    assert price_of(spec(name)) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "https://eu.api.openai.com/v1", "https://llm.example/v1"])
def test_another_server_has_no_price_whatever_its_model_is_called(url):
    assert price_of(spec("openai/gpt-4o", base_url=url)) is None


def test_the_address_says_whose_price_it_is_whatever_protocol_is_spoken():
    url = "https://generativelanguage.googleapis.com/v1beta/openai"
    assert price_of(spec("openai/gemini-2.5-flash", base_url=url)) == price_of(spec("gemini/gemini-2.5-flash"))


def test_prices_that_the_user_gives_win():
    price = price_of(spec("openai/gpt-4o", price_in=1.0, price_out=0.0))
    assert (*pair(price), price.source, price.as_of) == (1.0, 0.0, "given", "")


def test_one_given_price_is_completed_by_the_table():
    assert pair(price_of(spec("openai/gpt-4o", price_out=7.0))) == (2.5, 7.0)


def test_one_given_price_is_not_enough_where_the_other_is_unknown():
    with pytest.raises(InputError, match="give both --price-in and --price-out"):
        price_of(spec("openai/own", price_in=1.0))


def test_who_needs_an_unknown_price_is_told_how_to_give_it():
    given = spec("openai/own", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(InputError, match=r"openai/own at http://127\.0\.0\.1:1/v1 is not known.*--price-in"):
        needed(given)


def test_a_file_of_the_user_wins_at_any_address(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text("models:\n  - {name: openai/own, in: 0.5, out: 1.5, batch: 0.8}\n")
    price = price_of(spec("openai/own", base_url="http://127.0.0.1:1/v1"), path=path)
    assert (*pair(price), price.batch) == (0.5, 1.5, 0.8)


def test_a_file_of_the_user_comes_first_in_the_list(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text("models:\n  - {name: openai/own, in: 0.5, out: 1.5}\n  - {name: openai/gpt-4o, in: 9, out: 9}\n")
    names = listed(path=path)
    assert list(names)[:2] == ["openai/own", "openai/gpt-4o"]
    assert names["openai/gpt-4o"].usd_in == 9
    assert len(names) == len(listed()) + 1


@pytest.mark.parametrize(
    "content",
    [b"models: 3", b"- a", b"\xff", b"models:\n- {name: a, in: -1, out: 1}", b"models:\n- {name: a}"],
)
def test_a_price_file_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / "prices.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"The price file {re.escape(str(path))} cannot be used: "):
        listed(path=path)


def test_a_price_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        listed(path=tmp_path / "none.yaml")


def test_tokens_are_charged_by_the_million():
    price = Price(usd_in=2.0, usd_out=10.0)
    assert price.cost(Usage(calls=3, tokens_in=500_000, tokens_out=100_000, cost_usd=99.0)) == pytest.approx(2.0)


def test_a_batch_takes_its_share_of_the_price():
    assert Price(usd_in=2.0, usd_out=10.0).cost(Usage(tokens_in=1_000_000), batch=True) == pytest.approx(1.0)


def test_a_model_is_found_by_its_name_alone():
    assert found("openai/gpt-4o-2024-08-06") == listed()["openai/gpt-4o"]
    assert found("openai/none") is None


@pytest.mark.parametrize("name", listed())
def test_every_entry_of_the_table_is_dated_sourced_and_plausible(name):
    price = listed()[name]
    assert date(2026, 1, 1) <= date.fromisoformat(price.as_of)
    assert price.source.startswith("https://")
    assert 0 < price.usd_in <= 1000
    assert price.usd_in < price.usd_out <= 1000 or "embedding" in name
    assert price.usd_cached is None or 0 < price.usd_cached < price.usd_in
    assert name.partition("/")[0] in {"openai", "anthropic", "gemini"}
