"""Score jobs on a sheet, from its texts to its cells: what they fill, what they leave, what goes wrong in between."""

from functools import partial

import pytest

from penstock.errors import DeliveryError, InputError, Refused
from penstock.models import ModelSpec
from penstock.score import a_resume, a_score_table, sheet
from penstock.tables.google import SheetsClient
from penstock.testing import expected_scores
from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.sample import FIRST_ROW, TAB
from sheet_hurried import HURRY, clock
from sheet_jobs import BOOK, FIRST, TEXT, UNFIT, insert_column, insert_row, plan, swap_rows, world

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Let a sheet's minute pass in three seconds, for its client as for its server."""
    monkeypatch.setattr(sheet, "SheetsClient", partial(SheetsClient, **HURRY))


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def job(made, behaviour=None, **settings):
    return world(made, sheet=behaviour, clock=clock, **settings)


def spec(servers, **settings):
    return ModelSpec(name="openai/m", base_url=servers.model.url, **{"concurrency": 4, **settings})


async def score(servers, home, **settings):
    given = {"model": spec(servers), "flush_interval": 0.05, "flush_count": 5, "cache": False, **settings}
    return await a_score_table(servers.url, home=home, **given)


async def test_scores_fill_their_cells_and_nothing_else_changes(home):
    async with job(plan(60, 12, seed=3, blank=0.1, unfit=0.05, stale=0.2)) as servers:
        result = await score(servers, home)
        assert result.job.status == "completed"
        assert servers.wrong() == []
        assert result.output == servers.url


async def test_scores_are_seen_while_the_job_goes_on(home):
    async with job(plan(60, 3)) as servers:
        seen = []
        servers.asked.meanwhile[60] = lambda: seen.append(servers.book.cell(TAB, f"D{FIRST_ROW}"))
        await score(servers, home, model=spec(servers, concurrency=1))
        assert seen == [expected_scores(servers.plan.texts[0], 3)[0]]


async def test_rows_without_a_text_are_not_asked_about_and_keep_what_they_hold(home):
    made = plan(20, 3, seed=5, blank=0.4, stale=1.0)
    async with job(made) as servers:
        await score(servers, home)
        assert sorted(text for text, _ in servers.asked.answers) == sorted(filter(str.strip, made.texts))
        blank = FIRST_ROW + next(row for row, text in enumerate(made.texts) if not text.strip())
        assert servers.book.tabs[TAB].cells[blank] == made.book.tabs[TAB].cells[blank]


async def test_texts_that_could_not_be_judged_have_blank_cells(home):
    made = plan(20, 3, seed=2, unfit=0.3, stale=1.0)
    async with job(made) as servers:
        result = await score(servers, home)
        unfit = [FIRST_ROW + row for row, text in enumerate(made.texts) if UNFIT in text]
        assert result.tally.failures == len(unfit) > 0
        assert all(FIRST not in servers.book.tabs[TAB].cells[row] for row in unfit)


async def test_failed_rows_that_are_asked_again_get_their_cells(home, monkeypatch):
    made = plan(20, 3, seed=2, unfit=0.3)
    async with job(made) as servers:
        await score(servers, home)
        monkeypatch.setattr("sheet_jobs.UNFIT", "no text has this")
        before = len(servers.asked.answers)
        result = await score(servers, home, only_failed=True)
        assert result.tally.failures == 0
        assert len(servers.asked.answers) - before == sum(UNFIT in text for text in made.texts)
        assert servers.wrong() == []


async def test_texts_that_look_like_formulas_are_judged_as_texts_and_stay_texts(home):
    made = plan(40, 3, seed=1)
    async with job(made) as servers:
        await score(servers, home)
        assert any(text.startswith("=") for text, _ in servers.asked.answers)
        assert servers.book.formulas() == []
        assert servers.wrong() == []


async def test_rationales_fill_a_tab_of_their_own_at_the_same_places(home):
    async with job(plan(5, 3)) as servers:
        await score(servers, home, mode="anchored", rationales="Why")
        why = servers.book.values("Why", f"D{FIRST_ROW}:F9")
        assert [len(row) for row in why] == [3] * 5
        assert all(str(one).endswith(".") for row in why for one in row)
        scores = servers.book.values(TAB, f"D{FIRST_ROW}:F9")
        assert all(0 <= one <= 1 for row in scores for one in row)


