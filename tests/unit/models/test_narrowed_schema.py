"""What is left of a JSON Schema for servers that do not take it whole."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.numeric import schema as schema_of_scores
from penstock.models.schema import narrowed

NAMES = st.sampled_from(["a", "title", "minimum", "maxItems", "properties"])


@st.composite
def schemas(draw, depth=3):
    """Schemas whose properties may be called like keywords."""
    bounds = draw(st.dictionaries(st.sampled_from(["minimum", "maxItems"]), st.integers(0, 9)))
    if not depth or draw(st.booleans()):
        return {"type": "number", **bounds}
    inner = schemas(depth - 1)
    return draw(
        st.one_of(
            st.fixed_dictionaries({"items": inner}).map(lambda one: {"type": "array", **bounds, **one}),
            st.dictionaries(NAMES, inner).map(lambda some: {"type": "object", **bounds, "properties": some}),
            st.lists(inner, min_size=1, max_size=2).map(lambda some: {"anyOf": some, **bounds}),
        )
    )


def bound(keyword, _):
    return keyword in {"minimum", "maxItems"}


def walked(schema):
    """Every schema inside a schema, itself included."""
    yield schema
    below = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    for inner in [*below, *([schema["items"]] if "items" in schema else [])]:
        yield from walked(inner)


@given(schemas())
def test_no_keyword_that_is_left_out_stays_and_nothing_else_goes(schema):
    before, after = list(walked(schema)), list(walked(narrowed(schema, bound)))
    assert [one.keys() - {"minimum", "maxItems"} for one in before] == [one.keys() for one in after]
    assert [one.get("properties", {}).keys() for one in before] == [one.get("properties", {}).keys() for one in after]


@given(schemas())
def test_what_goes_is_said_in_the_description_where_it_was(schema):
    for before, after in zip(walked(schema), walked(narrowed(schema, bound, say=True)), strict=True):
        said = {f"{name}: {value}" for name, value in before.items() if bound(name, value)}
        assert set(filter(None, after.get("description", "").split(", "))) == said


@given(schemas())
def test_a_schema_that_is_taken_whole_stays_as_it_is(schema):
    assert narrowed(schema, lambda *_: False, say=True) == schema


def test_a_description_is_kept_before_what_is_said():
    assert narrowed({"description": "A mark", "minimum": 0}, bound, say=True) == {"description": "A mark (minimum: 0)"}


def test_the_schema_that_was_given_is_not_changed():
    schema = schema_of_scores(3)
    narrowed(schema, bound, say=True)
    assert schema == schema_of_scores(3)
