"""From the bytes of a request to valid values.

1. ``body.py`` reads the body: content type, encoding, length.
2. ``records.py`` splits the body of a batch into raw records, without parsing them.
3. ``loading.py`` loads a raw record. The compiled decoder (``decoder.py``) reads a valid record
   directly. Any other is parsed (``parsing.py``), checked for values that cannot be stored
   (``storable.py``) and loaded by its schema, which words the problems.
4. ``batch.py`` collects the valid records of a batch and the errors of the others;
   ``copy_format.py`` turns valid records into rows of COPY.

A marshmallow schema of field types from ``fields.py`` is the one definition of a payload; the
decoder is compiled from it. Query strings (``query_string.py``) have schemas too.
"""
