"""Metrics: numbers about accounts, each with a unit, parameters and a scope, as of any time.

    use = clean_use({"metric": "active_contacts", "params": {"days": 7}, "scope": {"role": "champion"}})
    metric_sql(use, live=True)             SQL: id, value, fresh over all accounts
    read_values([use, …], accounts, …)     many metrics at once, in one statement

registry.py says what a metric is and is pure; query.py turns metrics into SQL; values.py runs it;
the other files hold the metrics, by family. HealthConfig.ready() registers them (families.py).
docs/health.md lists every metric.
"""
