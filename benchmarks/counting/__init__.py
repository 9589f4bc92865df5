"""The parts of `benchmarks.exactly_once`."""
