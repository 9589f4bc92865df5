"""Names of tables and columns."""

from ocsd.export.databases.postgres.catalogue import (
    MOST_COLUMNS,
    FieldCatalogue,
    FieldKey,
    TableColumn,
)
from ocsd.journal.kinds import Kind


def key(field, kind=Kind.FLOAT, agent="observatory.fake-data1", feed="temps"):
    return FieldKey(agent, feed, field, kind)


def test_names_need_no_quotes_in_sql():
    catalogue = FieldCatalogue({}, {})
    column = catalogue.add(key("Channel_01"))
    assert column == TableColumn("fake_data1_temps", "channel_01", Kind.FLOAT)
    assert catalogue.find(key("Channel_01")) == column
    assert catalogue.add(key("4K stage")).name == "_4k_stage"


def test_names_that_would_be_the_same_get_numbers():
    catalogue = FieldCatalogue({}, {}, ["bath_levels"])
    assert [catalogue.add(key(name)).name for name in ("a", "A", "á", "time")] == [
        "a",
        "a_float",
        "_",
        "time_float",
    ]
    assert catalogue.add(key("a", agent="observatory.fake_data1")).table == "fake_data1_temps_2"
    assert catalogue.add(key("a", agent="x.bath", feed="levels")).table == "bath_levels_2"
    assert catalogue.add(key("a", agent="x.ocs", feed="fields")).table == "ocs_fields_2"


def test_a_field_of_another_type_has_another_column():
    catalogue = FieldCatalogue({}, {})
    kinds = (Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.TEXT)
    names = [catalogue.add(key("n", kind)).name for kind in kinds]
    assert names == ["n", "n_float", "n_bool", "n_text"]


def test_long_names_are_cut():
    catalogue = FieldCatalogue({}, {})
    columns = [catalogue.add(key("x" * 200 + end, feed="f" * 200)) for end in ("1", "2", "3")]
    assert [len(column.name) for column in columns] == [55, 61, 57]
    assert len({column.name for column in columns}) == 3
    assert len(columns[0].table) <= 63


def test_many_fields_are_in_several_tables():
    catalogue = FieldCatalogue({}, {})
    tables = [catalogue.add(key(f"f{number}")).table for number in range(2 * MOST_COLUMNS)]
    assert tables[0] == tables[MOST_COLUMNS - 2] == "fake_data1_temps"
    assert tables[MOST_COLUMNS - 1] == tables[-3] == "fake_data1_temps_2"
    assert tables[-1] == "fake_data1_temps_3"
