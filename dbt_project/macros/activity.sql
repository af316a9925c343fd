{#
    Per as_of and customer of an entity: the last day of an act of the customer's own, and the last day on which something
    about an earlier day became known. That is a row delivered later than the day after its act, or one that took another's
    place, or that is not there any more. A source that sends everything again each time (a snapshot) says
    nothing of what is new in it: of its rows none counts as late.
#}
{% macro acts_per_customer(entity, customer, day, is_act) -%}
    select
        as_of_dates.as_of,
        acts.{{ customer }} as customer_id,
        max(acts.acted_on) filter (where acts.is_act and {{ is_known('acts', 'as_of_dates') }}) as last_event_on,
        max(case
            when acts.source in ({{ text_list(sources_that_resend(entity)) }}) then null
            when acts.known_until_on <= as_of_dates.known_on then acts.known_until_on
            when {{ is_late('acts.acted_on', 'acts.known_from_on') }} then acts.known_from_on
        end) as last_late_on
    from (
        select
            source,
            {{ customer }},
            {{ day }} as acted_on,
            {{ is_act }} as is_act,
            known_from_on,
            known_until_on
        from {{ ref('stg_' ~ entity) }}
        where {{ customer }} is not null
    ) as acts
    inner join as_of_dates
        on acts.known_from_on <= as_of_dates.known_on and coalesce(acts.acted_on < as_of_dates.as_of, true)
    group by as_of_dates.as_of, acts.{{ customer }}
{%- endmacro %}

{# Whether a row came later than the day after what it tells of; a row that tells of no day is told when it comes. #}
{% macro is_late(day, known_from_on) -%}
    coalesce({{ day }}, cast('0001-01-01' as date)) < {{ known_from_on }} - 1
{%- endmacro %}

{# The sources whose deliveries of an entity hold all there is, each time. #}
{% macro sources_that_resend(entity) -%}
    {{ return(var('resent').get(entity, [])) }}
{%- endmacro %}

{# Texts as an SQL list that is never empty: `in ()` is no SQL. #}
{% macro text_list(texts) -%}
    ''{% for each in texts %}, '{{ each }}'{% endfor %}
{%- endmacro %}
