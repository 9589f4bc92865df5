"""Writes rows to PostgreSQL: a table for each feed, and the cursor in the same transaction.

`catalogue` decides which column of which table a field has, `rows` brings samples into rows,
`copying` writes rows in the binary form of COPY, `statements` has the SQL, and `database` is the
destination and keeps the cursor. `agent` is the class ``PostgreSQLAgent``. Begin with `database`.
"""
