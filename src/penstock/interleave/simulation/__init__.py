"""A click simulator: bias, sensitivity and users needed, before any user sees anything.

from penstock.interleave.simulation import Ranker, Simulation, click_model, generated, rank

relevance = generated(100, 50, rng)
lists = rank(relevance, Ranker.of("noise:0.5"), Ranker.of("swapped:3"), k=10, overlap=0.5, rng=rng)
result = Simulation(lists=lists, model=click_model("pbm")).run()
"""

from penstock.interleave.simulation.clicks import CLICK_MODELS, ClickModel, click_model
from penstock.interleave.simulation.population import Population
from penstock.interleave.simulation.rankers import Lists, Ranker, rank
from penstock.interleave.simulation.relevance import Relevance, generated, read_letor
from penstock.interleave.simulation.result import SimulationResult
from penstock.interleave.simulation.sensitivity import Plan
from penstock.interleave.simulation.simulate import Simulation

__all__ = [
    "CLICK_MODELS",
    "ClickModel",
    "Lists",
    "Plan",
    "Population",
    "Ranker",
    "Relevance",
    "Simulation",
    "SimulationResult",
    "click_model",
    "generated",
    "rank",
    "read_letor",
]
