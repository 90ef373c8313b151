"""What makes an Airflow in containers ready (`python -m tradewind_airflow.bootstrap`), and tells whether it is healthy.

Nothing is imported here: the health check is a new process every few seconds.
"""
