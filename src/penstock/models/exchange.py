"""Puts prompts to one address, in a form that its server takes.

Servers differ in what they take. What one turns down by name (a JSON Schema, `temperature`) is left out, and when the
prompt is then answered, it is left out from then on. What a server has taken once is never left out: a prompt that is
turned down for its text, with words that look like such a complaint, must not change how all others are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from typing import Self

    from penstock.models.faults import Faults
    from penstock.models.model import Prompt
    from penstock.web.transport import Response, Transport

_encode = msgspec.json.Encoder().encode


class Form(Protocol):
    """What a request holds besides the prompt, as far as the server takes it; a value."""

    def body(self, model: str, prompt: Prompt) -> dict[str, Any]:
        """Write the request."""
        ...

    def settings(self, body: Mapping[str, Any]) -> AbstractSet[str]:
        """Name what a written request holds that a server might not take."""
        ...

    def without(self, setting: str, said: str) -> Self:
        """Make the form that does without a setting, or with less of it.

        Args:
            setting: One of those that a request held.
            said: What the server answered, in lower case.
        """
        ...


F = TypeVar("F", bound=Form)


class Exchange(Generic[F]):
    """Sends prompts to one model, and learns the form in which its server takes them; many tasks may ask at once."""

    def __init__(
        self,
        model: str,
        form: F,
        *,
        complaints: Mapping[str, tuple[str, ...]],
        faults: Faults,
        transport: Transport,
        url: str,
        headers: Mapping[str, str],
        timeout: float,
    ) -> None:
        """Remember where to ask, and how.

        Args:
            model: The server's name for the model.
            form: The form to begin with: the fullest.
            complaints: By setting, in the order of giving up: lower-case words by which a server turns it down.
            faults: Turns answers into errors.
            transport: What sends the requests.
            url: Where they are sent.
            headers: What is sent with each.
            timeout: Seconds for one call, from sending to the last byte.
        """
        self.form = form
        self._model = model
        self._complaints = complaints
        self._faults = faults
        self._transport = transport
        self._url = url
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        self._timeout = timeout
        self._proven: set[str] = set()

    async def ask(self, prompt: Prompt) -> Response:
        """Send one prompt, and bring the answer of status 200.

        Raises:
            ItemError: The server declined this prompt.
            Later: No answer, a server error, or asked too often.
            Refused: Wrong key, model or address, or the account's quota is used up.
        """
        form = known = self.form
        while True:
            body = form.body(self._model, prompt)
            answer = await self._transport.post(
                self._url, headers=self._headers, body=_encode(body), timeout=self._timeout
            )
            less = self._relaxed(form, body, answer) if answer.status in {400, 422} else None
            if less is None or less == form:
                break
            form = less  # it has always less in it, so this ends
        if answer.status != 200:
            raise self._faults.error(answer)
        self._faults.accept()
        if form != known:  # else it says nothing against what others have learnt meanwhile
            self.form = form
        self._proven.update(form.settings(body))
        return answer

    def _relaxed(self, form: F, body: Mapping[str, Any], answer: Response) -> F | None:
        """The form without the first thing that the server complains of; None when there is none."""
        said = answer.body[:4000].decode("utf-8", "replace").lower()
        doubtful = form.settings(body) - self._proven
        for setting, words in self._complaints.items():
            if setting in doubtful and any(word in said for word in words):
                return form.without(setting, said)
        return None
