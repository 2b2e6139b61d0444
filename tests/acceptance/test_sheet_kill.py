"""A small cut of the campaign of faults: they and kills leave no trace in the sheet, and nothing is asked twice."""

import re
import subprocess
import sys
from pathlib import Path

CAMPAIGN = Path(__file__).parents[2] / "benchmarks" / "sheet_faults.py"


def test_a_sheet_ends_as_without_faults_and_kills():
    given = ["--seeds", "1-10", "--together", "4"]
    ended = subprocess.run([sys.executable, CAMPAIGN, *given], capture_output=True, text=True, check=False, timeout=110)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "broken: 0" in ended.stdout
    assert int(re.search(r"(\d+) kills", ended.stdout)[1]) > 0
    assert int(re.search(r"(\d+) met faults", ended.stdout)[1]) > 0
