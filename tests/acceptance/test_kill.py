"""A small cut of the fault campaign: killed at several moments, a job loses nothing and asks nothing needlessly."""

import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).parents[2] / "benchmarks" / "kill.py"


@pytest.mark.parametrize("more", [(), ("--faults",)], ids=["a good server", "a bad server"])
def test_a_job_that_is_killed_again_and_again_loses_and_repeats_nothing(more):
    given = ["--times", "3", "--deliveries", "1", "--rows", "400", "--latency", "0.05", "--seed", "7", *more]
    ended = subprocess.run([sys.executable, CAMPAIGN, *given], capture_output=True, text=True, check=False, timeout=110)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "\nheld: " in ended.stdout
