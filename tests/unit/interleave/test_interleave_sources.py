import json

import pytest

from penstock.errors import InputError
from penstock.interleave.sources import from_environment, from_file, from_mapping, name_of, source_of
from penstock.interleave.ssm import from_ssm


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_dict_is_read_anew_each_time():
    values = {"mode": "A"}
    source = from_mapping(values)
    values["mode"] = "B"
    assert source() == {"mode": "B"}


def test_what_a_source_gave_does_not_change_with_the_dict():
    values = {"mode": "A"}
    read = from_mapping(values)()
    values["mode"] = "B"
    assert read == {"mode": "A"}


def test_the_environment_is_read_by_the_names_of_the_settings(monkeypatch):
    monkeypatch.setenv("RECO_MODE", "INTERLEAVE")
    monkeypatch.setenv("RECO_SAMPLING_RATE", "0.1")
    monkeypatch.setenv("RECO_LOG_LEVEL", "DEBUG")
    assert from_environment()() == {"mode": "INTERLEAVE", "sampling_rate": "0.1"}


def test_the_environment_is_read_anew_each_time(monkeypatch):
    source = from_environment()
    monkeypatch.setenv("RECO_MODE", "A")
    before = source()
    monkeypatch.setenv("RECO_MODE", "B")
    assert (before, source()) == ({"mode": "A"}, {"mode": "B"})


def test_an_empty_variable_counts_as_not_set():
    assert from_environment(environ={"RECO_MODE": "A", "RECO_POOL_SIZE": ""})() == {"mode": "A"}


def test_variables_may_have_another_prefix():
    assert from_environment("SHOP_", environ={"SHOP_MODE": "B", "RECO_MODE": "A"})() == {"mode": "B"}


def test_a_json_file_is_read(tmp_path):
    values = {"mode": "INTERLEAVE", "sampling_rate": 0.1, "parallel_enabled": False, "pool_size": None}
    assert from_file(written(tmp_path / "s.json", json.dumps(values)))() == values


def test_a_toml_file_is_read(tmp_path):
    path = written(tmp_path / "s.TOML", 'mode = "INTERLEAVE"\nsampling_rate = 0.1\nparallel_enabled = false\n')
    assert from_file(str(path))() == {"mode": "INTERLEAVE", "sampling_rate": 0.1, "parallel_enabled": False}


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    assert from_file(written(tmp_path / "s.json", '\ufeff{"mode": "B"}'))() == {"mode": "B"}


def test_a_file_is_read_anew_each_time(tmp_path):
    source = from_file(written(tmp_path / "s.json", '{"mode": "A"}'))
    written(tmp_path / "s.json", '{"mode": "B"}')
    assert source() == {"mode": "B"}


def test_a_missing_file_is_named_when_it_is_read(tmp_path):
    source = from_file(tmp_path / "missing.json")
    with pytest.raises(InputError, match=r"missing\.json cannot be read \(No such file"):
        source()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.json", b'{"mode": '),
        ("s.json", b""),
        ("s.json", b"\xff\xfe\x00"),
        ("s.toml", b"mode = A"),
        ("s.toml", b'mode = "A"\nmode = "B"'),
        ("s.toml", b"\xff"),
    ],
)
def test_a_malformed_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} is malformed"):
        from_file(tmp_path / name)()


@pytest.mark.parametrize("text", ["[]", '"A"', "null", '["mode", "A"]'])
def test_a_file_that_is_no_object_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="holds no settings"):
        from_file(written(tmp_path / "s.json", text))()


def test_a_file_of_another_format_is_refused_at_once(tmp_path):
    with pytest.raises(InputError, match=r"s\.yaml: give a \.json or a \.toml file"):
        from_file(tmp_path / "s.yaml")


def test_a_function_is_a_source_as_it_is():
    def from_app_config():
        return {"mode": "A"}

    assert source_of(from_app_config) is from_app_config
    assert name_of(from_app_config).endswith("from_app_config()")


def test_a_dict_becomes_a_source():
    assert source_of({"mode": "A"})() == {"mode": "A"}


def test_what_is_neither_is_refused():
    with pytest.raises(InputError, match="Settings cannot be read from list"):
        source_of(["A"])


def test_every_source_says_where_it_reads(tmp_path):
    assert name_of(from_mapping({})) == "the given values"
    assert name_of(from_environment("SHOP_")) == "the environment (SHOP_*)"
    assert name_of(from_file(tmp_path / "s.json")) == str(tmp_path / "s.json")
    assert name_of(from_ssm("/shop/")) == "SSM Parameter Store (/shop)"


def test_a_prefix_without_a_slash_names_no_folder_of_parameters():
    with pytest.raises(InputError, match="begin it with a slash"):
        from_ssm("reco")
