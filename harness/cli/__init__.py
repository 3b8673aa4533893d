"""The command line: ``main`` catches everything, ``commands`` lists, one module a command does."""
