"""Prepares an Airflow in containers (`python -m tradewind_airflow.bootstrap`), and checks its health.

Nothing is imported here: the health check starts a new process every few seconds.
"""
