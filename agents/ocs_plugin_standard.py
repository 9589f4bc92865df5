"""The agent classes of this folder: name of the class, path of its file."""

agents = [
    ("ArduinoAgent", "arduino/agent.py"),
    ("BarebonesAgent", "barebones/agent.py"),
    ("FakeDataAgent", "fake_data/agent.py"),
]
