"""What stops the bootstrap."""


class BootstrapError(Exception):
    """Airflow cannot be made ready; the message says why in one line, without a secret."""
