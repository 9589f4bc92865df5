"""Voltages from an Arduino on a serial port."""
