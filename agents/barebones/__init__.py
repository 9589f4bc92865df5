"""The smallest agent that has one of everything, to start a new one from."""
