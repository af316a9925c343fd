{%- set traits = [
    'product_name', 'category', 'category_function', 'category_use', 'department', 'brand', 'package_size', 'material', 'origin',
    'tier', 'is_smart', 'is_green', 'is_gift_card', 'launched_on', 'list_price',
] %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

-- every version ever known by then, also those a later delivery replaced: they are the history
told as (
    select
        as_of_dates.as_of,
        products.*,
        -- of a catalogue that came after the day nobody knows more than that it was so then
        coalesce(products.valid_from_on, least(products.known_from_on, as_of_dates.as_of - 1)) as from_on,
        case when products.valid_from_on is null then 'delivery' else 'source' end as validity_basis
    from {{ ref('stg_products') }} as products
    inner join as_of_dates
        on products.known_from_on <= as_of_dates.known_on
            and coalesce(products.valid_from_on < as_of_dates.as_of, true)
),

-- what was told last of the same first day corrects what was told before
corrected as (
    select *
    from told
    qualify row_number() over (
            partition by as_of, source, product_id, from_on order by known_from_on desc
        ) = 1
),

compared as (
    select
        *,
        (
            row_number() over versions = 1
            {%- for trait in traits %}
            or ({{ trait }} is distinct from lag({{ trait }}) over versions)
            {%- endfor %}
        ) as is_new
    from corrected
    window versions as (partition by as_of, source, product_id order by from_on)
),

numbered as (
    select
        *,
        sum(cast(is_new as integer)) over (
            partition by as_of, source, product_id order by from_on rows between unbounded preceding and current row
        ) as version
    from compared
),

-- deliveries that repeat what was known make no version; all rows of one agree, so any of their values is the value
versions as (
    select
        as_of,
        source,
        product_id,
        version,
        {%- for trait in traits %}
        any_value({{ trait }}) as {{ trait }},
        {%- endfor %}
        min(from_on) as valid_from_on,
        max(coalesce(valid_to_on, date '9999-12-31')) as told_until_on,
        min(validity_basis) as validity_basis
    from numbered
    group by as_of, source, product_id, version
),

periods as (
    select
        * exclude (told_until_on),
        least(
            told_until_on,
            coalesce(
                lead(valid_from_on) over (partition by as_of, source, product_id order by valid_from_on) - 1,
                date '9999-12-31'
            )
        ) as valid_to_on
    from versions
)

select
    *,
    as_of - 1 between valid_from_on and valid_to_on as is_current
from periods