async def test_a_rationale_that_looks_like_a_formula_stays_a_text(home):
    async with job(plan(1, 1), answer=lambda _: '{"analyses": ["Strong: =HYPERLINK(1)"]}') as servers:
        await score(servers, home, mode="anchored", rationales="Why")
        assert "=HYPERLINK(1)" in servers.book.cell("Why", f"D{FIRST_ROW}")
        assert servers.book.formulas() == []


async def test_a_row_inserted_while_the_job_runs_is_told_and_the_same_command_mends_it(home):
    async with job(plan(40, 3)) as servers:
        servers.asked.meanwhile[20] = lambda: insert_row(servers.book, 12, "a new text")
        with pytest.raises(
            DeliveryError, match=r"changed or moved while the job ran, the first in row 1\d; run the same"
        ):
            await score(servers, home, cache=True)
        before = {text for text, _ in servers.asked.answers}
        asked = len(servers.asked.answers)
        await score(servers, home, cache=True)
        after = [text for text, _ in servers.asked.answers[asked:]]
        assert "a new text" in after
        assert before.isdisjoint(after)
        assert len(before) + len(after) == 41
        expected = expected_scores("a new text", 3), expected_scores(servers.plan.texts[7], 3)
        assert servers.book.values(TAB, "D12:F13") == [*expected]


async def test_texts_that_are_not_judged_may_change_while_the_job_runs(home):
    async with job(plan(40, 3)) as servers:
        servers.asked.meanwhile[5] = lambda: servers.book.tabs[TAB].set(FIRST_ROW + 30, TEXT, "somebody types on")
        result = await score(servers, home, limit=10)
        assert (result.job.status, result.tally.verdicts) == ("completed", 10)


async def test_a_text_that_was_taken_away_gets_no_score_of_an_earlier_run(home):
    async with job(plan(20, 3, seed=2, unfit=0.3)) as servers:
        await score(servers, home)
        gone = FIRST_ROW + next(row for row, text in enumerate(servers.plan.texts) if UNFIT not in text)
        for column in (TEXT, *range(FIRST, FIRST + 3)):
            servers.book.tabs[TAB].set(gone, column, "")
        await score(servers, home, only_failed=True)
        assert not any(servers.book.values(TAB, f"D{gone}:F{gone}"))


async def test_a_column_that_is_put_in_while_the_job_runs_loses_no_text(home):
    async with job(plan(40, 3)) as servers:
        servers.asked.meanwhile[15] = lambda: insert_column(servers.book, 3)
        with pytest.raises(
            DeliveryError, match=r"D2 of the tab .* when the job began and says .* All results are kept"
        ):
            await score(servers, home)
        texts = [row[0] for row in servers.book.values(TAB, f"D{FIRST_ROW}:D44")]
        assert texts == servers.plan.texts


async def test_a_category_that_is_renamed_while_the_job_runs_gets_no_scores_of_another(home):
    async with job(plan(40, 3)) as servers:
        servers.asked.meanwhile[40] = lambda: servers.book.put(TAB, "D2", [["something else"]])
        with pytest.raises(DeliveryError, match="says 'something else' now"):
            await score(servers, home)


async def test_a_tab_that_holds_something_else_takes_no_rationales(home):
    async with job(plan(3, 1)) as servers:
        servers.book.add("Notes", rows=20, columns=5)
        servers.book.put("Notes", "B3", [["mine"]])
        with pytest.raises(InputError, match="'Notes' holds something else, which would be lost"):
            await score(servers, home, mode="anchored", rationales="Notes")
        assert servers.asked.answers == []
        assert servers.book.cell("Notes", "B3") == "mine"


async def test_the_tab_of_rationales_says_what_it_is_about_and_is_used_again(home):
    async with job(plan(3, 2)) as servers:
        for _ in range(2):
            await score(servers, home, mode="anchored", rationales="Why", fresh=True)
        heads = servers.book.values(TAB, "D2:E2")
        assert servers.book.values("Why", "C2:E2") == [[f"Why the scores of {TAB}", *heads[0]]]


async def test_rows_that_change_places_while_the_job_runs_are_mended_by_a_resume(home):
    async with job(plan(40, 3)) as servers:
        servers.asked.meanwhile[20] = lambda: swap_rows(servers.book, 7, 30)
        with pytest.raises(DeliveryError, match=r"2 texts of the sheet .* the first in row 7"):
            await score(servers, home)
        asked = len(servers.asked.answers)
        await a_resume(home=home)
        assert len(servers.asked.answers) - asked == 2
        assert servers.book.values(TAB, "D30:F30") == [expected_scores(servers.plan.texts[2], 3)]


