"""Where Airflow finds the plugin: it runs each file of this folder, and the package is hidden from it."""

from tradewind_airflow.plugin import TradewindPlugin

__all__ = ["TradewindPlugin"]
