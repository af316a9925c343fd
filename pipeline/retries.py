"""The one place that says what is tried again: wrong data fails at once, every other fault is retried.

A broken promise, a broken dbt test, a model's wrong SQL or a wrong setting is a ValueError and will be as
wrong the next time; a full disk, a lost connection or a killed process may not be.
"""

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

DEFAULTS = {
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(exception=ValueError, action=RetryAction.FAIL, reason="wrong data, SQL or setting")]
    ),
}
