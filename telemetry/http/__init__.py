"""HTTP: what every room shares, and the order of a request.

1. ``worker.py``: gunicorn reads the request; what is not HTTP it refuses, in the error shape.
   ``application.py`` cuts a slash off the end of the path.
2. ``request_log.py``: the request gets its id.
3. ``cors.py``: a preflight request of a configured origin gets its response.
4. ``deadline.py``: its clock starts, and starts again once the body has been read.
5. ``rate_limit/limiter.py``: it is counted, or refused with 429.
6. ``authentication.py``: its token is checked, or the cookie of a person (``browser.py``), or it
   is refused with 401.
7. ``app.py``: for a room without a backend it is refused with 503.
8. ``application.py``: the view of its path runs and returns a response (``responses.py``).
9. ``errors.py``: a failure in any step from 4 on becomes a response (``error_shape.py``), for
   a browser a page.
10. The steps 5, 3 and 2 add their headers to the response. Step 2 counts the request
    (``measures.py``) and writes the log line.
"""
