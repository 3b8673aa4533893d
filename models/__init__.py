"""WHAT a venue is: its parts, its runbooks, its laws."""
