import json
from pathlib import Path

from tradewind_airflow.bootstrap import connections
from tradewind_airflow.bootstrap.settings import Settings


def test_the_connections_of_the_dags(folder: Path) -> None:
    (folder / "kafka_client_config").write_text('{"security.protocol": "SASL_SSL", "bootstrap.servers": "another:1"}')
    kafka, airflow = connections.specs(Settings.read())
    assert (kafka.conn_id, kafka.conn_type) == ("tradewind_kafka", "kafka")
    assert json.loads(kafka.extra or "") == {"security.protocol": "SASL_SSL", "bootstrap.servers": "kafka:19092"}
    assert (airflow.conn_id, airflow.conn_type, airflow.login) == ("tradewind_airflow", "http", "ingest")
    assert (airflow.host, airflow.port) == ("http://airflow-apiserver", 8080)
    assert airflow.password == "ingest's own secret"
