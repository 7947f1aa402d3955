"""Rows of the set-up and of credentials: insert, update, select. `hymio.manage` alone calls it and has the rules."""
