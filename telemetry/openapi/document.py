"""Makes the document: from the rooms' descriptions, their schemas, and the routes."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from marshmallow import Schema
from marshmallow.fields import Field

from telemetry import __version__
from telemetry.http.browser import COOKIE
from telemetry.openapi.common import (
    DESCRIPTION,
    HEADERS,
    OPTIONAL_HEADERS,
    REPLIES,
    SCHEMAS,
    USUAL_HEADERS,
    usual_replies,
)
from telemetry.openapi.fields import json_schema, nullable
from telemetry.openapi.operation import JsonSchema, Operation, Parameter, Reply
from telemetry.openapi.routes import Route, described_by, routes
from telemetry.openapi.shapes import TEXT
from telemetry.payloads.body import JSON_LINES
from telemetry.payloads.loading import PayloadSchema

# Where the operator requires a token.
SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of the environment, or one that `token create` made",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "What a browser gets on the page /sign-in; enough for GET and HEAD, and for"
        " other methods only from a page of this host",
    },
}


def build(app: Flask) -> dict[str, Any]:
    """Return the document. Raises LookupError for what no module describes."""
    spec = _spec()
    described = set()
    for route in routes(app):
        room = described_by(route.room)
        if route.room not in described:
            spec.tag({"name": _tag(route.room), "description": room.TAG})
            described.add(route.room)
        operation: Operation = room.OPERATIONS[route.view]
        parameters = [*_parameters(route, operation, room.PARAMETERS)]
        spec.path(route.path, operations={route.method: _operation(route, operation, parameters)})
    return spec.to_dict()


def text(app: Flask) -> str:
    """Return the text of the document, as the repository keeps it."""
    return json.dumps(build(app), indent=1, ensure_ascii=False) + "\n"


class _Converter(OpenAPIConverter):
    """Describes a schema with the names that it accepts as null, although they are no fields."""

    def schema2jsonschema(self, schema: PayloadSchema) -> JsonSchema:
        described: JsonSchema = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        foreign = sorted(schema.null_only - described["properties"].keys())
        described["properties"] |= {name: {"type": "null"} for name in foreign}
        if not described.get("required"):  # A body without any field asks for nothing.
            described["minProperties"] = 1
        return described


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def _spec() -> APISpec:
    plugin = _Plugin(schema_name_resolver=_name_of)
    spec = APISpec(
        title="Telemetry service",
        version=__version__,
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"description": DESCRIPTION},
        servers=[{"url": "/"}],
        security=[*({name: []} for name in SECURITY), {}],
    )
    plugin.converter.add_attribute_function(_property)  # type: ignore[union-attr]
    for name, scheme in SECURITY.items():
        spec.components.security_scheme(name, scheme)
    for name, schema in SCHEMAS.items():
        spec.components.schema(name, schema)
    for name, reply in REPLIES.items():
        spec.components.response(name, _response(reply))
    for name, header in HEADERS.items():
        spec.components.header(
            name,
            {
                "description": header.description,
                "schema": header.schema,
                "example": header.example,
                **({} if name in OPTIONAL_HEADERS else {"required": True}),
            },
        )
    return spec


def _name_of(schema: Any) -> str:
    """Return the name of a marshmallow schema in the document: its class, without Schema."""
    kind: type[Schema] = schema if isinstance(schema, type) else type(schema)
    words = [*_room_of(kind).split("_"), *kind.__name__.removesuffix("Schema").split("_")]
    return "".join(
        word.capitalize() if word.islower() or word.isupper() else word for word in words
    )


def _room_of(kind: type[Schema]) -> str:
    """Return the room of a schema. A class that marshmallow makes is in none, but its base is."""
    modules = (base.__module__.split(".") for base in kind.__mro__)
    return next(module[1] for module in modules if module[0] == "telemetry")


def _property(converter: OpenAPIConverter, field: Field[Any], **_: Any) -> JsonSchema:
    """Return what apispec adds to the description of a field."""
    schema = json_schema(field)
    payload = cast(PayloadSchema, field.parent)
    schema |= {"description": described_by(_room_of(type(payload))).MEANINGS[field.name]}
    may_be_null = field.name in payload.absent_when_null and not field.required
    return nullable(schema) if may_be_null else schema


def _operation(route: Route, operation: Operation, parameters: list[JsonSchema]) -> JsonSchema:
    replies: dict[int, str | JsonSchema] = {
        **usual_replies(operation, has_names=bool(route.names)),
        **{status: _response(reply) for status, reply in operation.replies.items()},
    }
    body = {"requestBody": _body(operation)} if operation.body else {}
    return {
        "tags": [_tag(route.room)],
        "operationId": _operation_id(route),
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        **({"parameters": parameters} if parameters else {}),
        **body,
        "responses": {str(status): replies[status] for status in sorted(replies)},
        **({"security": []} if operation.is_health else {}),
    }


def _tag(room: str) -> str:
    """Return the heading of a room."""
    return "OpenAPI" if room == "openapi" else room.replace("_", " ").capitalize()


def _operation_id(route: Route) -> str:
    """Return the id: unique, and the same for as long as the path is."""
    words = re.split(r"[^A-Za-z0-9]+", route.path)
    return route.method + "".join(word[:1].upper() + word[1:] for word in words)


def _response(reply: Reply) -> JsonSchema:
    headers = (*USUAL_HEADERS, *reply.headers)
    return {
        "description": reply.description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        **({"content": _contents(reply)} if reply.schema is not None else {}),
    }


def _contents(reply: Reply) -> JsonSchema:
    text = {"type": "string"}
    return {
        "application/json": {"schema": reply.schema, "example": reply.example},
        **{kind: {"schema": text, "example": it} for kind, it in reply.texts.items()},
    }


def _body(operation: Operation) -> JsonSchema:
    body = operation.body
    assert body is not None
    content = {"application/json": {"schema": body.schema, "example": body.example}}
    if body.lines:
        of_lines = {"schema": {"type": "string"}, "example": body.lines}
        content |= dict.fromkeys(JSON_LINES, of_lines)
    return {"required": True, "content": content}


def _parameters(
    route: Route, operation: Operation, described: Mapping[str, Parameter]
) -> Iterator[JsonSchema]:
    """Yield the parameters of the path, then those of the query string, then headers."""
    places: list[tuple[str, type[Schema] | None]] = [
        ("path", operation.path),
        ("query", operation.query),
    ]
    for place, schema in places:
        for name, field in schema().fields.items() if schema else ():
            if place == "path" and name not in route.names:
                continue
            # A view may give a parameter another meaning than the rest of its room.
            meaning = described.get(f"{route.view}.{name}") or described[name]
            default = {} if meaning.default is None else {"default": meaning.default}
            yield {
                "name": name,
                "in": place,
                "required": place == "path" or field.required,
                "description": meaning.description,
                "schema": {**json_schema(field), **default},
                "example": meaning.example,
            }
    for name, meaning in operation.headers.items():
        yield {
            "name": name,
            "in": "header",
            "required": False,
            "description": meaning.description,
            "schema": TEXT,
            "example": meaning.example,
        }
