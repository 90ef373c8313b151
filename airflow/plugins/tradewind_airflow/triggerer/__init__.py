"""What Tradewind's triggers share: a thread of their own, and the way to Airflow's API server and to Kafka."""
