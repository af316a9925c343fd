"""How customers are judged. Frames in, frames out: no database, no files, no clock.

`schemes.SCHEMES` lists what is judged each day; `cutpoints` holds what the judgements compare with. Tables
are built elsewhere, in the folder models of the dbt project; neither knows the other.
"""
