"""Search: a portfolio of strategies that propose cases, and what they found."""
