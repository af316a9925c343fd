"""What must hold where data changes hands: three suites of literal promises, and the gate that checks them.

`landed.yml`, `features.yml` and `published.yml` are the promises; `gate` holds frames against them; `report`
shows what was found. Frames in, verdicts out: no database, no lake, no clock.
"""
