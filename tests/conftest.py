"""What all tests share: one event loop backend, no time limits of hypothesis, no settings of the machine's own."""

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None, max_examples=60)
settings.load_profile("suite")

SETTINGS = (
    *("OPENAI_API_KEY", "OPENAI_API_KEY_FILE", "OPENAI_BASE_URL", "PENSTOCK_HOME"),
    *("GEMINI_API_KEY", "GEMINI_API_KEY_FILE", "GEMINI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"),
    *("GOOGLE_API_KEY", "GOOGLE_API_KEY_FILE", "ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY_FILE", "ANTHROPIC_BASE_URL"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN", "CLOUDSDK_CONFIG"),
    *("K_SERVICE", "GCE_METADATA_HOST"),
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(scope="session")
def anyio_backend():
    """Penstock runs on asyncio alone: its HTTP client does."""
    return "asyncio"


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Keep the machine's own keys, addresses and proxies out of the tests."""
    for name in (*SETTINGS, *PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch
