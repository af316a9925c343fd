{{ config(enabled='bench' in var('enabled_sources')) }}

select * from {{ source('bench', 'lines') }}
where delivered_on <= cast('{{ var("known_on") }}' as date)
