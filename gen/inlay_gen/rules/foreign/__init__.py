"""Marks of other tools in the text of a file."""
