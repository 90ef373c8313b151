"""`python -m tradewind_dashboards`: write every dashboard's JSON into monitoring/grafana/dashboards."""

from pathlib import Path

from tradewind_dashboards import agents, airflow, api, grafana, ingestion, kafka, overview, system

FOLDER = Path(__file__).parents[1] / "dashboards"
DASHBOARDS = tuple(module.DASHBOARD for module in (overview, airflow, kafka, api, system, agents, ingestion))


def texts() -> dict[str, str]:
    """Return each file's name and text."""
    return {f"{board.uid.removeprefix('tradewind-')}.json": grafana.render(board) for board in DASHBOARDS}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
