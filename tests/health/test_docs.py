"""docs/health.md lists every metric as the registry has it."""

from pathlib import Path

from health.metrics.registry import all_metrics

PAGE = Path(__file__).resolve().parent.parent.parent / "docs/health.md"


def metric_table():
    """Return the table as the page must have it."""
    rows = [
        "| metric | unit | parameters | scope | what it is; when it is unknown |",
        "| --- | --- | --- | --- | --- |",
    ]
    for metric in sorted(all_metrics(), key=lambda m: (m.family, m.key)):
        params = ", ".join(
            f"`{p.key}`" + (f" ({p.default})" if isinstance(p.default, int) else "") for p in metric.parameters
        )
        rows.append(
            f"| {metric.family}: {metric.label} `{metric.key}` | {metric.unit or '–'} | {params or '–'}"
            f" | {', '.join(sorted(metric.scopes)) or '–'} | {metric.description} Unknown: {metric.absence} |"
        )
    return "\n".join(rows)


def test_every_metric_is_in_the_docs_as_it_is():
    assert metric_table() in PAGE.read_text()
