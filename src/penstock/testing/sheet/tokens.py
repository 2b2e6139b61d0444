"""Access tokens for service accounts and for people, as Google's token endpoint issues them.

Sources: RFC 7523 (a signed JWT buys a token), RFC 6749 section 6 (a refresh token does),
https://developers.google.com/identity/protocols/oauth2/service-account.
"""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import msgspec

from penstock.errors import MissingExtra
from penstock.testing.sheet.trouble import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"  # what google-auth writes, wherever the token comes from
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LEEWAY = 300.0  # seconds that the clocks may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What an access token lets in.

    Attributes:
        user: The account.
        scopes: What it may do.
        until: When it ends, in seconds of the server's clock.
    """

    user: str
    scopes: frozenset[str]
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """An answer of the token endpoint."""

    status: int
    answer: dict[str, Any]


class TokenOffice:
    """Knows the accounts of one server, issues their tokens and recognises them.

    Args:
        wall: Tells the seconds since 1970, which a JWT speaks of.
    """

    def __init__(self, *, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._keys: dict[str, RSAPublicKey] = {}
        self._refresh: dict[str, dict[str, str]] = {}
        self._passes: dict[str, Pass] = {}

    def service_account(self, token_uri: str, *, name: str = "scorer") -> dict[str, Any]:
        """Make a service account; returns its key file, whose private key is nowhere else.

        Raises:
            MissingExtra: When `cryptography` is not installed.
        """
        private, public = _key_pair()
        email = f"{name}@rehearsal-{len(self._keys) + 1}.iam.gserviceaccount.com"
        self._keys[email] = public
        return {
            "type": "service_account",
            "project_id": "rehearsal",
            "private_key_id": secrets.token_hex(20),
            "private_key": private,
            "client_email": email,
            "client_id": PROJECT,
            "auth_uri": token_uri,
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }

    def authorized_user(self, token_uri: str) -> dict[str, str]:
        """Make a person's saved consent; returns it as its file holds it."""
        held = {"client_id": f"{PROJECT}.apps.example", "client_secret": secrets.token_urlsafe(16)}
        refresh = secrets.token_urlsafe(24)
        self._refresh[refresh] = held
        return {"type": "authorized_user", **held, "refresh_token": refresh, "token_uri": token_uri}

    def grant(self, form: Mapping[str, str], *, audience: str, seconds: float, now: float) -> Granted:
        """Answer a request for a token."""
        if form.get("grant_type") == JWT_BEARER:
            return self._for_assertion(form.get("assertion", ""), audience=audience, seconds=seconds, now=now)
        if form.get("grant_type") == "refresh_token":
            return self._for_refresh(form, seconds=seconds, now=now)
        return _refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")

    def admit(self, token: str, *, now: float) -> Pass | None:
        """Return what a token lets in; None when it is unknown or has ended."""
        found = self._passes.get(token)
        if found is not None and found.until <= now:
            del self._passes[token]
            return None
        return found

    def revoke(self) -> None:
        """End every token that was issued; the accounts stay."""
        self._passes.clear()

    def _issue(self, user: str, scopes: str, *, seconds: float, now: float) -> Granted:
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self._passes[token] = Pass(user=user, scopes=frozenset(scopes.split()), until=now + seconds)
        answer: dict[str, Any] = {"access_token": token, "expires_in": int(seconds), "token_type": "Bearer"}
        return Granted(status=200, answer=answer)

    def _for_refresh(self, form: Mapping[str, str], *, seconds: float, now: float) -> Granted:
        held = self._refresh.get(form.get("refresh_token", ""))
        if held is None:
            return _refused("invalid_grant", "Bad Request")
        if any(form.get(name) != value for name, value in held.items()):
            return _refused("invalid_client", "The OAuth client was not found.", status=401)
        return self._issue(held["client_id"], form.get("scope", ""), seconds=seconds, now=now)

    def _for_assertion(self, assertion: str, *, audience: str, seconds: float, now: float) -> Granted:
        claims = _claims(assertion)
        if claims is None:
            return _refused("invalid_grant", "Invalid JWT: malformed.")
        key = self._keys.get(str(claims.get("iss", "")))
        if key is None:
            return _refused("invalid_grant", "Invalid grant: account not found")
        if not _signed(assertion, key):
            return _refused("invalid_grant", "Invalid JWT Signature.")
        return self._untrue(claims, audience=audience) or self._issue(
            str(claims["iss"]), str(claims["scope"]), seconds=seconds, now=now
        )

    def _untrue(self, claims: Mapping[str, Any], *, audience: str) -> Granted | None:
        """Return the refusal of claims that are well signed and yet wrong."""
        if claims.get("aud") not in {audience, GOOGLE_AUDIENCE}:
            return _refused("invalid_grant", f"Invalid JWT: 'aud' must be {audience}.")
        if not self._timely(claims):
            return _refused(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your"
                " iat and exp values in the JWT claim.",
            )
        if not claims.get("scope"):
            return _refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return None

    def _timely(self, claims: Mapping[str, Any]) -> bool:
        issued, ends, now = claims.get("iat"), claims.get("exp"), self._wall()
        if not isinstance(issued, int | float) or not isinstance(ends, int | float):
            return False
        return issued - _LEEWAY <= now <= ends + _LEEWAY and ends - issued <= 3600


def _refused(error: str, why: str, *, status: int = 400) -> Granted:
    return Granted(status=status, answer={"error": error, "error_description": why})


def _claims(assertion: str) -> dict[str, Any] | None:
    """Return what a JWT says, unchecked; None when it is none or signed by another method."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims = (msgspec.json.decode(_unpacked(part)) for part in parts[:2])
    except (ValueError, msgspec.DecodeError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    told = cast("dict[str, Any]", header)
    return cast("dict[str, Any]", claims) if told.get("alg") == "RS256" else None


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _signed(assertion: str, key: RSAPublicKey) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    content, _, signature = assertion.rpartition(".")
    try:
        key.verify(_unpacked(signature), content.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _key_pair() -> tuple[str, RSAPublicKey]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError as error:
        raise MissingExtra("A service account", "sheets") from error

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return written.decode(), key.public_key()
