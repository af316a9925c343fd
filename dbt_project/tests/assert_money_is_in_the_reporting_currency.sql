-- a line whose amount has no rate on its day, or in a currency its source's declaration does not speak of
select
    source,
    currency,
    'no rate on the day of the order' as fault,
    min(ordered_on) as first_on,
    count(*) as lines
from {{ ref('stg_order_lines') }}
where net_amount is null
group by source, currency
union all
select
    source,
    currency,
    'not the currency of the source (mixed_currencies)' as fault,
    min(ordered_on) as first_on,
    count(*) as lines
from {{ ref('stg_order_lines') }}
where currency <> '{{ var("currency") }}'
group by source, currency
union all
select
    source,
    null as currency,
    'no rate on the day of the return' as fault,
    min(returned_on) as first_on,
    count(*) as lines
from {{ ref('stg_returns') }}
where amount is null
group by source
