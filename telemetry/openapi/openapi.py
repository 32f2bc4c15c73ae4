"""The description of the endpoint that serves the document itself."""

from telemetry.openapi.operation import Operation, Parameter, Reply

TAG = "The description of the API"

PARAMETERS: dict[str, Parameter] = {}

CACHING = ("ETag", "Cache-Control")

OPERATIONS = {
    "document": Operation(
        "Get this document",
        {
            200: Reply(
                "An OpenAPI document",
                {"type": "object", "required": ["openapi", "info", "paths", "components"]},
                {"openapi": "3.1.0", "info": {}, "paths": {}, "components": {}},
                CACHING,
            ),
            304: Reply("The document is the one that the client has", None, None, CACHING),
        },
        headers={"If-None-Match": Parameter("The ETag that the client has", 'W/"5f2b7c1d9e0a"')},
        needs_scope=False,
    )
}
