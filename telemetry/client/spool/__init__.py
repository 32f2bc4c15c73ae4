"""The files in which records wait until the service has stored them.

``writer`` appends, ``reader`` reads what one stream holds, ``streams`` finds all streams that this
process sends, and ``segments`` describes the files.
"""
