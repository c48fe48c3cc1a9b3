"""OpenAPI documents of the servers."""

import json
import re
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, TypeVar

from starlette.routing import BaseRoute, Route

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
SEPARATOR = "\n---\n"
"""Between an endpoint's docstring and its OpenAPI description in it."""
METHODS = ("get", "post", "put", "patch", "delete")
PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


def described(
    summary: str, response: str, *, tag: str = "Me", **query: tuple[dict[str, Any], str]
) -> Callable[[Endpoint], Endpoint]:
    """Describe an endpoint; `query` maps each parameter to its schema and its description.

    Starlette reads the OpenAPI description from the docstring, as YAML after three dashes. JSON
    is YAML.
    """
    operation = {
        "summary": summary,
        "tags": [tag],
        "parameters": [
            {"name": name, "in": "query", "schema": schema, "description": description}
            for name, (schema, description) in query.items()
        ],
        "responses": {"200": {"description": response}},
    }

    def describe(endpoint: Endpoint) -> Endpoint:
        endpoint.__doc__ = f"{endpoint.__doc__}{SEPARATOR}{json.dumps(operation)}"
        return endpoint

    return describe


def document_of(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of a server with these routes."""
    paths: dict[str, Any] = {}
    for route in routes:
        if isinstance(route, Route) and route.include_in_schema:
            item = paths.setdefault(PARAMETER.sub(r"{\1}", route.path), {})
            for method in sorted((route.methods or set()) - {"HEAD"}):
                item[method.lower()] = _operation(route, method)
    return with_path_parameters(
        {
            "openapi": "3.1.0",
            "info": {"title": "threadkeep", "version": version("threadkeep")},
            "paths": paths,
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "security": [{"token": []}],
        }
    )


def with_path_parameters(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document in which every parameter of a path is declared."""
    shared = document.get("components", {}).get("parameters", {})
    for path, item in document["paths"].items():
        for method in METHODS:
            if (operation := item.get(method)) is not None:
                parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
                names = {_path_parameter(parameter, shared) for parameter in parameters}
                missing = [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in PARAMETER.findall(path)
                    if name not in names
                ]
                if missing:
                    operation["parameters"] = [*operation.get("parameters", []), *missing]
    return document


def _path_parameter(parameter: dict[str, Any], shared: dict[str, Any]) -> str | None:
    """Return the name of a parameter of a path, None for one of a query or header."""
    if "$ref" in parameter:
        parameter = shared.get(parameter["$ref"].rpartition("/")[2], {})
    return str(parameter["name"]) if parameter.get("in") == "path" else None


def _operation(route: Route, method: str) -> dict[str, Any]:
    text, _, description = (route.endpoint.__doc__ or "").partition(SEPARATOR)
    operation: dict[str, Any] = json.loads(description) if description else {}
    operation.setdefault("summary", text.strip().partition("\n")[0])
    operation.setdefault("responses", {"200": {"description": "The result."}})
    operation["responses"] |= {"422": {"description": "A value is not allowed; says which."}}
    if method in ("POST", "PUT", "PATCH"):
        schema = {"application/json": {"schema": {"type": "object"}}}
        operation.setdefault("requestBody", {"content": schema})
    return operation
