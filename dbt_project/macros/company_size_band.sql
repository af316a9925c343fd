{# A head count in the bands 1-9, 10-49, 50-249 and 250+ of official statistics; a band the source tells stays as it is. #}
{% macro company_size_band(size) -%}
    case
        when try_cast({{ size }} as bigint) is null then {{ size }}
        when cast({{ size }} as bigint) < 10 then '1-9'
        when cast({{ size }} as bigint) < 50 then '10-49'
        when cast({{ size }} as bigint) < 250 then '50-249'
        else '250+'
    end
{%- endmacro %}
