"""Encodings: told from the bytes, asked for when they cannot be, kept where they can be."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.tables import Column, open_table, writer

JAPANESE = (
    "この商品はとても良かったです。また買いたいと思います。\n配送が遅くて、少し残念でした。\nカメラの画質がきれい！\n"
)
KOREAN = "배송이 정말 빨라서 좋았어요. 다음에도 여기서 살게요\n음식이 너무 짜서 다 못 먹었습니다\n그냥 그래요ㅋㅋㅋ\n"
CHINESE = "这个东西我很喜欢，下次还会来买的。\n他们的服务不好，我等了一个小时。\n没有什么问题，大家都说好！\n"
TRADITIONAL = "這個東西我很喜歡，下次還會來買的。\n他們的服務不好，我等了一個小時。\n沒有什麼問題，大家都說好！\n"
FRENCH = "Le café était très bon, même si c’était un peu cher.\nDéçu : la livraison a été retardée.\n"
GERMAN = "Schöne Grüße aus München, das Gerät läuft gut.\nLeider zu spät – für 20 € erwarte ich mehr.\n"
SPANISH = "¿Cómo está usted? El niño comió mañana.\nMuy bueno, ¡gracias señor!\n"
RUSSIAN = "Очень хороший товар, всем советую.\nДоставка была слишком долгой, жаль.\n"

LEGACY = [
    ("cp932", JAPANESE),
    ("euc-jp", JAPANESE),
    ("cp949", KOREAN),
    ("gb18030", CHINESE),
    ("big5", TRADITIONAL),
    ("cp1252", FRENCH),
    ("cp1252", GERMAN),
    ("cp1252", SPANISH),
    ("cp1251", RUSSIAN),
]
UNICODE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.fixture
def put(tmp_path):
    def put(data, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return put


def table_of(text):
    return "text\n" + "".join(f'"{line}"\n' for line in text.splitlines())


def texts(path, **options):
    return [row.cells[0] for row in open_table(path, **options).rows()]


def copied(path, *, added=(), more=()):
    table = open_table(path)
    target = path.with_name(f"copy{path.suffix}")
    with writer(target, [*table.columns, *added], like=table) as out:
        for row in table.rows():
            out.write((*row.cells, *more))
    return target.read_bytes()


@pytest.mark.parametrize(("encoding", "text"), LEGACY)
def test_a_legacy_encoding_is_told_from_three_lines(put, encoding, text):
    path = put(table_of(text).encode(encoding))
    assert texts(path) == text.splitlines()
    assert open_table(path).encoding == encoding


@pytest.mark.parametrize(("encoding", "text"), LEGACY)
def test_every_single_line_is_told_or_asked_for_but_not_misread(put, encoding, text):
    for number, line in enumerate(text.splitlines()):
        path = put(table_of(line).encode(encoding), f"{number}.csv")
        with suppress(InputError):
            assert texts(path) == [line]


@pytest.mark.parametrize("encoding", UNICODE)
@pytest.mark.parametrize("text", [JAPANESE, KOREAN, FRENCH])
def test_unicode_is_told_by_its_mark_or_its_bytes(put, encoding, text):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert texts(put(mark + table_of(text).encode(encoding))) == text.splitlines()


@pytest.mark.parametrize("ending", ["tsv", "jsonl"])
def test_other_text_formats_are_told_as_well(put, ending):
    line = '{"text": "とても良かったです。また買いたいと思います"}\n' if ending == "jsonl" else table_of(JAPANESE)
    assert "良かったです" in texts(put(line.encode("cp932"), f"table.{ending}"))[0]


def test_pure_ascii_before_the_first_accent_does_not_mislead(put):
    data = table_of("plain ascii line\n" * 200_000 + FRENCH).encode("cp1252")
    assert texts(put(data))[-1] == FRENCH.splitlines()[-1]


def test_the_named_encoding_is_taken_at_its_word(put):
    assert texts(put(table_of("Łódź").encode("cp1250")), encoding="cp1250") == ["Łódź"]


def test_a_mark_is_dropped_although_the_encoding_is_named(put):
    path = put(table_of("é").encode("utf-8-sig"))
    assert open_table(path, encoding="utf-8").columns == ("text",)


def test_an_unknown_encoding_is_refused(put):
    with pytest.raises(InputError, match="no encoding 'latin-99': try utf-8"):
        open_table(put(b"text\nx\n"), encoding="latin-99")


def test_what_cannot_be_told_is_asked_for(put):
    path = put("text\nŁódź ąęć śźż Ńoęą\n".encode("iso8859-2"))
    with pytest.raises(InputError, match="--encoding"):
        open_table(path)


def test_what_may_be_two_encodings_is_asked_for_with_both(put):
    path = put(table_of(KOREAN).encode("cp949") + CHINESE.encode("gb18030"))
    with pytest.raises(InputError, match=r"may be (cp949 or gb18030|gb18030 or cp949): say which with --encoding"):
        open_table(path)


def test_a_stray_row_is_broken_and_its_bytes_survive(put):
    data = table_of(JAPANESE).encode() + '"déjà vu"\n'.encode("cp1252") + table_of(KOREAN).encode()
    path = put(data)
    found = [*open_table(path).rows()]
    assert [row.number for row in found if row.problem] == [3]
    assert "not in the encoding of the file" in found[3].problem
    assert copied(path).splitlines()[4] == "déjà vu".encode("cp1252")


def test_a_stray_byte_becomes_a_replacement_sign_where_bytes_have_no_place(put, tmp_path):
    table = open_table(put(b"text\n\xe3\x81\x82\xe3\x81\x84\xe3\x81\x86\nx\xff\n"))
    for ending in ("parquet", "xlsx"):
        target = tmp_path / f"copy.{ending}"
        with writer(target, ["text"], like=table) as out:
            for row in table.rows():
                out.write(row.cells)
        assert texts(target) == ["あいう", "x\ufffd"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932", "euc-jp"])
def test_the_output_has_the_encoding_of_the_source(put, encoding):
    path = put(table_of(JAPANESE).replace('"', "").encode(encoding))
    assert copied(path) == path.read_bytes()


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_a_character_that_the_encoding_lacks_turns_the_output_into_utf_8(put, tmp_path, name):
    source = open_table(put(table_of(JAPANESE).encode("cp932")))
    target = tmp_path / f"scored-{name}"
    with writer(target, ["text", Column(name="reason", kind="text")], like=source) as out:
        for row in source.rows():
            out.write((*row.cells, "naïve 🙂" if row.number == 1 else ""))
    copy = open_table(target)
    assert copy.source.text.encoding.name == "utf-8"
    assert copy.source.text.encoding.mark
    assert [row.cells[0] for row in copy.rows()] == JAPANESE.splitlines()
    assert [row.cells[1] for row in copy.rows()] == ["", "naïve 🙂", ""]


def test_utf_16_that_is_cut_off_is_told(put):
    with pytest.raises(InputError, match=r"cannot be read as utf-16-?le: it is cut off or in another encoding"):
        texts(put(table_of(JAPANESE).encode("utf-16")[:-1]))


def test_utf_16_without_a_mark_is_told_with_its_name(put):
    with pytest.raises(InputError, match="UTF-16 without a byte-order mark: say --encoding utf-16-le"):
        open_table(put(table_of("plain english text").encode("utf-16-le")))
    assert texts(put(table_of("plain").encode("utf-16-be")), encoding="utf-16-be") == ["plain"]


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40))
def test_utf_8_is_never_taken_for_anything_else(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "table.csv"
    path.write_bytes(f'text\n"_{text.replace(chr(34), "")}"\n'.encode())
    assert texts(path) == [f"_{text.replace(chr(34), '')}"]
