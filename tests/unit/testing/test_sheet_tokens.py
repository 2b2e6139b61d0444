import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from penstock.testing.sheet.behaviour import SheetBehaviour
from penstock.testing.sheet.book import SheetBook
from penstock.testing.sheet.calls import read_address
from penstock.testing.sheet.desk import SheetDesk
from penstock.testing.sheet.tokens import JWT_BEARER, TokenOffice

URI = "http://127.0.0.1:1/token"
SHEETS = "https://www.googleapis.com/auth/spreadsheets"
NOW = 1_800_000_000
ADDRESS = "/v4/spreadsheets/b/values/S!A1"


@pytest.fixture(scope="module")
def office():
    return TokenOffice(wall=lambda: NOW)


@pytest.fixture(scope="module")
def account(office):
    return office.service_account(URI)


@pytest.fixture(scope="module")
def stranger():
    return TokenOffice().service_account(URI)


def packed(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwt(account, *, header=None, **claims):
    told = {"iss": account["client_email"], "aud": URI, "iat": NOW, "exp": NOW + 3600, "scope": SHEETS} | claims
    content = f"{packed(header or {'alg': 'RS256', 'typ': 'JWT'})}.{packed(told)}"
    key = serialization.load_pem_private_key(account["private_key"].encode(), None)
    return f"{content}.{packed(key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def grant(office, assertion, *, now=0.0, seconds=60.0):
    return office.grant({"grant_type": JWT_BEARER, "assertion": assertion}, audience=URI, seconds=seconds, now=now)


def test_a_signed_assertion_buys_a_token_for_a_while(office, account):
    granted = grant(office, jwt(account), now=5.0)
    token = granted.answer["access_token"]
    assert (granted.status, granted.answer["expires_in"], granted.answer["token_type"]) == (200, 60, "Bearer")
    assert office.admit(token, now=64.9).user == account["client_email"]
    assert office.admit(token, now=65.0) is None


def test_google_libraries_name_googles_own_audience_and_are_let_in(office, account):
    assert grant(office, jwt(account, aud="https://oauth2.googleapis.com/token")).status == 200


def test_a_signature_of_another_key_is_refused(office, account, stranger):
    forged = jwt({**stranger, "client_email": account["client_email"]})
    assert grant(office, forged).answer["error_description"] == "Invalid JWT Signature."


def test_claims_that_were_changed_after_signing_are_refused(office, account):
    head, _, signature = jwt(account).split(".")
    claims = packed({"iss": account["client_email"], "aud": URI, "iat": NOW, "exp": NOW + 60, "scope": "more"})
    assert grant(office, f"{head}.{claims}.{signature}").answer["error_description"] == "Invalid JWT Signature."


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "http://elsewhere/token"}, "invalid_grant"),
        ({"iat": NOW - 9000, "exp": NOW - 5400}, "invalid_grant"),
        ({"iat": NOW + 9000, "exp": NOW + 9060}, "invalid_grant"),
        ({"exp": NOW + 9000}, "invalid_grant"),
        ({"exp": "later"}, "invalid_grant"),
        ({"iss": "nobody@example.com"}, "invalid_grant"),
        ({"header": {"alg": "none"}}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_an_assertion_that_is_wrong_is_refused(office, account, claims, error):
    granted = grant(office, jwt(account, **claims))
    assert (granted.status, granted.answer["error"]) == (400, error)


@pytest.mark.parametrize("assertion", ["", "a.b", "a.b.c", "é.é.é"])
def test_what_is_no_jwt_is_refused(office, assertion):
    assert grant(office, assertion).answer["error"] == "invalid_grant"


def test_a_refresh_token_buys_one_token_after_the_other(office):
    person = office.authorized_user(URI)
    form = {
        "grant_type": "refresh_token",
        **{name: person[name] for name in person if name not in {"type", "token_uri"}},
    }
    first, second = (office.grant(form, audience=URI, seconds=60, now=0) for _ in range(2))
    assert first.status == second.status == 200
    assert first.answer["access_token"] != second.answer["access_token"]
    assert office.grant(form | {"client_secret": "no"}, audience=URI, seconds=60, now=0).status == 401
    assert office.grant(form | {"refresh_token": "no"}, audience=URI, seconds=60, now=0).status == 400


def test_revoked_tokens_end_and_accounts_stay(office, account):
    token = grant(office, jwt(account)).answer["access_token"]
    office.revoke()
    assert office.admit(token, now=0) is None
    assert grant(office, jwt(account)).status == 200


@pytest.mark.parametrize(("scope", "status"), [(SHEETS, 200), (SHEETS + ".readonly", 403), ("other", 403)])
def test_a_token_lets_in_only_what_it_was_issued_for(account, scope, status):
    desk = SheetDesk(SheetBehaviour(require_token=True), books={"b": SheetBook({"S": []})}, files={})
    person = desk.office.authorized_user(URI)
    form = {"grant_type": "refresh_token", "scope": scope, **person}
    token = json.loads(desk.grant(form, audience=URI, now=0).body)["access_token"]
    asked = read_address("PUT", ADDRESS, "valueInputOption=RAW")
    decided = desk.receive(asked, b'{"values": [["x"]]}', token=token, now=1)
    reply = decided if hasattr(decided, "status") else desk.finish(decided, url="", now=1)
    assert reply.status == status
