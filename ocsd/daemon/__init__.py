"""The daemon of one host: builds the parts, wires them and owns the reactor."""
