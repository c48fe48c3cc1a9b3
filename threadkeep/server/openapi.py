"""Describe a route in the server's OpenAPI document."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def described(
    summary: str, response: str, **query: tuple[dict[str, Any], str]
) -> Callable[[Endpoint], Endpoint]:
    """Describe an endpoint; `query` maps each parameter to its schema and its description.

    Starlette reads the OpenAPI description from the docstring, as YAML after three dashes. JSON
    is YAML.
    """
    operation = {
        "summary": summary,
        "tags": ["Me"],
        "parameters": [
            {"name": name, "in": "query", "schema": schema, "description": description}
            for name, (schema, description) in query.items()
        ],
        "responses": {"200": {"description": response}},
    }

    def describe(endpoint: Endpoint) -> Endpoint:
        endpoint.__doc__ = f"{endpoint.__doc__}\n---\n{json.dumps(operation)}"
        return endpoint

    return describe
