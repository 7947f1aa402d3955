"""`hymio bench`: measures Hymio on this machine and compares each figure with a yardstick measured in the same run.

Its programs import this package before each run, so it imports nothing itself; `command` has the command.
"""
