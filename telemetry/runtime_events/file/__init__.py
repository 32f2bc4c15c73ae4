"""The JSON file backend of runtime events.

``store`` reads the file and passes new events to the ``journal``, which appends them. ``stored``
says what a line holds, ``lines`` reads bytes as lines, ``document`` converts the form of older
services, ``summary`` adds events up, and ``figures`` does so for the pages.
"""
