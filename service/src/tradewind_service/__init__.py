"""What Tradewind's services share at their edges: HTTP answers and guards, Kafka clients, the log-in to Airflow."""
