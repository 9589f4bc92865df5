"""Draws the pictures."""

from tests.unit.web.pictures import main

main()
