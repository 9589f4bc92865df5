"""The API `/api/v1`: the table of its requests, and their answers.

Begin with `ocsd.web.api.table`.
"""
