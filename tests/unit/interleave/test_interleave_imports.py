"""What the request path loads: nothing but itself and the standard library."""

import inspect
import json
import sys
from pathlib import Path

import pytest

import penstock
from interleaved import told
from penstock import interleave

SOURCE = Path(penstock.__file__).parents[1]
HEAVY = {
    *("pandas", "numpy", "scipy", "polars", "pyarrow", "boto3", "botocore"),
    *("msgspec", "click", "anyio", "asyncio", "aiohttp"),
}

LOADED = """
import json, sys
before = set(sys.modules)
{statement}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps([sorted(new & set(sys.stdlib_module_names)), sorted(new - set(sys.stdlib_module_names))]))
"""

WHOLE = """
from penstock.interleave import Experiment, Settings, from_environment, from_mapping, to_cloudwatch
import io
for method in ("team_draft_v1", "balanced_v1", "probabilistic_v1", "optimized_v1"):
    settings = {"mode": "INTERLEAVE", "sampling_rate": 1, "interleave_method": method}
    stream = io.StringIO()
    rankers = {"A": lambda _c: [1, 2], "B": lambda _c: [{"item_id": 1}] and [2, 3]}
    experiment = Experiment("home", rankers, settings=settings, log=to_cloudwatch(stream=stream))
    assert len(experiment.rank(user_id="ann", k=2).ranking) == 2
    assert stream.getvalue().count(chr(10)) == 1
"""


def loaded_by(statement, *flags):
    script = LOADED.format(statement=f"sys.path.insert(0, {str(SOURCE)!r})\n{statement}")
    standard, others = json.loads(told(script, flags=flags))
    return set(standard), others


@pytest.mark.parametrize("statement", ["import penstock.interleave", WHOLE], ids=["import", "use"])
def test_without_any_installed_package_it_loads_and_works(statement):
    standard, others = loaded_by(statement, "-S", "-I")
    assert others == ["penstock"]
    assert not standard & HEAVY


@pytest.mark.parametrize("statement", ["import penstock.interleave", WHOLE], ids=["import", "use"])
def test_where_heavy_packages_are_installed_they_are_left_alone(statement):
    standard, others = loaded_by(statement)
    assert others == ["penstock"]
    assert not standard & HEAVY


def test_importing_the_package_loads_none_of_its_modules():
    script = "import sys, penstock.interleave; print([name for name in sys.modules if name.startswith('penstock.i')])"
    assert told(script) == "['penstock.interleave']"


def test_the_settings_from_ssm_load_no_client_before_they_are_read():
    _, others = loaded_by("from penstock.interleave import from_ssm; from_ssm('/reco')")
    assert others == ["penstock"]


@pytest.mark.parametrize("name", interleave.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert name in dir(interleave)
    value = getattr(interleave, name)
    assert isinstance(value, (str, tuple)) or inspect.getdoc(value)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Interleaver'"):
        _ = interleave.Interleaver


def test_the_standard_library_is_told_from_the_rest():
    assert "json" in sys.stdlib_module_names
    assert not sys.stdlib_module_names & (HEAVY - {"asyncio"})
