agents = {"Faulty": "faulty.py"}
