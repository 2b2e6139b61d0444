import pytest

from penstock.errors import InputError
from penstock.models.session import OPENAI_URL, ModelSpec
from penstock.models.spec import ANTHROPIC_URL, GEMINI_URL


def settled(environment=None, **settings):
    return ModelSpec(**{"name": "openai/m", **settings}).settled(environment or {})


def test_the_address_is_the_given_one_else_of_the_environment_else_openais():
    environment = {"OPENAI_BASE_URL": "http://127.0.0.1:2/v1/"}
    assert settled(environment, base_url="http://127.0.0.1:1/v1").base_url == "http://127.0.0.1:1/v1"
    assert settled(environment).base_url == "http://127.0.0.1:2/v1"
    assert settled({}).base_url == OPENAI_URL


@pytest.mark.parametrize("name", ["m", "openai", "openai/", "gemini/", "other/m", "anthropic", ""])
def test_a_name_without_a_known_provider_and_a_model_is_turned_down(name):
    with pytest.raises(
        InputError, match=r"Unknown model .*: write openai/NAME, gemini/NAME or anthropic/NAME, or local"
    ):
        settled(name=name)


@pytest.mark.parametrize(
    ("name", "url", "variable"),
    [
        ("openai/m", OPENAI_URL, "OPENAI_API_KEY"),
        ("gemini/m", GEMINI_URL, "GEMINI_API_KEY"),
        ("anthropic/m", ANTHROPIC_URL, "ANTHROPIC_API_KEY"),
    ],
)
def test_each_provider_has_its_own_address_and_its_own_key(name, url, variable):
    environment = {"OPENAI_API_KEY": "sk-openai", "ANTHROPIC_API_KEY": "sk-anthropic", "GEMINI_API_KEY": "sk-gemini"}
    spec = settled({}, name=name)
    assert (spec.provider, spec.base_url, spec.key_variable) == (name.partition("/")[0], url, variable)
    assert spec.key(environment) == ModelSpec(name=name).key(environment) == f"sk-{spec.provider}"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("gemini/m", "GEMINI_BASE_URL"),
        ("gemini/m", "GOOGLE_GEMINI_BASE_URL"),
        ("anthropic/m", "ANTHROPIC_BASE_URL"),
    ],
)
def test_each_provider_has_its_own_variable_of_an_address(name, variable):
    environment = {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", variable: "http://127.0.0.1:2"}
    assert settled(environment, name=name).base_url == "http://127.0.0.1:2"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("gemini/m", "http://127.0.0.1:2/v1beta"),
        ("gemini/m", "http://127.0.0.1:2/v1beta/"),
        ("anthropic/m", "http://127.0.0.1:2/v1"),
        ("anthropic/m", "http://127.0.0.1:2/"),
    ],
)
def test_the_version_at_the_end_of_an_address_makes_no_other_server(name, given):
    assert settled(name=name, base_url=given).base_url == "http://127.0.0.1:2"


def test_a_google_key_serves_gemini_where_there_is_no_other(tmp_path):
    (tmp_path / "key").write_text("sk-file")
    files = {"GOOGLE_API_KEY": "sk-google", "GEMINI_API_KEY_FILE": str(tmp_path / "key")}
    assert settled({"GOOGLE_API_KEY": "sk-google"}, name="gemini/m").key_variable == "GOOGLE_API_KEY"
    assert ModelSpec(name="gemini/m").key({"GOOGLE_API_KEY": "sk-google"}) == "sk-google"
    assert ModelSpec(name="gemini/m").key(files) == "sk-file"


def test_a_variable_that_is_named_wins_over_the_usual_one():
    environment = {"GEMINI_API_KEY": "sk-usual", "MINE": "sk-mine"}
    spec = settled(environment, name="gemini/m", key_variable="MINE")
    assert (spec.key_variable, spec.key(environment)) == ("MINE", "sk-mine")


def test_the_servers_name_of_a_model_may_hold_slashes():
    assert settled(name="openai/org/model:8b").model == "org/model:8b"


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://host/v1",
        "http://",
        "http://:80/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
        f"http://{'a' * 64}.com",
        "file:///etc/passwd",
    ],
)
def test_a_base_url_that_is_no_address_is_turned_down(url):
    with pytest.raises(InputError, match="is not an http"):
        settled(base_url=url)


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "http://host/v1?key=secret", "http://host/v1#secret"])
def test_a_base_url_with_a_secret_in_it_is_turned_down_without_showing_it(url):
    with pytest.raises(InputError, match="an address alone") as caught:
        settled(base_url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1", "https://host", "http://[::1]:80/v1", "http://bücher.de/v1"]
)
def test_an_address_is_an_address(url):
    assert settled(base_url=url).base_url == url


@pytest.mark.parametrize(
    "setting",
    [
        {"timeout": 0.0},
        {"attempts": 0},
        {"patience": -1.0},
        {"concurrency": 0},
        {"requests_per_minute": 0.0},
        {"tokens_per_minute": -5.0},
        {"temperature": -0.1},
        {"max_tokens": 0},
        {"price_in": -1.0},
        {"price_out": -0.01},
    ],
)
def test_a_number_out_of_its_range_is_named(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        settled(**setting)


def test_the_key_comes_from_the_environment_or_from_the_file_it_names(tmp_path):
    (tmp_path / "key").write_text("sk-file\n")
    spec = ModelSpec(name="openai/m", key_variable="MY_KEY")
    assert spec.key({}) == ""
    assert spec.key({"MY_KEY": " sk-1 "}) == "sk-1"
    assert spec.key({"MY_KEY_FILE": str(tmp_path / "key")}) == "sk-file"
    assert spec.key({"MY_KEY": "sk-1", "MY_KEY_FILE": str(tmp_path / "key")}) == "sk-1"


def test_a_key_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"MY_KEY_FILE names '.*none', which cannot be read as text"):
        ModelSpec(name="openai/m", key_variable="MY_KEY").key({"MY_KEY_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    "content", [b"sk-secret\nsk-other", b"sk secret", "sk-schlüssel".encode(), b"sk-\xff", b"sk-\0"]
)
def test_what_can_be_no_key_is_turned_down_without_showing_it(tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(InputError) as caught:
        ModelSpec(name="openai/m").key({"OPENAI_API_KEY_FILE": str(tmp_path / "key")})
    assert "sk-" not in str(caught.value)
    assert "sk-" not in repr(caught.value.__cause__)


def test_a_spec_holds_no_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    spec = ModelSpec(name="openai/m").settled()
    assert spec.key() == "sk-secret"
    assert "sk-secret" not in repr(spec)
