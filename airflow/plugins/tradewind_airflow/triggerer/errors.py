"""What can go wrong for a trigger, by what it takes to go on."""


class UnreachableError(Exception):
    """Nothing was learnt: ask again later. The message says what to look at."""


class LoginError(Exception):
    """Airflow does not let us in: somebody has to mend its connection or its user's role."""


class ConfigurationError(ValueError):
    """The work cannot be done as it is configured; somebody has to change it."""
