"""Errors of the triggers' work, by what it takes to recover."""


class UnreachableError(Exception):
    """The request has no usable response: retry later. The message says what to check."""


class LoginError(Exception):
    """Airflow refuses the user: its connection or the user's role has to be corrected."""


class ConfigurationError(ValueError):
    """The configuration is invalid and has to be changed."""