async def test_access_lost_midway_is_told_and_a_resume_delivers_without_asking_again(home):
    async with job(plan(60, 3)) as servers:
        servers.asked.meanwhile[20] = lambda: servers.sheet.behave(SheetBehaviour(readonly=(BOOK,)))
        with pytest.raises(DeliveryError, match=r"may be read but not written \(HTTP 403\): share it"):
            await score(servers, home)
        servers.sheet.behave(SheetBehaviour())
        result = await a_resume(home=home)
        assert result.job.status == "completed"
        assert len(servers.asked.answers) == 60
        assert servers.wrong() == []


async def test_a_protected_cell_is_told_before_a_model_is_asked(home):
    async with job(plan(30, 3), SheetBehaviour(protected=(f"{TAB}!D20",))) as servers:
        with pytest.raises(Refused, match=r"The range .*D20 is protected: let .* edit it, or remove the protection"):
            await score(servers, home)
        assert servers.asked.answers == []


async def test_a_cell_that_is_protected_while_the_job_runs_is_told_and_mended_by_a_resume(home):
    async with job(plan(30, 3)) as servers:
        protected = SheetBehaviour(protected=(f"{TAB}!D30",))
        servers.asked.meanwhile[5] = lambda: servers.sheet.behave(protected)
        with pytest.raises(DeliveryError, match=r"The range .* is protected: let .* edit it, or remove the protection"):
            await score(servers, home)
        servers.sheet.behave(SheetBehaviour())
        await a_resume(home=home)
        assert len(servers.asked.answers) == 30
        assert servers.wrong() == []


async def test_a_quota_of_the_day_that_is_used_up_midway_says_to_resume_tomorrow(home):
    async with job(plan(60, 3), SheetBehaviour(writes_per_day=1)) as servers:
        with pytest.raises(DeliveryError, match=r"quota for the day is used up .*: resume tomorrow"):
            await score(servers, home)
        servers.sheet.behave(SheetBehaviour())
        await a_resume(home=home)
        assert len(servers.asked.answers) == 60
        assert servers.wrong() == []


@pytest.mark.parametrize(
    ("behaviour", "settings", "error", "said"),
    [
        (SheetBehaviour(), {"sheet": "Comment"}, InputError, r"no tab 'Comment' \(did you mean 'Comments'\?\)"),
        (SheetBehaviour(readonly=(BOOK,)), {}, Refused, "may be read but not written"),
        (SheetBehaviour(unshared=(BOOK,)), {}, Refused, "no access to the sheet"),
        (SheetBehaviour(reads_per_day=0), {}, Refused, "quota for the day is used up"),
        (SheetBehaviour(require_token=True), {}, Refused, "wants credentials"),
        (SheetBehaviour(), {"mode": "anchored", "rationales": TAB}, InputError, "name another one for the rationales"),
    ],
)
async def test_what_can_be_known_before_is_told_before_a_model_is_asked(home, behaviour, settings, error, said):
    async with job(plan(5, 3), behaviour) as servers:
        before = servers.plan.book.plain()
        with pytest.raises(error, match=said):
            await score(servers, home, **settings)
        assert servers.asked.answers == []
        assert servers.book.plain() == before


async def test_a_budget_stops_the_job_with_what_was_paid_for_in_the_sheet(home):
    async with job(plan(60, 3)) as servers:
        priced = spec(servers, price_in=1.0, price_out=1.0)
        stopped = await score(servers, home, model=priced, budget=0.005)
        paid = len(servers.asked.answers)
        filled = [row for row in servers.book.values(TAB, f"D{FIRST_ROW}:F64") if row]
        assert stopped.job.status == "interrupted"
        assert 0 < len(filled) == paid < 60
        result = await a_resume(home=home, budget=1.0)
        assert (result.job.status, len(servers.asked.answers), servers.wrong()) == ("completed", 60, [])


async def test_a_sheet_that_is_down_for_long_fails_the_job_and_a_resume_delivers(home):
    async with job(plan(20, 3)) as servers:
        servers.asked.meanwhile[5] = lambda: servers.sheet.behave(SheetBehaviour(faults={"http_503": 1.0}))
        with pytest.raises(DeliveryError, match=r"gave no answer in 5 tries .* All results are kept"):
            await score(servers, home)
        servers.sheet.behave(SheetBehaviour())
        await a_resume(home=home)
        assert len(servers.asked.answers) == 20
        assert servers.wrong() == []
