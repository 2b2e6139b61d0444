"""The parts of a page about a job that are the same for every system: how it went, what it took, what failed."""
