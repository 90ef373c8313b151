"""From the event topic to DAG runs: what runs in the triggerer. Delivery: at least once, on ids that are unique."""
