"""The description of the endpoint that serves the document itself."""

from telemetry.openapi.operation import Operation, Parameter, Reply

TAG = "The description of the API"

PARAMETERS: dict[str, Parameter] = {}

OPERATIONS = {
    "document": Operation(
        "Get this document",
        {
            200: Reply(
                "An OpenAPI document",
                {"type": "object", "required": ["openapi", "info", "paths", "components"]},
                {"openapi": "3.1.0", "info": {}, "paths": {}, "components": {}},
            )
        },
    )
}
