"""Harm, kind by kind: what each kind counts, and how it is priced. ``models/ledger.py`` puts them together."""
