"""Commands to an existing run: cancel, retry, another priority.

Each command is one transaction that holds the lock of the run's row, so that of two commands, or of a command and the
scheduler, one comes first and the other sees what it did. Each may be repeated.
"""
