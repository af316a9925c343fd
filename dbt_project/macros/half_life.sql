{#
    How much an opinion of so many days ago still counts: 1 today, half of it every half_life_days. In millionths, a whole
    number, so that sums do not depend on the order of the rows; an opinion never loses its last millionth, as one of long
    ago is still all there is where no other was given.
#}
{% macro half_life_weight(age_days) -%}
    cast(greatest(round(pow(2, -(({{ age_days }}) / {{ var('half_life_days') }}.0)) * 1000000), 1) as bigint)
{%- endmacro %}
