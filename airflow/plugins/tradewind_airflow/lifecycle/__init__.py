"""From DAG runs to the status topic: what runs in the triggerer. Delivery: at least once, in order for each run."""
