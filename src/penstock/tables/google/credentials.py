"""Finds credentials where Google's tools and the usual libraries keep them.

In this order: a token in `GOOGLE_OAUTH_ACCESS_TOKEN` or `CLOUDSDK_AUTH_ACCESS_TOKEN`; the file that
`GOOGLE_APPLICATION_CREDENTIALS` names; the file of `gcloud auth application-default login`; gspread's
`service_account.json` and `authorized_user.json`; the account of the machine on Google's cloud.

Source: https://cloud.google.com/docs/authentication/application-default-credentials,
https://docs.gspread.org/en/latest/oauth2.html
"""

from __future__ import annotations

import logging
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from penstock.errors import InputError
from penstock.tables.google.account import GoogleAccount, Nobody, ReadyToken, require_google_auth
from penstock.tables.google.address import SheetAddress, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.tables.google.account import Authorizer
    from penstock.web.transport import Http

SHEETS_SCOPE = "https://www.googleapis.com/auth/spreadsheets"
DRIVE_SCOPE = "https://www.googleapis.com/auth/drive.readonly"
FILE = "GOOGLE_APPLICATION_CREDENTIALS"
TOKENS = ("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN")

_PRODUCT = Path("/sys/class/dmi/id/product_name")
_PLAIN = frozenset(("service_account", "authorized_user"))
"""Kinds of accounts whose tokens come from their `token_uri` and from nowhere else."""
_SECRET_FIELDS = ("private_key", "private_key_id", "refresh_token", "client_secret", "token")


def credentials(
    asked: SheetAddress | str,
    /,
    *,
    http: Http,
    scopes: Sequence[str] = (SHEETS_SCOPE,),
    environment: Mapping[str, str] = os.environ,
    home: Path | None = None,
) -> Authorizer:
    """Find out who asks a server of Google's; nothing is sent yet.

    A server on this machine is never sent a real credential: only an account whose tokens come from this machine, too.

    Args:
        asked: Whose requests are to be let in: a sheet, or the origin of another API.
        http: What fetches tokens; its owner closes it.
        scopes: What the account is to be allowed.
        environment: Where variables are looked up.
        home: Where files are looked up that no variable names; None is the user's own folder.

    Raises:
        InputError: There are none, or their file cannot be read.
        MissingExtra: google-auth is not installed.
    """
    origin = asked.origin if isinstance(asked, SheetAddress) else asked
    if is_loopback(origin):
        return _rehearsing(http=http, scopes=scopes, environment=environment)
    for name in TOKENS:
        if token := environment.get(name, "").strip():
            return ReadyToken(_checked(token, name), source=name)
    require_google_auth()
    path, named = _file(environment, home or Path.home())
    if path is not None:
        info = _read(path, named)
        if is_loopback(str(info.get("token_uri", ""))):
            raise InputError(f"{named} holds the account of a rehearsal, which Google does not know: name a real one.")
        return _account(info, http=http, scopes=scopes, source=named)
    if _on_google_cloud(environment):
        return GoogleAccount(partial(_default, scopes=scopes), http=http, source="this machine's service account")
    raise InputError(
        f"There are no credentials for Google: name a service account's file in {FILE}, or log in with "
        f"`gcloud auth application-default login --scopes=https://www.googleapis.com/auth/cloud-platform,"
        f"{','.join(scopes)}`."
    )


def _rehearsing(*, http: Http, scopes: Sequence[str], environment: Mapping[str, str]) -> Authorizer:
    """Take an account for a server on this machine only if its tokens come from this machine."""
    path = environment.get(FILE, "")
    try:
        info = _read(Path(path), FILE) if path else {}
    except InputError:
        info = {}
    if _kind(info) not in _PLAIN or not is_loopback(str(info.get("token_uri", ""))):
        return Nobody()
    require_google_auth()
    return _account(info, http=http, scopes=scopes, source=FILE)


def _account(info: Mapping[str, Any], *, http: Http, scopes: Sequence[str], source: str) -> Authorizer:
    load = {"service_account": _service_account, "authorized_user": _user}.get(_kind(info))
    return GoogleAccount(
        partial(load, info, scopes) if load else partial(_default, scopes=scopes),
        http=http,
        source=source,
        account=str(info.get("client_email") or info.get("account") or ""),
        secrets=tuple(str(info[name]) for name in _SECRET_FIELDS if info.get(name)),
    )


def _kind(info: Mapping[str, Any]) -> str:
    return str(info.get("type") or ("authorized_user" if "refresh_token" in info else ""))


def _service_account(info: Mapping[str, Any], scopes: Sequence[str], _request: Any) -> Any:
    from google.oauth2 import service_account

    return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        dict(info), scopes=list(scopes)
    )


def _user(info: Mapping[str, Any], _scopes: Sequence[str], _request: Any) -> Any:
    """Make a person's credentials; what they are allowed was decided when they logged in."""
    from google.oauth2.credentials import Credentials

    if is_loopback(str(info.get("token_uri", ""))):
        names = ("refresh_token", "token_uri", "client_id", "client_secret")
        return Credentials(None, **{name: info[name] for name in names})  # type: ignore[no-untyped-call]
    made: Any = Credentials.from_authorized_user_info(dict(info))  # type: ignore[no-untyped-call]
    return made if made.quota_project_id else made.with_quota_project_from_environment()


def _default(request: Any, *, scopes: Sequence[str]) -> Any:
    """Let google-auth find and make the rarer kinds: federated, impersonated, of a machine."""
    import google.auth

    # Its hints about projects do not concern sheets; without any handler they would go to the terminal.
    logging.getLogger("google.auth").addHandler(logging.NullHandler())
    return google.auth.default(scopes=list(scopes), request=request)[0]  # type: ignore[no-untyped-call,unused-ignore]


def _file(environment: Mapping[str, str], home: Path) -> tuple[Path | None, str]:
    """Find the file of credentials, and how to name it in messages."""
    if environment.get(FILE):
        return Path(environment[FILE]), FILE
    gcloud = Path(environment.get("CLOUDSDK_CONFIG") or home / ".config/gcloud")
    gspread = home / ".config/gspread"
    for path, name in (
        (gcloud / "application_default_credentials.json", "gcloud's application-default login"),
        (gspread / "service_account.json", "gspread's service_account.json"),
        (gspread / "authorized_user.json", "gspread's authorized_user.json"),
    ):
        if path.is_file():
            return path, name
    return None, ""


def _read(path: Path, named: str) -> dict[str, Any]:
    try:
        info = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors, and may quote the file
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no JSON"
        raise InputError(f"{path}, the credentials of {named}, cannot be read ({reason}).") from None
    if not isinstance(info, dict):
        raise InputError(f"{path}, the credentials of {named}, cannot be read (it is no JSON object).")
    return cast("dict[str, Any]", info)


def _checked(token: str, name: str) -> str:
    if not all("!" <= character <= "~" for character in token):
        raise InputError(f"{name} holds no token: a token is one line of ASCII without spaces.")
    return token


def _on_google_cloud(environment: Mapping[str, str]) -> bool:
    """Say whether there is a metadata server to ask; elsewhere the question would only wait for its time limit."""
    if environment.get("GCE_METADATA_HOST") or environment.get("K_SERVICE"):
        return True
    try:
        return "Google" in _PRODUCT.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
