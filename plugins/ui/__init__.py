"""The page "Segments · 客户细分" inside the Airflow UI: what is published, and what a failed day broke."""
