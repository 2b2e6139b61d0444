"""What may stand in a row as the way to a video."""

import pytest

from penstock.errors import Unfit
from penstock.score.video.link import DriveLink, LocalLink, WebLink, read_link

ID = "1AbC-dEf_9"


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"x")
    (tmp_path / "secret.mp4").write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    "link",
    [
        f"https://drive.google.com/file/d/{ID}/view?usp=sharing",
        f"https://drive.google.com/file/u/1/d/{ID}/edit",
        f"https://drive.google.com/open?id={ID}",
        f"https://drive.google.com/uc?export=download&id={ID}",
        f"https://drive.usercontent.google.com/download?id={ID}",
        f"  https://docs.google.com/file/d/{ID}  ",
    ],
)
def test_every_form_of_a_drive_link_names_its_file(link):
    assert read_link(link) == DriveLink(file=ID)


def test_a_drive_link_keeps_the_key_that_older_files_need():
    link = read_link(f"https://drive.google.com/file/d/{ID}/view?resourcekey=0-xyz")
    assert link == DriveLink(file=ID, key="0-xyz")


def test_a_drive_on_loopback_is_one_only_where_private_links_are_followed():
    link = f"http://127.0.0.1:8766/file/d/{ID}/view"
    assert read_link(link, allow_private=True) == DriveLink(file=ID, origin="http://127.0.0.1:8766")
    with pytest.raises(Unfit, match="private network"):
        read_link(link)


def test_such_a_path_elsewhere_is_no_drive():
    link = f"https://example.org/file/d/{ID}/view"
    assert read_link(link, allow_private=True) == WebLink(url=link)


def test_a_folder_on_drive_gets_its_sentence():
    with pytest.raises(Unfit, match="a folder on Drive"):
        read_link("https://drive.google.com/drive/folders/1AbC")


def test_a_drive_link_without_a_file_gets_its_sentence():
    with pytest.raises(Unfit, match="names no file"):
        read_link("https://drive.google.com/drive/my-drive")


@pytest.mark.parametrize("name", ["a.mp4", "./a.mp4", "../table/a.mp4"])
def test_a_file_is_named_from_the_folder_of_the_table(base, name):
    assert read_link(name, base=base) == LocalLink(path=(base / "a.mp4").resolve())


def test_a_file_may_be_named_as_an_address(base):
    assert read_link((base / "a.mp4").as_uri(), base=base) == LocalLink(path=(base / "a.mp4").resolve())


@pytest.mark.parametrize("name", ["../secret.mp4", "{base}/../secret.mp4", "file://{base}/../secret.mp4"])
def test_a_row_does_not_reach_out_of_the_folder(base, name):
    with pytest.raises(Unfit, match="outside the folder"):
        read_link(name.format(base=base), base=base)


def test_a_symlink_does_not_lead_out_of_the_folder(base):
    (base / "link.mp4").symlink_to(base.parent / "secret.mp4")
    with pytest.raises(Unfit, match="outside the folder"):
        read_link("link.mp4", base=base)


def test_files_elsewhere_may_be_named_where_that_is_allowed(base):
    assert read_link("../secret.mp4", base=base, allow_outside=True).path.name == "secret.mp4"


@pytest.mark.parametrize("name", ["a.mp4", "/etc/passwd", "file:///etc/passwd"])
def test_a_sheet_that_others_write_names_no_file_of_this_machine(name):
    with pytest.raises(Unfit, match="may not name a file of this machine"):
        read_link(name)


@pytest.mark.parametrize(
    ("name", "why"), [("none.mp4", "there is no file"), (".", "no regular file"), ("a\0b", "no name")]
)
def test_what_is_no_file_gets_its_sentence(base, name, why):
    with pytest.raises(Unfit, match=why):
        read_link(name, base=base)


@pytest.mark.parametrize(
    ("text", "why"), [("  ", "no link"), ("ftp://example.org/a.mp4", "no http"), ("data:x", "no http")]
)
def test_what_is_no_way_to_a_video_gets_its_sentence(text, why):
    with pytest.raises(Unfit, match=why):
        read_link(text)
