"""The models of a job: opened with their own settings, priced, behind one judge, with the caches of a workspace."""

import pytest

from penstock.errors import InputError
from penstock.jobs.workspace import Workspace
from penstock.models import ModelSpec, Session
from penstock.models.purse import Purse
from penstock.score.api import make_config
from penstock.score.asking import Asking, all_priced, check_budget, open_asking

LOCAL = "http://127.0.0.1:1/v1"
PRICED = {"price_in": 1.0, "price_out": 2.0}


def spec(name="openai/m", **settings):
    return ModelSpec(name=name, base_url=LOCAL, **settings)


def config(**settings):
    return make_config("rows.csv", **{"text": "text", "categories": ["joy", "fear"], "model": spec(), **settings})


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({"model": "local"}, True),
        ({}, False),
        ({"model": spec(**PRICED)}, True),
        ({"model": spec(**PRICED), "fallback": [spec("openai/n")]}, False),
        ({"model": spec(**PRICED), "mode": "anchored"}, True),
        ({"model": spec(**PRICED), "mode": "anchored", "embeddings": spec("openai/e")}, False),
        ({"model": "openai/gpt-5-mini"}, True),
    ],
)
def test_a_cost_is_known_where_every_model_has_its_price(settings, known):
    assert all_priced(config(**settings)) is known


def test_a_price_of_a_file_counts_at_any_address(tmp_path):
    (tmp_path / "p.yaml").write_text("models: [{name: openai/m, in: 1, out: 2}]", encoding="utf-8")
    assert all_priced(config(prices=tmp_path / "p.yaml"))


@pytest.mark.parametrize("settings", [{}, {"model": spec(**PRICED), "fallback": [spec("openai/n")]}])
def test_a_budget_needs_the_price_of_every_model(settings):
    check_budget(config(**settings), None)
    with pytest.raises(InputError, match=r"The price of openai/[mn] at .* give --price-in and --price-out"):
        check_budget(config(**settings), 1.0)


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan")])
def test_a_budget_is_an_amount_of_money(budget):
    with pytest.raises(InputError, match="leaves nothing to spend"):
        check_budget(config(model=spec(price_in=1.0, price_out=1.0)), budget)


def test_a_budget_needs_a_model():
    with pytest.raises(InputError, match="The local judge costs nothing"):
        check_budget(config(model="local"), 1.0)


@pytest.mark.parametrize(("price_in", "price_out"), [(1.0, None), (None, 1.0)])
def test_half_a_price_is_refused(price_in, price_out):
    with pytest.raises(InputError, match="only half known"):
        check_budget(config(model=spec(price_in=price_in, price_out=price_out)), 1.0)


@pytest.mark.anyio
async def test_answers_and_vectors_are_remembered_apart(tmp_path):
    given = {"mode": "anchored", "embeddings": spec("openai/e")}
    async with Workspace(tmp_path) as workspace, Session() as session:
        asking = await open_asking(config(**given), session, workspace, Purse())
        assert asking.cache is not None
        assert asking.vectors is not None
    assert {path.name for path in tmp_path.glob("*.db")} == {"ledger.db", "cache.db", "vectors.db"}


@pytest.mark.anyio
async def test_local_vectors_are_not_remembered(tmp_path):
    async with Workspace(tmp_path) as workspace, Session() as session:
        asking = await open_asking(config(mode="anchored"), session, workspace, Purse())
        assert (asking.cache is None, asking.vectors) == (False, None)


@pytest.mark.anyio
async def test_without_a_cache_nothing_is_remembered(tmp_path):
    given = {"mode": "anchored", "embeddings": spec("openai/e"), "cache": False}
    async with Workspace(tmp_path) as workspace, Session() as session:
        asking = await open_asking(config(**given), session, workspace, Purse())
        assert (asking.cache, asking.vectors) == (None, None)
    assert {path.name for path in tmp_path.glob("*.db")} == {"ledger.db"}


@pytest.mark.anyio
async def test_models_stand_in_the_order_of_the_fallbacks():
    async with Session() as session:
        asking = Asking(config(fallback=[spec("openai/n"), "gemini/g"]), session, purse=Purse())
    assert [model.name for model in asking.models] == ["openai/m", "openai/n", "gemini/g"]


@pytest.mark.anyio
async def test_the_settings_of_a_model_are_part_of_what_answers_are_remembered_by():
    async with Session() as session:
        names = [
            Asking(config(model=spec(temperature=warmth)), session, purse=Purse()).models[0].identity
            for warmth in (0.0, 0.5, None)
        ]
    assert len(set(names)) == 3


@pytest.mark.anyio
async def test_prices_are_no_part_of_what_answers_are_remembered_by():
    async with Session() as session:
        found = {
            Asking(config(model=spec(**prices)), session, purse=Purse()).models[0].identity for prices in ({}, PRICED)
        }
    assert len(found) == 1


@pytest.mark.anyio
async def test_embeddings_of_another_provider_are_refused():
    async with Session() as session:
        with pytest.raises(InputError, match="Embeddings are asked for as openai/NAME"):
            Asking(config(mode="anchored", embeddings="gemini/g"), session, purse=Purse())
