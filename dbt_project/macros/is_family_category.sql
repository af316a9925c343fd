{# Whether a product is one of those marked family in the seed family_categories: its category, or its category and use. #}
{% macro is_family_category(category, use) -%}
    coalesce(
        {{ code(category) }} in (select category from {{ ref('family_categories') }} where category_use = 'any')
        or {{ code(category) }} || '/' || {{ code(use) }} in (
            select category || '/' || category_use from {{ ref('family_categories') }} where category_use <> 'any'
        ),
        false
    )
{%- endmacro %}
