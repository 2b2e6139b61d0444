"""The command that serves a Gemini on this machine."""

import json
import signal
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner

from penstock.cli.testing_gemini import serve_gemini_command
from penstock.errors import InputError
from penstock.testing.gemini.behaviour import GEMINI_FAULTS

COMMAND = "from penstock.cli.testing_gemini import serve_gemini_command as main; main()"


@pytest.fixture
def serving():
    """Start the command; gives the process and its address."""
    started = []

    def start(*options):
        command = [sys.executable, "-c", COMMAND, "--port", "0", *options]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1], started[-1].stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_it_prints_its_address_serves_and_ends_with_ctrl_c(serving):
    process, url = serving("--processing", "0.1")
    with urllib.request.urlopen(f"{url}/stats") as answer:
        assert json.load(answer)["held"] == 0
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_what_is_typed_overrules_the_file(serving, tmp_path):
    (tmp_path / "b.yaml").write_text("faults: {get_500: 1.0}\n")
    _, url = serving("--behaviour", str(tmp_path / "b.yaml"), "--fault", "get_503=1.0")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{url}/v1beta/files/a")
    caught.value.close()
    assert caught.value.code == 503


def test_it_lists_its_faults():
    assert CliRunner().invoke(serve_gemini_command, ["--list-faults"]).output.split() == list(GEMINI_FAULTS)


def test_a_fault_without_a_share_is_refused():
    assert "NAME=SHARE" in CliRunner().invoke(serve_gemini_command, ["--fault", "get_500"]).output


def test_a_key_variable_that_is_not_set_is_refused():
    result = CliRunner().invoke(serve_gemini_command, ["--api-key-variable", "NOT_SET_ANYWHERE"])
    assert isinstance(result.exception, InputError)
