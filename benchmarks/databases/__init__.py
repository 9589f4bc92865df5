"""The writers to databases: at their limit, beside OCS's publisher, and over an outage."""
