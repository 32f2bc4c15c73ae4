"""Reads the document for people: its sections, and what each operation needs and returns."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.openapi.operation import JsonSchema
from telemetry.openapi.outline import (
    Body,
    Content,
    Error,
    Field,
    Operation,
    Outline,
    Reply,
    Section,
    Shape,
)
from telemetry.openapi.texts import example_text, paragraphs, target
from telemetry.openapi.words import without_null, words

# Deeper members of an object are seen in its example.
MAX_DEPTH = 3


def outline(document: JsonSchema) -> Outline:
    """Return the outline of an OpenAPI document that this service made."""
    return _Reader(document).outline()


class _Reader:
    def __init__(self, document: JsonSchema) -> None:
        self._document = document
        # Every response may have these.
        replies = document["components"]["responses"].values()
        self._usual = set.intersection(*({*it["headers"]} for it in replies))
        # The schema of a body, to the operation that takes it.
        self._takers: dict[str, Operation] = {}

    def outline(self) -> Outline:
        components = self._document["components"]
        operations = [*self._operations()]
        return Outline(
            version=self._document["info"]["version"],
            introduction=paragraphs(self._document["info"]["description"]),
            sections=[
                Section(
                    tag["name"],
                    tag["description"],
                    [it for name, it in operations if name == tag["name"]],
                )
                for tag in self._document["tags"]
            ],
            headers=[
                (name, header["description"], str(header["example"]))
                for name, header in components["headers"].items()
            ],
            errors=sorted(
                (
                    (name, self._reply(self._status_of(name), reply))
                    for name, reply in components["responses"].items()
                ),
                key=lambda it: it[1].status,
            ),
        )

    def _operations(self) -> Iterator[tuple[str, Operation]]:
        for path, methods in self._document["paths"].items():
            for method, described in methods.items():
                yield described["tags"][0], self._operation(method, path, described)

    def _operation(self, method: str, path: str, described: JsonSchema) -> Operation:
        responses = described["responses"]
        shared = {status: it for status, it in responses.items() if "$ref" in it}
        operation = Operation(
            name=described["operationId"],
            method=method.upper(),
            path=path,
            summary=described["summary"],
            description=described.get("description", ""),
            is_open=described.get("security") == [],
            target=target(path, described.get("parameters", [])),
            parameters=[*self._parameters(described.get("parameters", []))],
            body=self._body(described["requestBody"]) if "requestBody" in described else None,
            replies=[
                self._reply(status, responses[status])
                # What is new comes before what exists.
                for status in sorted(responses, key=lambda it: (it != "201", it))
                if status not in shared
            ],
            errors=[
                Error(status, _name_of(it), self._resolve(it)["description"])
                for status, it in shared.items()
            ],
        )
        if operation.body:
            schema = described["requestBody"]["content"]["application/json"]["schema"]
            self._takers.setdefault(json.dumps(schema), operation)
        return operation

    def _parameters(self, parameters: list[JsonSchema]) -> Iterator[tuple[str, list[Field]]]:
        """Yield the parameters of each place that has any."""
        for place in ("path", "query", "header"):
            found = [
                Field(
                    it["name"],
                    words(it["schema"]),
                    it["required"],
                    it["description"],
                    it["schema"].get("default"),
                )
                for it in parameters
                if it["in"] == place
            ]
            if found:
                yield place, found

    def _body(self, body: JsonSchema) -> Body:
        contents = body["content"]
        schema = contents["application/json"]["schema"]
        forms, record = [], None
        if "anyOf" in schema:
            array, wrapped = schema["anyOf"]
            (name,) = wrapped["properties"]
            forms = [
                f"A JSON array of records, at most {array['maxItems']:,}",
                f'{{"{name}": […]}}',
                "JSON Lines, one record a line",
            ]
            record = self._takers.get(json.dumps(array["items"]))
        return Body(
            [*contents],
            forms,
            [] if forms else self._shapes(schema, is_sent=True),
            [Content(kind, example_text(it["example"])) for kind, it in contents.items()],
            record,
        )

    def _reply(self, status: str, reply: JsonSchema) -> Reply:
        contents = reply.get("content", {})
        schema = contents.get("application/json", {}).get("schema")
        return Reply(
            status,
            reply["description"],
            [
                (name, self._resolve(header)["description"])
                for name, header in reply["headers"].items()
                if name not in self._usual
            ],
            self._shapes(schema) if schema else [],
            [Content(kind, example_text(it["example"])) for kind, it in contents.items()],
        )

    def _shapes(self, schema: JsonSchema, *, is_sent: bool = False) -> list[Shape]:
        """Return the objects that a schema accepts; for one that ``is_sent``, null apart."""
        schema = self._resolve(schema)
        if "oneOf" in schema:
            return self._kinds([self._resolve(it) for it in schema["oneOf"]])
        if "anyOf" in schema:
            return [shape for each in schema["anyOf"] for shape in self._shapes(each)]
        fields = [*self._fields(schema, is_sent=is_sent)]
        return [Shape("", fields)] if fields else []

    def _kinds(self, kinds: list[JsonSchema]) -> list[Shape]:
        """Return the members that all kinds of a record have, then those of each kind."""
        each = [{it.name: it for it in self._fields(kind, is_sent=True)} for kind in kinds]
        common = [field for name, field in each[0].items() if all(name in it for it in each)]
        return [
            Shape("", common),
            *(
                Shape(kind["kind"], [it for it in fields.values() if it not in common])
                for kind, fields in zip(kinds, each, strict=True)
            ),
        ]

    def _fields(
        self, schema: JsonSchema, prefix: str = "", depth: int = 0, *, is_sent: bool = False
    ) -> Iterator[Field]:
        """Yield the members of an object, and those of its members."""
        schema = self._resolve(schema)
        if schema.get("type") == "array":
            yield from self._fields(schema["items"], f"{prefix}[]", depth)
            return
        for name, described in schema.get("properties", {}).items():
            member = self._resolve(described)
            if member.get("type") == "null":
                continue
            full = f"{prefix}.{name}" if prefix else name
            whole = self._resolve_all(member)
            yield Field(
                full,
                words(without_null(whole) if is_sent else whole),
                name in schema.get("required", ()),
                member.get("description", ""),
            )
            if depth < MAX_DEPTH:
                yield from self._fields(member, full, depth + 1)

    def _resolve(self, part: JsonSchema) -> JsonSchema:
        """Return a part of the document with what it refers to, and what it is made of."""
        if "$ref" in part:
            found: Any = self._document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            return dict(found)
        if "allOf" in part:
            base, narrowed = (self._resolve(it) for it in part["allOf"])
            (kind,) = narrowed["properties"]["event_kind"]["enum"]
            return {**base, "kind": kind}
        return part

    def _resolve_all(self, part: Any) -> Any:
        if isinstance(part, list):
            return [self._resolve_all(it) for it in part]
        if not isinstance(part, Mapping):
            return part
        return {name: self._resolve_all(it) for name, it in self._resolve({**part}).items()}

    def _status_of(self, name: str) -> str:
        """Return the status with which operations have the shared error."""
        end = f"/{name}"
        return next(
            str(status)
            for methods in self._document["paths"].values()
            for operation in methods.values()
            for status, reply in operation["responses"].items()
            if reply.get("$ref", "").endswith(end)
        )


def _name_of(reference: JsonSchema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
