"""`ocsd site`: one site file for all hosts. `site` has its commands."""
