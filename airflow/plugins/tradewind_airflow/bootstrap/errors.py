"""The error that ends the bootstrap."""


class BootstrapError(Exception):
    """Airflow cannot be prepared; the message is one line, without a secret."""
