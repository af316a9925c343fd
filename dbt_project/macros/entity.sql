{#
    The canonical entity: the rows of the enabled sources that declare to fill it, under one set of names and types
    (macro entity_columns), each version with the days on which it is known. A source's staging model gives the
    columns it has; the others are null. A column no entity knows is a mistake and stops the build.
#}
{% macro union_of_sources(entity) %}
{%- set columns = {'source': 'varchar'} -%}
{%- do columns.update(entity_columns(entity)) -%}
{%- do columns.update({'known_from_on': 'date', 'known_until_on': 'date'}) -%}
{%- set people = people_columns(columns) if var('enabled_sources') | length > 1 else [] -%}
{%- set identity = ref('stg_identity') if people else none %}
    select
        {%- for name, type in columns.items() %}
        cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    where false
    {%- for source_name in sources_of(entity) %}
    {%- set staged = ref('stg_' ~ source_name ~ '__' ~ entity) %}
    {%- set given = given_columns(staged, columns) %}
    {%- set money = money_columns(entity) if has_foreign_money(source_name) else [] %}
    {%- set sent_currency = "coalesce(staged.currency, '" ~ var('currencies')[source_name] ~ "')"
        if 'currency' in given else "'" ~ var('currencies')[source_name] ~ "'" %}
    union all
    select
        {%- for name, type in columns.items() %}
        {%- if name in people and name in given %}
        coalesce({{ name }}_person.customer_id, '{{ source_name }}:' || cast(staged.{{ name }} as varchar)) as {{ name }}
        {%- elif name in money and name in given %}
        cast(
            case when {{ sent_currency }} = '{{ var("currency") }}' then staged.{{ name }} else staged.{{ name }} * rates.rate end
            as {{ type }}
        ) as {{ name }}
        {%- elif name == 'currency' and money %}
        '{{ var("currency") }}' as currency
        {%- elif name in ('is_excluded', 'is_gift_card') %}
        {#- nobody said so: it is none #}
        coalesce(cast({{ 'staged.' ~ name if name in given else 'null' }} as boolean), false) as {{ name }}
        {%- else %}
        cast({{ 'staged.' ~ name if name in given else 'null' }} as {{ type }}) as {{ name }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ staged }} as staged
    {%- for name in people if name in given %}
    left join {{ identity }} as {{ name }}_person
        on {{ name }}_person.source = '{{ source_name }}'
            and cast(staged.{{ name }} as varchar) = {{ name }}_person.source_customer_id
    {%- endfor %}
    {%- if money %}
    asof left join {{ ref('exchange_rates') }} as rates
        on {{ sent_currency }} = rates.currency
            and rates.reporting_currency = '{{ var("currency") }}'
            and staged.{{ money_day(entity) }} >= rates.valid_from_on
    {%- endif %}
    {%- endfor %}
{% endmacro %}

{# Money of an entity that is told in the reporting currency, and the day whose rate turns it into that. #}
{% macro money_columns(entity) -%}
    {{ return({
        'orders': ['list_amount', 'discount_amount', 'shipping_fee', 'net_amount'],
        'order_lines': ['list_amount', 'discount_amount', 'net_amount', 'cost_amount'],
        'returns': ['amount'],
    }.get(entity, [])) }}
{%- endmacro %}

{% macro money_day(entity) -%}
    {{ return('returned_on' if entity == 'returns' else 'ordered_on') }}
{%- endmacro %}

{# Whether amounts of a source can be in another currency than the reporting one; if not, nothing is looked up. #}
{% macro has_foreign_money(source_name) -%}
    {{ return(var('currencies')[source_name] != var('currency') or source_name in var('mixed_currencies')) }}
{%- endmacro %}

{# The enabled sources with an extract that fills the entity, as their declarations say. #}
{% macro sources_of(entity) -%}
    {%- set found = [] -%}
    {%- for filling in var('fills').get(entity, []) if filling[0] not in found -%}
        {%- do found.append(filling[0]) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#
    The columns a staged model has. While nothing is built (parsing, docs, linting) there is no table to ask, and the
    answer is none.
#}
{% macro given_columns(relation, known) -%}
    {%- set given = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- if column.name not in known -%}
                {{ exceptions.raise_compiler_error(
                    relation.identifier ~ " has a column " ~ column.name ~ " its entity does not know; known: "
                    ~ known.keys() | join(', ')
                ) }}
            {%- endif -%}
            {%- do given.append(column.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(given) }}
{%- endmacro %}

{# The columns of an entity that name a customer. #}
{% macro people_columns(columns) -%}
    {{ return(columns.keys() | select('in', ['customer_id', 'referrer_id', 'referee_id']) | list) }}
{%- endmacro %}

{#
    The type of customer, order, line and product ids inside staging and features. Grouping 10M lines by a number takes
    less than half the time of grouping them by text, so ids stay numbers while the one enabled source numbers
    them (numbered_ids of its declaration). Ids of several sources are text, for the source's name stands before them.
    customer_features always gives text.
#}
{% macro id_type() -%}
    {{ return('bigint' if var('enabled_sources') == var('numbered_sources') and var('enabled_sources') | length == 1 else 'varchar') }}
{%- endmacro %}

{# Text as sent, without the blanks around it; nothing but blanks is nothing. #}
{% macro text(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}

{#
    A code in one spelling: without the blanks around it, in small letters, and in half width, as Chinese keyboards also
    write Latin letters and digits in full width. The loader accepts a declared value in any of these spellings
    (spelt_alike in plugins/storage/reading/row_checks.py), so a column with `values` is read by this.
#}
{% macro code(column) -%}
    {%- set full = [] -%}
    {%- set half = [] -%}
    {%- for number in range(33, 127) -%}
        {%- do full.append('%c' | format(number + 65248)) -%}
        {%- do half.append('%c' | format(number)) -%}
    {%- endfor -%}
    {%- set wide_blanks = "\u3000\u00a0" -%}
    lower(nullif(trim(
        translate(nfc_normalize({{ column }}), '{{ full | join }}{{ wide_blanks }}', '{{ half | join | replace("'", "''") }}  '),
        ' ' || chr(9) || chr(10) || chr(13)
    ), ''))
{%- endmacro %}
