"""Tests run the way the DAGs do: the repository root and plugins/ on the path, no telemetry."""

import os

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("SEGMENTATION_HASH_KEY", "for tests only, known to everybody")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
