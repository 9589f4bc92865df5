agents = {"Lamp": "lamp.py"}
