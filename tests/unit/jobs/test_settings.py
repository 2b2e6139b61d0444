"""Settings are kept as they were given, or refused."""

import math

import msgspec
import pytest

from penstock.errors import InputError
from penstock.jobs import settings


class Some(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    most: float | None = 1.0


def test_settings_are_read_as_they_were_written():
    given = settings.checked({"name": "a", "most": 2.5}, Some)
    assert settings.decoded(settings.encoded(given), Some) == given


def test_equal_settings_have_equal_fingerprints_and_others_do_not():
    found = [settings.fingerprint(Some(name=name)) for name in ("a", "a", "b")]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("given", "told"),
    [({"name": 1}, "str"), ({"name": "a", "more": 1}, "more"), ({"name": "a", "most": math.inf}, "finite")],
)
def test_what_cannot_be_kept_is_refused_in_a_sentence(given, told):
    with pytest.raises(InputError, match=told):
        settings.checked(given, Some)


def test_settings_of_another_version_are_told():
    with pytest.raises(InputError, match="another version"):
        settings.decoded('{"name": "a", "unheard": 1}', Some)
