"""The rules of field names, values and tags, as authors call them by OCS's names."""

from collections.abc import Mapping
from typing import Any

from ocsd.agent.feeds import message as rules


class FieldChecks:
    """Functions of `Feed` for authors who check their data themselves."""

    @staticmethod
    def verify_influxdb_tags(message: Mapping[str, Any]) -> None:
        """Refuse database tags that do not fit the message's fields.

        Raises
        ------
        ValueError
            If a set of tags has no ``_field``, or fields and tags do not correspond.
        """
        if message.get("influxdb_tags") is not None:
            rules.check_tags(message["influxdb_tags"], message["data"])

    @staticmethod
    def verify_message_data_type(value: Any) -> None:
        """Refuse a value, or a list of values, that cannot be recorded.

        Raises
        ------
        TypeError
            If there is anything but float, int, str and bool.
        """
        if not isinstance(value, (list, tuple)) and not getattr(value, "shape", ()):
            value = [value]
        rules.checked_column("message 'data' block", value)

    @staticmethod
    def verify_data_field_string(field: str) -> bool:
        """Refuse a field name that cannot be recorded.

        Raises
        ------
        ValueError
            If the name breaks a rule.
        """
        rules.check_field_name(field)
        return True

    @staticmethod
    def enforce_field_name_rules(field_name: str) -> str:
        """Return a valid field name as near to `field_name` as possible."""
        return rules.valid_field_name(field_name)
