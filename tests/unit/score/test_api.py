"""What a caller gives becomes a configuration: checked whole before anything is read, asked or written."""

import json

import pytest

from penstock.errors import InputError
from penstock.jobs.workspace import Workspace
from penstock.models import ModelSpec
from penstock.score import ScoreConfig, a_score_table, score_table
from penstock.score.api import make_config, prepare
from penstock.tables import open_table
from penstock.tables.google import SheetLayout

LOCAL = "http://127.0.0.1:1/v1"
SHEET = "https://docs.google.com/spreadsheets/d/abc/edit"
GEMINI = "gemini/g"


def spec(name="openai/m", **settings):
    return ModelSpec(name=name, base_url=LOCAL, **settings)


def config(source="rows.csv", **settings):
    return make_config(source, **{"text": "text", "categories": ["joy", "fear"], "model": spec(), **settings})


# --- what is given ---


def test_paths_are_kept_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = config(examples="e.csv", prices="p.yaml", output="o.csv", model="local")
    assert [made.source, made.output, made.examples, made.prices] == [
        str(tmp_path / name) for name in ("rows.csv", "o.csv", "e.csv", "p.yaml")
    ]


def test_the_output_lies_beside_the_table_unless_it_is_said_otherwise(tmp_path):
    assert config(tmp_path / "rows.csv").output == str(tmp_path / "rows.scored.csv")


def test_a_sheet_takes_its_scores_itself_unless_it_is_said_otherwise(tmp_path):
    made = config(SHEET, layout=SheetLayout())
    assert (made.source, made.output) == (SHEET, "")
    assert config(SHEET, layout=SheetLayout(), output=tmp_path / "o.csv").output == str(tmp_path / "o.csv")


def test_models_are_settled_so_that_a_resume_finds_the_same_ones(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    made = config(model="openai/m", fallback=[spec("openai/n"), GEMINI], embeddings="openai/e", mode="anchored")
    assert [one.base_url for one in made.models[:2]] == [LOCAL] * 2
    assert (made.models[2].key_variable, made.embeddings.base_url) == ("GEMINI_API_KEY", LOCAL)
    assert made.paid == [*made.models, made.embeddings]


def test_the_local_judge_is_no_model():
    made = config(model="local", block=1)
    assert (made.models, made.embeddings, made.paid) == ((), None, [])
    assert [len(block) for block in made.blocks] == [2]


@pytest.mark.parametrize(("samples", "given", "kept"), [(1, 0.0, 0.0), (2, 0.0, 0.7), (2, 0.2, 0.2), (2, None, None)])
def test_samples_want_some_variety_of_all_models(samples, given, kept):
    made = config(samples=samples, model=spec(temperature=given), fallback=[spec("openai/n", temperature=given)])
    assert [one.temperature for one in made.models] == [kept, kept]


def test_instructions_of_the_categories_file_count_unless_others_are_given(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("{categories: [joy], instructions: Judge gently.}", encoding="utf-8")
    assert config(categories=path).instructions == "Judge gently."
    assert config(categories=path, instructions="Judge hard.").instructions == "Judge hard."


def test_equal_commands_have_equal_fingerprints_and_others_do_not():
    assert config().fingerprint == config().fingerprint
    others = [config(**one) for one in ({"samples": 2}, {"limit": 3}, {"mode": "anchored"}, {"usage": True})]
    assert len({one.fingerprint for one in [config(), *others]}) == 5


# --- what does not go together ---


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "local", "mode": "anchored"}, r"Rationales come from a model: give one \(--model\)"),
        ({"model": "local", "samples": 2}, "leave --samples away"),
        ({"model": "local", "batch": True}, "The local judge needs no batches: leave --batch away"),
        ({"embeddings": "openai/e"}, "Embeddings belong to --mode anchored"),
        ({"rationales": "Why", "layout": SheetLayout()}, "A tab for rationales belongs to --mode anchored"),
        ({"rationales": "Why", "mode": "anchored"}, "leave --rationales away"),
        ({"rationales": "Why", "mode": "anchored", "layout": SheetLayout(), "output": "o.csv"}, "Only a Google sheet"),
        ({"video": True, "model": GEMINI, "mode": "anchored"}, "leave --video or --mode away"),
        ({"video": True, "model": GEMINI, "batch": True}, "leave --video or --batch away"),
        ({"video": True}, "Videos are judged by Gemini models only"),
        ({"video": True, "model": GEMINI, "fallback": ["openai/m"]}, "Videos are judged by Gemini models only"),
        ({"video": True, "model": "local"}, "Videos are judged by a model: give --model gemini/NAME"),
        ({"batch": True, "model": GEMINI}, "Batches are sent to OpenAI-compatible servers only"),
        ({"batch": True, "fallback": [spec("openai/n")]}, "A batch has one model: leave --fallback away"),
    ],
)
def test_what_does_not_go_together_says_what_to_leave_away(settings, said):
    with pytest.raises(InputError, match=said):
        config(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        *({"samples": 0}, {"samples": 101}, {"limit": 0}, {"sample": 0}, {"video_mb": 0.0}, {"video_mb": 4096.0}),
        *({"batch_lines": 0}, {"batch_lines": 50_001}, {"flush_interval": 0.0}, {"writes_per_minute": 0.0}),
        *({"mode": "guessed"}, {"flush_count": 0}, {"model": spec(price_in=-1.0)}, {"model": "openai/"}),
    ],
)
def test_a_value_out_of_its_range_is_refused(settings):
    with pytest.raises(InputError, match=r"cannot be used|Unknown model"):
        config(**settings)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("source", "given", "said"),
    [
        ("rows.csv", {"text": "text"}, r"give a file of them \(--categories\)"),
        ("rows.csv", {"categories": ["joy"]}, r"say which one is judged \(--text\)"),
        ("rows.csv", {"layout": SheetLayout()}, "is no Google sheet: only those have a layout"),
        (SHEET, {"categories": ["joy"]}, "holds its categories itself: leave --categories away"),
    ],
)
async def test_a_source_without_what_it_needs_says_so(tmp_path, source, given, said):
    async with Workspace(tmp_path) as workspace:
        with pytest.raises(InputError, match=said):
            await prepare(source, workspace, **given)


