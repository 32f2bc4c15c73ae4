"""The description of the API: an OpenAPI 3.1 document, and a reader from which requests are sent.

Every room describes its endpoints in a module ``openapi.py``, next to ``views.py``. It holds data
only: ``OPERATIONS``, an Operation for each view by the view's name, ``PARAMETERS``, the text and
an example of each parameter, ``MEANINGS``, the text of each field of a body, and ``TAG``, what the
room is.

- ``operation``: the types of which these modules are made
- ``fields``: the JSON Schema of every field type, so that schemas are described once
- ``shapes``: the JSON Schemas of responses
- ``common``: the headers and errors that every endpoint has
- ``document``: makes the document from all of that and the routes of an application
- ``views``: serves the document, which ``make schema`` has written to ``openapi.json``
- ``reading``: reads it for ``/docs``, the page for people, with ``words`` into an ``outline``

Only the last two are imported by a process that serves, so apispec is a package for development.
"""
