"""The broker's configuration files."""

from pathlib import Path

from tradewind_local import broker_config


def test_the_brokers_files_name_its_ports_and_folders(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    files = broker_config.write(tmp_path / "data", tmp_path / "logs", 1111, 2222)
    lines = files.server.read_text().splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:1111,CONTROLLER://127.0.0.1:2222" in lines
    assert f"log.dirs={tmp_path / 'data'}/records" in lines
    assert "auto.create.topics.enable=false" in lines
    assert f"appender.file.fileName={tmp_path / 'logs'}/kafka.log" in files.log4j.read_text().splitlines()
