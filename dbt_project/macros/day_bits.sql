{#
    Distinct days of up to 126, kept as one whole number: bit n is the day n days before as_of. bit_or of such numbers
    adds days up exactly, over products, features or channels in any order, so that events are read once and
    counting distinct days needs no row per day.
#}
{% macro day_bit(age_days, days) -%}
    case when {{ age_days }} between 1 and {{ days }} then cast(1 as hugeint) << {{ age_days }} end
{%- endmacro %}

{# How many of the last `days` days are among the bits; 0 for none. #}
{% macro days_among(bits, days) -%}
    cast(coalesce(bit_count({{ bits }} & ((cast(1 as hugeint) << {{ days + 1 }}) - 2)), 0) as bigint)
{%- endmacro %}
