-- rows in = accepted + duplicate + superseded + anonymous + quarantined, file by file
select *
from {{ ref('row_account') }}
where rows_in <> accepted + duplicate + superseded + anonymous + quarantined
    or accepted < 0
    or anonymous < 0
