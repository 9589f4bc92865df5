"""The two sides of the benchmark of supervision, and the observer that watches both."""
