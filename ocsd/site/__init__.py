"""The site file: what it says, where it says it, and which code an agent class is."""
