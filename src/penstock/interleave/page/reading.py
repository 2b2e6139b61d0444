"""How to read the pages, and what their words mean, with the papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.interleave.page.wording import METHODS
from penstock.page import Markup, element, section

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAPERS = {
    "team_draft_v1": "In every round a coin says who goes first, and each ranker adds its best item that is not there "
    "yet. Radlinski, Kurup and Joachims, CIKM 2008.",
    "optimized_v1": "Among all merged lists, chances are chosen that favour nobody who clicks at random and tell most. "
    "Radlinski and Craswell, WSDM 2013.",
    "balanced_v1": "The lists are merged so that both are read to the same depth; it is not fair on all lists. "
    "Joachims 2002; Chapelle, Joachims, Radlinski and Yue, TOIS 2012.",
    "probabilistic_v1": "Every place is drawn from one of the lists, upper ranks more often, so that any order can be "
    "shown. Hofmann, Whiteson and de Rijke, CIKM 2011.",
}

_REPORT = {
    "Win, loss, tie": "The outcome of one ranking: the sign of what its clicked items are worth to the first ranker. "
    "Several clicks on one item count once, pages of one ranking are one ranking.",
    "By user": "Every user has one vote, the mean outcome of their rankings; Student's t over users. The rankings of "
    "one user depend on each other, so that no test here takes them for independent.",
    "By ranking": "Every ranking has one vote; the interval still knows whose they are (Deng, Knoblich and Lu, KDD "
    "2018). Chapelle et al. 2012 halve this figure: (wins + ties / 2) / rankings - 1/2.",
    "Looked at often": "An interval that holds at all times at once, by the normal mixture (Robbins 1970; Johari et "
    "al., KDD 2017; Howard et al. 2021). It is wider than one that is looked at once.",
    "Users needed": "For 80% power in a two-sided test at the 5% level, from the deviation of the users seen so far.",
}

_SIMULATION = {
    "Bias": "The mean score that somebody who clicks at random gives a method. It is 0 where the method is fair.",
    "Users needed": "For the power and level above, all groups together, users without clicks counted in.",
    "A/B test": "Half of the users see each ranker's list. The most sensitive of its metrics is what methods are "
    "compared with.",
    "nDCG": "The value of a list by its grades, less for lower places; 1 is the best order. Järvelin and Kekäläinen, "
    "TOIS 2002.",
    "Click models": "Chuklin, Markov and de Rijke, Click Models for Web Search, 2015.",
}


def reading(methods: Iterable[str]) -> Markup:
    """Say how to read the page about an experiment."""
    said = (
        "A preference of +2% means that of 100 rankings of a user, the first ranker wins two more than the second; it "
        "says who is preferred, not how many clicks more there will be. An interval that holds 0 does not say that the "
        "rankers are equal, only that these users do not tell. Whoever looks before the end, to see whether to stop, "
        "goes by the interval for looking often, and by no other."
    )
    return section("How to read it", element("p", said), _words({**_REPORT, **_of(methods)}))


def reading_simulation(methods: Iterable[str]) -> Markup:
    """Say how to read the page about a simulation."""
    said = (
        "Users, clicks and grades are simulated: the page says which method would find what, if users were like that. "
        "A method that is not fair may find a winner where there is none, so that its users needed mean little. How "
        "many times fewer users than an A/B test is not a constant: it depends on how unlike users are, how often they "
        "come back, and how much the lists differ."
    )
    return section("How to read it", element("p", said), _words({**_SIMULATION, **_of(methods)}))


def _of(methods: Iterable[str]) -> dict[str, str]:
    return {METHODS[name].capitalize(): _PAPERS[name] for name in dict.fromkeys(methods) if name in _PAPERS}


def _words(meanings: dict[str, str]) -> Markup:
    listed = (part for word, meaning in meanings.items() for part in (element("dt", word), element("dd", meaning)))
    return element("dl", *listed)
