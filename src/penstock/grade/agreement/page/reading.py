"""How to read the page about agreement, and what its words mean, with the papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.page import element, section

if TYPE_CHECKING:
    from penstock.page import Markup

_SAID = (
    "The marks of people are taken for true, though two people who mark the same answers do not agree entirely: a "
    "second person's agreement with the first one is what to compare these figures with. They hold for answers like "
    "these and for no others; a sample drawn at random says more than one of doubtful answers."
)
_WORDS = {
    "Weighted kappa": "Both marks are rounded to the same equal steps; a difference counts by its square, and what two "
    "raters would agree on by chance counts for nothing. 1 is full agreement. Cohen, 1968.",
    "Kappa": "Agreement on right or wrong beyond chance. Cohen, 1960.",
    "Macro F1": "The F1 of right answers and that of wrong ones, averaged, so that the rarer kind counts as much.",
    "Interval": "Learners are drawn again with all their answers, since those depend on each other; ends are "
    "corrected for bias and skewness. Efron, 1987. Where a figure cannot move, there is none.",
    "Surest marks": "Marks are sorted by the stated chance that right or wrong is true. The part that reaches an "
    "accuracy was found on these answers; expect a little less on new ones.",
    "Calibration error": "Mean distance of the stated chance and the share that came true, in ten bins of equally many "
    "marks. Naeini et al., AAAI 2015. Perfect statements would show one, too, by chance.",
    "Expected error": "The root mean square error that the machine states for a mark, compared with the one seen in "
    "ten bins of equally many marks.",
}


def reading() -> Markup:
    """Say how to read the page."""
    listed = (part for word, meaning in _WORDS.items() for part in (element("dt", word), element("dd", meaning)))
    return section("How to read it", element("p", _SAID), element("dl", *listed))
