select * from {{ source('online_retail', 'invoice_lines') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
