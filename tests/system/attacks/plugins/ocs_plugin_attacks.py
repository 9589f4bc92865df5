agents = {"Dome": "dome.py"}
