"""HTTP: what every room shares, and the order of a request.

1. ``worker.py``: gunicorn reads the request; what is not HTTP it refuses, in the error shape.
   ``application.py`` cuts a slash off the end of the path.
2. ``request_log.py``: the request gets its id.
3. ``deadline.py``: its clock starts, and starts again once the body has been read.
4. ``rate_limit/limiter.py``: it is counted, or refused with 429.
5. ``authentication.py``: its token is checked, or it is refused with 401.
6. ``app.py``: for a room without a backend it is refused with 503.
7. ``application.py``: the view of its path runs and returns a response (``responses.py``).
8. ``errors.py``: a failure in any step from 3 on becomes a response (``error_shape.py``).
9. The steps 4 and 2 add their headers to the response, and step 2 writes the log line.
"""
