"""Reading a scoring sheet: what it holds, and what is wrong with it."""

import pytest

from googling import sheet_client
from penstock.errors import InputError
from penstock.tables.google import SheetAddress, SheetLayout, moved, read_scoring_sheet
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.sample import lay_out

pytestmark = pytest.mark.anyio

CATEGORIES = [("fare", "About the price.", "dear, cheap"), ("crew", "About the crew.", "")]


def grid(names, *, texts=("one",), tab="T", rows=20, columns=10):
    """A book with names in row 2 from column D on, and texts in column C from row 5 on."""
    lines = [[], ["", "", "", *names], [], [], *(["", "", text] for text in texts)]
    return SheetBook({tab: lines}, rows=rows, columns=columns)


async def read(book, *, layout=None, gid=None, tab="", reads=None):
    async with sheet_client(books={"b": book}, book="b") as (server, client):
        address = SheetAddress(book="b", gid=gid, origin=server.url)
        found = await read_scoring_sheet(client, address, layout or SheetLayout(), tab=tab)
        assert reads is None or server.stats().reads == reads
        return found


async def test_categories_and_texts_stand_where_the_layout_says():
    sheet = await read(lay_out(["Too dear.", 4, "Kind."], CATEGORIES, title="Ferry", tab="May"), reads=2)
    assert (sheet.book_title, sheet.tab, sheet.gid) == ("Ferry", "May", 0)
    assert sheet.categories == [
        {"name": "fare", "definition": "About the price.", "detail": "dear, cheap"},
        {"name": "crew", "definition": "About the crew.", "detail": ""},
    ]
    assert sheet.texts == ["Too dear.", "4", "Kind."]
    assert (sheet.row(2), sheet.column(1)) == (7, 5)


async def test_another_layout_is_followed():
    lines = [["text", "warm"], ["", "About warmth."], ["", ""], ["so warm"], ["so cold"]]
    layout = SheetLayout(text="A", first="B", name_row=1, definition_row=2, detail_row=3, first_row=4)
    sheet = await read(SheetBook({"T": lines}), layout=layout)
    assert sheet.categories == [{"name": "warm", "definition": "About warmth.", "detail": ""}]
    assert sheet.texts == ["so warm", "so cold"]


async def test_cells_are_shown_as_the_texts_of_a_table():
    sheet = await read(grid(["a"], texts=["x", "", True, 3.5, 3.0, "  ", ""]))
    assert sheet.texts == ["x", "", "true", "3.5", "3"]


async def test_a_formula_without_a_result_is_no_text():
    sheet = await read(grid(["a"], texts=["one", "#N/A", "Loading...", "it said #N/A"]))
    assert [sheet.problem(number) for number in range(4)] == [
        "",
        "C6 shows #N/A: mend its formula",
        "C7 shows Loading...: score it once its formula is done",
        "",
    ]


async def test_texts_of_many_pages_are_read_in_order():
    texts = [f"text {number}" for number in range(12_345)]
    assert (await read(lay_out(texts, CATEGORIES), reads=4)).texts == texts


@pytest.mark.parametrize(
    ("texts", "rows", "looks"),
    [(["a"] * 9_000, range(9_000), 1), (["a" * 45_000] * 100, range(100), 2), (["a"] * 9_000, range(0, 9_000, 150), 2)],
    ids=["many", "long", "far apart"],
)
async def test_texts_are_looked_at_again_in_requests_of_a_bounded_size(texts, rows, looks):
    async with sheet_client(books={"b": lay_out(texts, CATEGORIES)}, book="b") as (server, client):
        sheet = await read_scoring_sheet(client, SheetAddress(book="b", origin=server.url), SheetLayout())
        sheet.texts[0] = sheet.texts[rows[-1]] = "another"
        before = server.stats().reads
        assert await moved(client, sheet, rows) == {0, rows[-1]}
        assert server.stats().reads - before == looks


async def test_a_large_empty_grid_is_read_in_few_requests():
    book = grid(["a"], texts=["x"], rows=900_000, columns=5)
    assert (await read(book, reads=11)).texts == ["x"]


async def test_a_text_behind_a_large_gap_is_found():
    book = grid(["a"], texts=["x"], rows=40_000, columns=5)
    book.put("T", "C30000", [["y"]])
    sheet = await read(book)
    assert len(sheet.texts) == 29_996
    assert [text for text in sheet.texts if text] == ["x", "y"]


async def test_a_tab_is_found_by_its_name_or_its_number():
    book = SheetBook({"Other": [], "T": [[], ["", "", "", "a"], [], [], ["", "", "x"]]})
    assert (await read(book, tab="T")).tab == "T"
    assert (await read(book, gid=1)).tab == "T"


@pytest.mark.parametrize(
    ("choice", "said"),
    [({"tab": "Tt"}, r"no tab 'Tt' \(did you mean 'T'\?\): it has 'T'"), ({"gid": 7}, "the number 7: it has 'T'")],
)
async def test_a_wrong_tab_names_those_there_are(choice, said):
    with pytest.raises(InputError, match=said):
        await read(grid(["a"]), **choice)


@pytest.mark.parametrize(
    ("book", "said"),
    [
        (grid([]), "D2 of the tab 'T' is empty: write the names"),
        (grid(["a", "", "c"]), "E2 of the tab 'T' is empty, but there are names to its right: .* delete column E"),
        (grid(["a", "b", "a"]), "F2 of the tab 'T' has the same name as D2: 'a'"),
        (grid(["#REF!"]), "D2 of the tab 'T' shows #REF!: mend its formula"),
        (grid([str(number) for number in range(201)]), "more than 200 categories"),
        (grid(["a"], texts=[]), "Column C of the tab 'T' has no text from row 5 on"),
        (grid([], texts=[], columns=3), "has no column D: it ends at C20"),
        (grid(["a"], texts=[], rows=4), "has no row 5, where the texts begin: it ends at J4"),
    ],
)
async def test_a_sheet_that_is_laid_out_otherwise_says_where(book, said):
    with pytest.raises(InputError, match=said):
        await read(book)


async def test_texts_among_the_categories_are_refused():
    lines = [[], ["", "", "", "a", "b"], [], [], ["", "", "", "", "x"]]
    with pytest.raises(InputError, match="Column E of the tab 'T' holds the texts, and a category"):
        await read(SheetBook({"T": lines}), layout=SheetLayout(text="E"))


async def test_the_most_categories_are_read():
    sheet = await read(grid([str(number) for number in range(200)]))
    assert len(sheet.categories) == 200


async def test_a_sheet_with_nothing_but_names_in_its_head_is_read():
    layout = SheetLayout(text="A", first="B", name_row=1, definition_row=0, detail_row=0, first_row=2)
    sheet = await read(SheetBook({"T": [["what", "praise", "complaint"], ["fine"], ["bad"]]}), layout=layout)
    assert sheet.texts == ["fine", "bad"]
    assert sheet.categories[1] == {"name": "complaint", "definition": "", "detail": ""}
