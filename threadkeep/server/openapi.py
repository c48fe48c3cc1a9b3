"""How a route of ours stands in the server's OpenAPI document."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def described(
    summary: str, answer: str, **query: tuple[dict[str, Any], str]
) -> Callable[[Endpoint], Endpoint]:
    """Describe an endpoint; `query` gives the schema and the meaning of each parameter.

    Starlette reads the description as YAML after three dashes in the docstring; JSON is YAML.
    """
    spec = {
        "summary": summary,
        "tags": ["Me"],
        "parameters": [
            {"name": name, "in": "query", "schema": schema, "description": meaning}
            for name, (schema, meaning) in query.items()
        ],
        "responses": {"200": {"description": answer}},
    }

    def describe(endpoint: Endpoint) -> Endpoint:
        endpoint.__doc__ = f"{endpoint.__doc__}\n---\n{json.dumps(spec)}"
        return endpoint

    return describe
