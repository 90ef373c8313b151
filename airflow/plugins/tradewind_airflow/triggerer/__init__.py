"""Shared by Tradewind's triggers: their worker thread, and access to Airflow's API server and to Kafka."""
