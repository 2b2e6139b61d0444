"""Finding credentials: which are taken, which are never sent, what is said without any."""

import json
import sys

import pytest

from penstock.errors import InputError, MissingExtra
from penstock.tables.google import SheetAddress, credentials
from penstock.tables.google.account import GoogleAccount, Nobody, ReadyToken

pytestmark = pytest.mark.anyio

GOOGLE = SheetAddress(book="b")
REHEARSAL = SheetAddress(book="b", origin="http://127.0.0.1:8766")
REAL = {
    "type": "service_account",
    "client_email": "robot@example.org",
    "token_uri": "https://oauth2.googleapis.com/token",
}
OWN = {**REAL, "token_uri": "http://127.0.0.1:8766/token"}
USER = {"refresh_token": "r-secret", "client_id": "c", "client_secret": "c-secret"}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Pretend not to be on Google's own machines."""
    monkeypatch.setattr(sys.modules["penstock.tables.google.credentials"], "_PRODUCT", tmp_path / "product")


def saved(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))
    return str(path)


def found(address, tmp_path, **environment):
    return credentials(address, http=None, environment=environment, home=tmp_path)


@pytest.mark.parametrize("name", ["GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"])
async def test_a_token_that_is_ready_is_sent_as_it_is(name, tmp_path):
    who = found(GOOGLE, tmp_path, **{name: " ya29.x\n"})
    assert isinstance(who, ReadyToken)
    assert await who.headers() == {"Authorization": "Bearer ya29.x"}
    assert not await who.renew(await who.headers())


def test_a_token_of_two_lines_is_refused_without_repeating_it(tmp_path):
    with pytest.raises(InputError, match="GOOGLE_OAUTH_ACCESS_TOKEN holds no token") as caught:
        found(GOOGLE, tmp_path, GOOGLE_OAUTH_ACCESS_TOKEN="ya29.secret\nmore")
    assert "secret" not in str(caught.value)


def test_the_file_that_is_named_goes_before_those_that_lie_about(tmp_path):
    saved(tmp_path / ".config/gspread/service_account.json", {**REAL, "client_email": "other@example.org"})
    who = found(GOOGLE, tmp_path, GOOGLE_APPLICATION_CREDENTIALS=saved(tmp_path / "key.json", REAL))
    assert isinstance(who, GoogleAccount)
    assert (who.account, who.source) == ("robot@example.org", "GOOGLE_APPLICATION_CREDENTIALS")


@pytest.mark.parametrize(
    ("place", "values", "source"),
    [
        (".config/gcloud/application_default_credentials.json", USER, "gcloud's application-default login"),
        (".config/gspread/service_account.json", REAL, "gspread's service_account.json"),
        (".config/gspread/authorized_user.json", USER, "gspread's authorized_user.json"),
    ],
)
def test_files_are_found_where_other_tools_keep_them(place, values, source, tmp_path):
    saved(tmp_path / place, values)
    assert found(GOOGLE, tmp_path).source == source


def test_gcloud_may_keep_its_file_elsewhere(tmp_path):
    saved(tmp_path / "else/application_default_credentials.json", USER)
    assert "gcloud" in found(GOOGLE, tmp_path, CLOUDSDK_CONFIG=str(tmp_path / "else")).source


def test_without_credentials_it_is_said_how_to_get_them(tmp_path):
    with pytest.raises(InputError, match=r"GOOGLE_APPLICATION_CREDENTIALS, or log in .*auth/spreadsheets"):
        found(GOOGLE, tmp_path)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("{secret", "no JSON"), ("[1]", "no JSON object")]
)
def test_a_file_that_cannot_be_read_is_told_without_its_content(content, said, tmp_path):
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=said) as caught:
        found(GOOGLE, tmp_path, GOOGLE_APPLICATION_CREDENTIALS=str(path))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("values", [REAL, {**USER, "type": "authorized_user"}, {**OWN, "type": "external_account"}])
def test_real_credentials_are_never_sent_to_a_rehearsal(values, tmp_path):
    path = saved(tmp_path / "key.json", values)
    who = found(REHEARSAL, tmp_path, GOOGLE_APPLICATION_CREDENTIALS=path, GOOGLE_OAUTH_ACCESS_TOKEN="ya29.x")
    assert isinstance(who, Nobody)


def test_an_account_of_a_rehearsal_is_sent_to_it(tmp_path):
    who = found(REHEARSAL, tmp_path, GOOGLE_APPLICATION_CREDENTIALS=saved(tmp_path / "key.json", OWN))
    assert isinstance(who, GoogleAccount)


def test_an_account_of_a_rehearsal_is_not_sent_to_google(tmp_path):
    with pytest.raises(InputError, match="account of a rehearsal"):
        found(GOOGLE, tmp_path, GOOGLE_APPLICATION_CREDENTIALS=saved(tmp_path / "key.json", OWN))


def test_the_machine_is_asked_only_on_googles_cloud(tmp_path):
    assert found(GOOGLE, tmp_path, K_SERVICE="job").source == "this machine's service account"


def test_another_api_is_asked_by_its_origin(tmp_path):
    who = found("https://www.googleapis.com", tmp_path, GOOGLE_OAUTH_ACCESS_TOKEN="ya29.x")
    assert isinstance(who, ReadyToken)


def test_nothing_that_is_secret_is_shown(tmp_path):
    who = found(GOOGLE, tmp_path, GOOGLE_APPLICATION_CREDENTIALS=saved(tmp_path / "key.json", {**USER, **REAL}))
    token = found(GOOGLE, tmp_path, GOOGLE_OAUTH_ACCESS_TOKEN="t-secret")
    assert "secret" not in f"{who!r}{who}{token!r}{token}"


def test_without_google_auth_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(MissingExtra, match=r"penstock\[sheets\]"):
        found(GOOGLE, tmp_path)


def test_a_rehearsal_without_an_account_needs_no_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "google.auth", None)
    assert isinstance(found(REHEARSAL, tmp_path), Nobody)
