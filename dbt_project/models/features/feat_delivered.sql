with

as_of_dates as (
    {{ as_of_dates() }}
),

arrivals as (
    select * from {{ ref('stg_arrivals') }}
),

delivered as (
    select
        as_of_dates.as_of,
        {%- for entity in ['customers', 'products', 'returns', 'feedback', 'survey_responses', 'campaigns', 'coupons'] %}
        coalesce(bool_or(arrivals.entity = '{{ entity }}'), false) as has_{{ entity }}{{ ',' if not loop.last }}
        {%- endfor %}
    from as_of_dates
    left join arrivals on arrivals.first_delivered_on <= as_of_dates.known_on
    group by as_of_dates.as_of
)

select * from delivered
