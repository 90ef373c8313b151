"""The facade: one REST API that triggers, follows and lists the workflows of Airflow and LangGraph."""

from importlib.metadata import version

__version__ = version("tradewind-api")