# --- jobs of earlier versions ---

EARLIER = {
    "source": "/t/rows.csv",
    "text": "text",
    "categories": [{"name": "joy", "definition": "", "detail": ""}],
    "output": "/t/out.csv",
    "models": [
        {
            "name": "openai/m",
            "base_url": LOCAL,
            "key_variable": "OPENAI_API_KEY",
            "timeout": 60.0,
            "attempts": 5,
            "patience": 300.0,
            "concurrency": 4,
            "first": 4,
            "requests_per_minute": None,
            "tokens_per_minute": None,
            "temperature": 0.0,
            "max_tokens": None,
        }
    ],
    "examples": "",
    "examples_text": "",
    "instructions": "You judge how strongly a text belongs to each of several categories.",
    "block": 10,
    "chunk_rows": 500,
    "retry_limit": 3,
    "asks": 3,
    "cache": True,
    "cache_ttl": 86400.0,
    "cache_entries": 10000,
    "encoding": "",
    "delimiter": "",
    "sheet": "",
    "prefix": "",
}
"""What the version before sheets, videos and money wrote into its ledger."""


def test_a_job_of_the_version_before_is_read_with_what_is_new_left_out():
    made = ScoreConfig.decode(json.dumps(EARLIER))
    assert (made.mode, made.samples, made.video, made.batch, made.layout, made.limit) == (
        *("numeric", 1, False, False, None, None),
    )
    assert json.loads(made.encoded()).items() >= {key: EARLIER[key] for key in EARLIER if key != "models"}.items()


def test_a_job_of_a_version_to_come_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="was made by another version of Penstock"):
        ScoreConfig.decode(json.dumps({**EARLIER, "horizon": 1}))


# --- one-liners ---


def test_a_table_is_scored_with_one_call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("text\nwhat a joy\n", encoding="utf-8")
    result = score_table("rows.csv", text="text", categories=["joy", "fear"], limit=1, usage=True)
    assert (result.job.status, result.tally.verdicts, result.cost_usd) == ("completed", 1, 0.0)
    assert open_table(tmp_path / "rows.scored.csv").columns[:3] == ("text", "joy", "fear")


@pytest.mark.anyio
async def test_nothing_is_written_where_something_given_is_wrong(tmp_path):
    (tmp_path / "rows.csv").write_text("text\nx\n", encoding="utf-8")
    with pytest.raises(InputError):
        await a_score_table(tmp_path / "rows.csv", text="txet", categories=["joy"], home=tmp_path / "home")
    async with Workspace(tmp_path / "home") as workspace:
        assert await workspace.jobs() == []
    assert not (tmp_path / "rows.scored.csv").exists()
