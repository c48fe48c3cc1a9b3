"""What both servers refuse in a body, without a server."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.base.errors import BadInput
from threadkeep.server.json_body import MAX_DEPTH, parse_json
from threadkeep.server.openapi import with_path_parameters
from threadkeep.server.run_options import check_run_options
from threadkeep.server.store_requests import (
    checked_delete,
    checked_listing,
    checked_put,
    checked_search,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = ("namespace", "namespace_prefix", "prefix", "suffix", "key", "value", "filter", "query")
OPTIONS = ("config", "command", "metadata", "webhook", "feedback_keys", "after_seconds")


@pytest.mark.parametrize(
    "content",
    [
        *(
            b'{"broken": ',
            b"{",
            b"}",
            b"nul",
            b"\xff\xfe",
            b"{'a': 1}",
            b'{"a": 1,}',
            b"[" * 90_000,
        ),
        *(b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b'{"a": 99999999999999999999}'),
        b'{"a": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}",
    ],
)
def test_what_is_no_json_or_cannot_be_stored_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        parse_json(content)


@given(JSON)
def test_json_is_read_as_it_is_or_refused(value: Any) -> None:
    try:
        parsed = parse_json(json.dumps(value).encode())
    except BadInput:
        return
    assert parsed == json.loads(json.dumps(value))


@given(st.dictionaries(st.sampled_from((*FIELDS, "limit", "offset", "ttl", "index")), JSON))
def test_a_request_to_the_store_is_checked_or_refused(body: dict[str, Any]) -> None:
    for check in (checked_put, checked_delete, checked_search, checked_listing):
        try:
            fields = check(body)
        except BadInput:
            continue
        for label in fields.get("namespace", []) + fields.get("namespace_prefix", []):
            assert label
            assert "." not in label


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"filter": {"n": {"$zz": 1}}}, "$zz"),
        ({"filter": {"$or": []}}, "$or"),
        ({"filter": 7}, "filter"),
        ({"namespace_prefix": ["a.b"]}, "namespace_prefix"),
        ({"namespace_prefix": [".."]}, "namespace_prefix"),
        ({"namespace_prefix": [""]}, "namespace_prefix"),
        ({"namespace_prefix": ["x" * 200]}, "namespace_prefix"),
        ({"namespace_prefix": ["x"] * 50}, "namespace_prefix"),
        ({"namespace_prefix": "notes"}, "namespace_prefix"),
        ({"limit": 0}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 10**9}, "limit"),
        ({"offset": -1}, "offset"),
        ({"query": 7}, "query"),
    ],
)
def test_a_search_is_refused_with_the_field_named(body: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput, match=field.replace("$", r"\$")):
        checked_search(body)


def test_a_search_without_a_prefix_is_of_everything() -> None:
    for body in ({}, {"namespace_prefix": None}, {"filter": None}):
        assert checked_search(body)["namespace_prefix"] == []


@given(st.dictionaries(st.sampled_from(OPTIONS), JSON))
def test_options_of_a_run_are_checked_or_refused(body: dict[str, Any]) -> None:
    try:
        check_run_options(body)
    except BadInput:
        return
    assert not body.get("webhook")
    assert not body.get("feedback_keys")


@pytest.mark.parametrize(
    "body",
    [
        {"webhook": "https://example.org/"},
        {"feedback_keys": ["good"]},
        {"langsmith_tracer": {"project_name": "x"}},
        {"config": {"recursion_limit": 0}},
        {"config": {"recursion_limit": True}},
        {"config": {"callbacks": ["x"]}},
        {"config": {"tags": "x"}},
        {"config": []},
        {"command": {"goto": {"node": "call_model", "input": {}}}},
        {"command": {"goto": [{"node": "call_model"}]}},
        {"command": "resume"},
        {"metadata": [1]},
        {"on_disconnect": "explode"},
        {"interrupt_before": 7},
        {"after_seconds": 1e300},
    ],
)
def test_an_option_that_no_run_can_follow_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(body))):
        check_run_options(body)


def test_a_document_declares_every_parameter_of_its_paths() -> None:
    document = {"paths": {"/a/{b}/{c}": {"get": {}, "put": {"parameters": [{"$ref": "#/x/b"}]}}}}
    completed = with_path_parameters(
        {**document, "components": {"parameters": {"b": {"name": "b", "in": "path"}}}}
    )
    get, put = (completed["paths"]["/a/{b}/{c}"][method] for method in ("get", "put"))
    assert [parameter["name"] for parameter in get["parameters"]] == ["b", "c"]
    assert [parameter.get("name") for parameter in put["parameters"]] == [None, "c"]
