"""The pages that people open in a browser: rendered on the server, useful without JavaScript.

- ``views.py`` has the routes; a module per page reads its query string and collects its data.
- ``store.py`` runs the statements of ``sql/pages/``. Pages only read.
- ``render.py`` makes a response of a template, with the headers that every page has.
- ``formats.py`` writes numbers and times for people; ``charts.py`` places the bars of charts.

Charts are SVG in the page instead of a chart library: they need no script, a strict
Content-Security-Policy allows them, every bar can be a link, and they are in the first byte. What
a library would add is zooming, which a narrower range does here.

Everything that an agent posted is untrusted. Templates escape it, and ``render.py`` shows
characters that would reorder the text around them.
"""
