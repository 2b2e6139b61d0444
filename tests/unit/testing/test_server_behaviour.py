import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.testing import FAULTS, Behaviour, Latency, parse_behaviour, read_behaviour


def test_without_arguments_nothing_is_limited_and_nothing_fails():
    behaviour = Behaviour()
    assert (behaviour.steps, behaviour.waits, behaviour.faults) == ((), Latency(seconds=0), {})


def test_a_yaml_file_says_the_same_as_the_arguments(tmp_path):
    path = tmp_path / "behaviour.yaml"
    path.write_text(
        "seed: 7\n"
        "latency: {seconds: 1.0, share: 0.2}\n"
        "capacity: {0: 48, 30: 12, 60: 48}\n"
        "retry_after: exact\n"
        "faults: {hang: 0.01, http_503: 0.02}\n"
        "sticky: [hang]\n"
    )
    assert read_behaviour(path) == Behaviour(
        seed=7,
        latency=Latency(seconds=1.0, share=0.2),
        capacity={0: 48, 30: 12, 60: 48},
        retry_after="exact",
        faults={"hang": 0.01, "http_503": 0.02},
        sticky=("hang",),
    )


@given(
    st.builds(
        Behaviour,
        seed=st.integers(min_value=0, max_value=2**31),
        latency=st.floats(min_value=0, max_value=9) | st.builds(Latency, seconds=st.just(1.0), sigma=st.just(0.5)),
        capacity=st.none() | st.integers(0, 99) | st.dictionaries(st.floats(0, 99), st.integers(0, 99)),
        retry_after=st.none() | st.floats(0, 9) | st.just("exact"),
        faults=st.dictionaries(st.sampled_from(FAULTS), st.floats(0, 0.04)),
        api_key=st.none() | st.text(),
    )
)
def test_a_behaviour_survives_the_way_to_another_process(behaviour):
    assert parse_behaviour(msgspec.json.decode(msgspec.json.encode(behaviour))) == behaviour


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"latncy": 1}, "no 'latncy'; did you mean 'latency'"),
        ({"latency": {"seconds": 1, "mean": 2}}, "`latency` has no 'mean'"),
        ({"latency": -1}, "`latency` must be 0 seconds or more"),
        ({"latency": {"seconds": 1, "share": 2}}, "`latency.share` must lie between 0 and 1"),
        ({"latency": {"seconds": 1, "sigma": -2}}, "`latency.sigma` must be 0 or more"),
        ({"latency": {"seconds": 1, "share": 0.1, "sigma": 1}}, "not both"),
        ({"latency": "slow"}, "got `str` - at `latency`"),
        ({"capacity": -1}, "`capacity` cannot be -1"),
        ({"capacity": {-5: 1}}, "from second -5"),
        ({"rate": 0}, "`rate` must be more than 0"),
        ({"burst": 5}, "`burst` belongs to `rate`"),
        ({"tokens_per_minute": float("inf")}, "`tokens_per_minute` must be more than 0"),
        ({"retry_after": -1}, "`retry_after` must be 0 seconds or more"),
        ({"retry_after": "soon"}, "retry_after"),
        ({"faults": {"hag": 0.1}}, "`faults` has no 'hag'; did you mean 'hang'"),
        ({"faults": {"hang": 1.5}}, "`faults.hang` must lie between 0 and 1"),
        ({"faults": {"hang": 0.6, "drop": 0.6}}, "add up to more than 1"),
        ({"sticky": ["hang"]}, "`sticky` names 'hang', which has no share"),
        ({"structured": "xml"}, "structured"),
        ({3: 4}, "no 3"),
    ],
)
def test_what_does_not_fit_is_named_in_one_sentence(values, words):
    with pytest.raises(InputError) as caught:
        parse_behaviour(values, source="behaviour.yaml")
    assert str(caught.value).startswith("behaviour.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fault_misspelt_in_python_is_named_too():
    with pytest.raises(InputError, match="did you mean 'drop'"):
        Behaviour(faults={"dropp": 0.1})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"- 1\n", "must hold one mapping"),
        (b"{", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"", "one mapping"),
    ],
)
def test_a_file_that_holds_no_behaviour_is_named(tmp_path, content, words):
    path = tmp_path / "behaviour.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_behaviour(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_behaviour(tmp_path / "none.yaml")


def test_the_key_is_not_shown():
    assert "hush" not in repr(Behaviour(api_key="hush"))
