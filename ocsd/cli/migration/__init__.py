"""`ocsd migrate`: reads the files of an OCS site, tries ocsd beside it, and prints the report.

`ocsd.migration` decides.
"""
