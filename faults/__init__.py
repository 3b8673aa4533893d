"""WHAT goes wrong. One file, one fault; the folder listing is the register."""
