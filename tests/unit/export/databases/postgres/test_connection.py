"""Addresses of a PostgreSQL server, and what is told about it."""

import psycopg
import pytest
from psycopg import errors

from ocsd.errors import AgentArgumentsError
from ocsd.export.databases.destination import DatabaseAwayError
from ocsd.export.databases.postgres.connection import PostgresConnection, reason_of


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE", "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "dsn", ["host=db password=hush-hush", "postgresql://ocs:hush-hush@db/feeds"]
)
def test_a_password_in_the_address_is_refused_and_not_repeated(dsn):
    with pytest.raises(AgentArgumentsError, match="PGPASSFILE") as caught:
        PostgresConnection(dsn)
    assert "hush" not in str(caught.value)


def test_an_address_that_is_none_is_told_with_a_right_one():
    with pytest.raises(AgentArgumentsError, match="write it as host=HOST dbname=NAME"):
        PostgresConnection("feeds on db")


def test_the_name_has_what_libpq_would_use_and_no_secret(monkeypatch):
    assert PostgresConnection("host=db user=ocs dbname=feeds").name == (
        "postgresql://ocs@db:5432/feeds"
    )
    monkeypatch.setenv("PGHOST", "other")
    monkeypatch.setenv("PGPASSWORD", "hush-hush")
    assert PostgresConnection("user=ocs").name == "postgresql://ocs@other:5432/ocs"


def test_a_server_that_is_not_there_is_told_by_its_address(tmp_path):
    connection = PostgresConnection(f"host={tmp_path} user=ocs dbname=feeds")
    with pytest.raises(DatabaseAwayError, match=f"ocs@{tmp_path}:5432/feeds does not answer"):
        connection.open()
    with pytest.raises(DatabaseAwayError, match="has ended the connection"), connection.answering():
        pass


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        (errors.InsufficientPrivilege, "the right to create tables"),
        (errors.DiskFull, "make room"),
        (errors.ReadOnlySqlTransaction, "the primary"),
        (errors.LockNotAvailable, "refuses: no$"),
    ],
)
def test_a_refusal_is_told_with_the_next_step(kind, advice):
    connection = PostgresConnection("host=db user=ocs")
    with pytest.raises(DatabaseAwayError, match=advice), connection._errors():
        raise kind("no")


def test_the_reason_of_a_refusal_is_one_line():
    assert reason_of(psycopg.DataError("bad\n value")) == "bad value"
