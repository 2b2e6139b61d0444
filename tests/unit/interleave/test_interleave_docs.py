"""The pages about experiments explain every field, setting, method and check, and name none that is not there."""

import ast
import dataclasses
import inspect
import re

import pytest

from pages import DOCS, PAGES, ROOT
from penstock import interleave
from penstock.interleave import METHODS, Experiment, Record, Settings, ShownItem
from penstock.interleave.analysis import CREDITS
from penstock.interleave.analysis.report import Check
from penstock.interleave.making import Loss
from penstock.interleave.settings import NAMES
from penstock.interleave.ssm import from_ssm

EXAMPLE = ROOT / "examples" / "interleave_lambda"
REFERENCE = DOCS / "reference"
HOW_TO = DOCS / "how-to"


def codes(page):
    return set(re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")))


def rows(page):
    """The first cells of the tables of a page, and the cells behind them."""
    lines = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in lines}


def test_every_field_of_the_log_is_explained_and_no_other():
    fields = {field.name for kind in (Record, ShownItem) for field in dataclasses.fields(kind)}
    assert set(rows(REFERENCE / "ranking-log.md")) == {*fields, "schema", "credits"} - {"credit"}


def test_every_way_to_lose_a_ranking_is_named_in_the_log_page():
    text = (REFERENCE / "ranking-log.md").read_text(encoding="utf-8")
    assert [loss for loss in Loss.__args__ if f"`B:{loss}`" not in text] == []


def test_every_setting_is_explained_under_the_name_that_it_has_in_the_parameter_store():
    table = rows(REFERENCE / "interleave-settings.md")
    stored = {short: name for name, short in from_ssm("/reco")._names.items()}
    assert {name: table[name][0] for name in NAMES} == {name: f"`{stored[name]}`" for name in NAMES}


def test_the_defaults_of_the_settings_are_those_of_the_code():
    table = rows(REFERENCE / "interleave-settings.md")
    defaults = dataclasses.asdict(Settings())
    for name in ("parallel_enabled", "interleave_method", "seed_strategy"):
        assert table[name][1] == f"`{str(defaults[name]).replace('True', 'true')}`"


def test_every_argument_of_an_experiment_that_is_no_setting_is_explained():
    table = rows(REFERENCE / "interleave-settings.md")
    arguments = set(inspect.signature(Experiment).parameters) - {"name", "rankers", "settings", "clock"}
    assert arguments - set(table) == set()


def test_no_page_names_a_parameter_that_is_not_read():
    names = set(from_ssm("/reco")._names)
    for page in [*PAGES, *EXAMPLE.glob("*")]:
        if page.is_file():
            found = set(re.findall(r"/reco/(?:exp|candidate)/\w+", page.read_text(encoding="utf-8")))
            assert found <= names, page


def test_every_method_and_credit_is_explained():
    page = REFERENCE / "interleave-methods.md"
    headings = re.findall(r"^## (\w+_v\d)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(headings) == set(METHODS)
    assert set(CREDITS) - codes(page) == set()


def test_every_check_of_the_report_is_explained():
    about = Check.__doc__.partition("name:")[2].partition("subject:")[0]
    checks = set(re.findall(r"`(\w+)`", about))
    assert len(checks) == 10
    assert set(rows(HOW_TO / "read-the-report.md")) == checks


def test_every_metric_is_named_in_the_log_page():
    metrics = set(re.findall(r'^    "(\w+)": "(?:Milliseconds|Count)"', inspect.getsource(sinks()), re.MULTILINE))
    assert len(metrics) == 5
    assert metrics - codes(REFERENCE / "ranking-log.md") == set()


def sinks():
    import penstock.interleave.sinks

    return penstock.interleave.sinks


@pytest.mark.parametrize("name", interleave.__all__)
def test_every_public_name_stands_in_a_page(name):
    assert any(re.search(rf"\b{name}\b", page.read_text(encoding="utf-8")) for page in PAGES)


def app_says(name):
    """Read a value that the example's module gives a name."""
    tree = ast.parse((EXAMPLE / "app.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return node.value
    raise AssertionError(name)


def test_the_template_has_the_routes_of_the_handler():
    template = (EXAMPLE / "template.yaml").read_text(encoding="utf-8")
    routes = {f"{method} {path}" for method, path in re.findall(r"Method: (\w+)\n +Path: (\S+)", template)}
    assert routes == set(ast.literal_eval(app_says("ROUTES")))


def test_the_alarms_of_the_template_are_about_metrics_of_the_example():
    template = (EXAMPLE / "template.yaml").read_text(encoding="utf-8")
    source = inspect.getsource(sinks())
    assert set(re.findall(r"MetricName: (\w+)", template)) <= set(re.findall(r'"(\w+)": "Count"', source))
    assert set(re.findall(r"Name: experiment\n +Value: (\w+)", template)) == {app_says("experiment").args[0].value}


def test_the_variables_of_the_template_are_those_that_the_example_reads():
    read = set(re.findall(r'os\.environ\.get\("(RECO_\w+)"', (EXAMPLE / "app.py").read_text(encoding="utf-8")))
    given = set(re.findall(r"^ +(RECO_\w+):", (EXAMPLE / "template.yaml").read_text(encoding="utf-8"), re.MULTILINE))
    explained = set(re.findall(r"^    (RECO_\w+)  ", (EXAMPLE / "app.py").read_text(encoding="utf-8"), re.MULTILINE))
    assert given <= read == explained
