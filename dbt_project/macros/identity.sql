{#
    Who is who in several sources. Rule by rule, the strongest first, and pair by pair of sources, two customers are one
    person when they share a value that no other customer of either source has. A person holds at most one
    customer of a source: a link that would make it two is refused. A value missing on either side links nobody.

    Leaves the CTEs `people_<n>` (one row per source and customer, with its person) and, per step, `found_<i>`
    (one row per shared value: what became of it). Returns the number of steps.
#}
{% macro identity_steps() -%}
    {%- set steps = [] -%}
    {%- set sources = sources_of('customers') -%}
    {%- for rule in var('identity') -%}
        {%- for i in range(sources | length) -%}
            {%- for j in range(i + 1, sources | length) -%}
                {%- do steps.append({'rule': rule, 'source': sources[i], 'other': sources[j]}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(steps) }}
{%- endmacro %}

{% macro identity_ctes() -%}
{%- set rules = ['phone_hash', 'email_hash', 'crm_id'] -%}
people_0 as materialized (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as source_customer_id,
        {%- for rule in rules %}
        cast(null as varchar) as {{ rule }},
        {%- endfor %}
        cast(null as varchar) as person
    where false
    {%- for source_name in sources_of('customers') if var('enabled_sources') | length > 1 %}
    {%- set staged = ref('stg_' ~ source_name ~ '__customers') %}
    {%- set given = given_columns(staged, entity_columns('customers').keys() | list + ['source', 'known_from_on', 'known_until_on']) %}
    union all
    select
        '{{ source_name }}' as source,
        cast(customer_id as varchar) as source_customer_id,
        {%- for rule in rules %}
        {{ 'cast(' ~ rule ~ ' as varchar)' if rule in given else 'null' }} as {{ rule }},
        {%- endfor %}
        '{{ source_name }}:' || cast(customer_id as varchar) as person
    from {{ staged }}
    where customer_id is not null
        and known_from_on <= cast('{{ var("known_on") }}' as date)
        and cast('{{ var("known_on") }}' as date) < known_until_on
    {%- endfor %}
)
{%- for step in identity_steps() %}
{%- set before = 'people_' ~ loop.index0 %},

found_{{ loop.index }} as materialized (
    select
        {{ step.rule }} as shared_value,
        count(*) filter (where source = '{{ step.source }}') = 1
        and count(*) filter (where source = '{{ step.other }}') = 1 as is_unique,
        min(person) filter (where source = '{{ step.source }}') as person,
        min(person) filter (where source = '{{ step.other }}') as other_person
    from {{ before }}
    where {{ step.rule }} is not null and source in ('{{ step.source }}', '{{ step.other }}')
    group by {{ step.rule }}
    having count(distinct source) = 2
),

refused_{{ loop.index }} as materialized (
    select found.shared_value
    from found_{{ loop.index }} as found
    inner join {{ before }} as members on found.person = members.person
    inner join {{ before }} as other_members
        on found.other_person = other_members.person and members.source = other_members.source
    where found.is_unique and found.person <> found.other_person
    group by found.shared_value
),

people_{{ loop.index }} as materialized (
    select
        people.source,
        people.source_customer_id,
        {%- for rule in rules %}
        people.{{ rule }},
        {%- endfor %}
        coalesce(found.person, people.person) as person
    from {{ before }} as people
    left join (
        select * from found_{{ loop.index }}
        where is_unique and shared_value not in (select shared_value from refused_{{ loop.index }})
    ) as found
        on people.person = found.other_person
)
{%- endfor %}
{%- endmacro %}
