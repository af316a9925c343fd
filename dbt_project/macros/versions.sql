{#
    One row per raw row whose key was sent more than once, with its verdict. All other rows are the only ones of
    their key and never come here: sorting everything to find few repeats would cost more than all features.

    Which row of a key is seen on a day k: of the rows delivered until k the one with the greatest load column, then
    the latest delivery, then the greatest content hash; never the file's name, the position in it or the reading order.
    known_from_on   first k on which this row is the one seen; null when it never is
    known_until_on  first k on which another row is; 9999-12-31 when it is the last
    verdict         accepted | superseded (another row is the one seen now) | duplicate (sent before with this content)
#}
{% macro repeated_rows(source_name, extract) %}
    {%- set rows = ref('raw_' ~ source_name ~ '__' ~ extract) -%}
    {%- set columns = declared_columns(source_name, extract) -%}
    {%- set key = declared(source_name, extract, 'key') -%}
    {%- if declared(source_name, extract, 'delivers') in ('snapshot', 'documents') %}
    {{ judge_replaced_rows(rows, key, columns, declared(source_name, extract, 'document') or []) }}
    {%- else %}
    {{ judge_repeated_rows(
        rows, key_values(source_name, extract), columns, declared(source_name, extract, 'load_column'),
        load_value(source_name, extract)
    ) }}
    {%- endif %}
{% endmacro %}

{# The key as staging reads it: `o1` with a blank behind it is o1, and where orders are whole numbers 07 is 7. #}
{% macro key_values(source_name, extract) -%}
    {%- set of_text = declared(source_name, extract, 'format') != 'parquet' -%}
    {%- set values = [] -%}
    {%- for name in declared(source_name, extract, 'key') -%}
        {%- set type = declared_extract(source_name, extract).columns.get(name, {}).get('data_type') or 'varchar' -%}
        {%- if type == 'bigint' and of_text -%}
            {%- do values.append('cast(' ~ text(name) ~ ' as bigint)') -%}
        {%- else -%}
            {%- do values.append(text(name) if type == 'varchar' else name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro %}

{# The load column in its type, by which of two rows the newer is told. #}
{% macro load_value(source_name, extract) -%}
    {%- set name = declared(source_name, extract, 'load_column') -%}
    {%- set column = declared_extract(source_name, extract).columns.get(name, {}) -%}
    {{ sent_date('raw_rows.' ~ name, source_name, extract, column.get('data_type') or 'varchar') }}
{%- endmacro %}

{% macro judge_repeated_rows(rows, key, columns, load_column=none, load_value='') %}
{%- set key_list = key | join(', ') -%}
{%- set origin = ['_delivered_on', '_file', '_content', '_record'] -%}
{%- set kept = (columns + origin) | join(', ') -%}
with

-- no CTE for the raw rows: named twice, it would be held in memory whole
repeated_keys as (
    select
        {% for value in key -%}
        {{ value }} as key_{{ loop.index }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ rows }}
    group by all
    having count(*) > 1
),

repeated as (
    select
        {% for column in columns + origin -%}
        raw_rows.{{ column }},
        {% endfor -%}
        {% if load_column -%}
        {{ load_value }} as load_value,
        {%- else -%}
        cast(null as integer) as load_value,
        {%- endif %}
        md5(concat_ws(
            chr(31)
            {%- for column in columns %},
            coalesce(cast(raw_rows.{{ column }} as varchar), chr(30))
            {%- endfor %}
        )) as row_md5
    from {{ rows }} as raw_rows
    inner join repeated_keys
        on {% for value in key -%}
        {{ value }} is not distinct from repeated_keys.key_{{ loop.index }}{{ ' and ' if not loop.last }}
        {%- endfor %}
),

-- the same content twice on one day: file and record only say which of two equal rows is called the copy
copies as (
    select
        *,
        row_number() over (partition by {{ key_list }}, _delivered_on, row_md5 order by _file, _content, _record) as copy_number,
        min(_delivered_on) over (partition by {{ key_list }}, row_md5) as first_sent_on
    from repeated
),

ranked as (
    select
        *,
        row_number() over (
            partition by {{ key_list }} order by load_value nulls first, _delivered_on, row_md5
        ) as precedence
    from copies
    where copy_number = 1
),

contested as (
    select
        *,
        max(precedence) over (
            partition by {{ key_list }} order by _delivered_on range between unbounded preceding and current row
        ) as best_precedence
    from ranked
),

seen as (
    select
        *,
        lag(row_md5) over (partition by {{ key_list }} order by _delivered_on) as replaced_md5
    from contested
    where precedence = best_precedence
),

dated as (
    select
        *,
        _delivered_on as known_from_on,
        coalesce(
            lead(_delivered_on) over (partition by {{ key_list }} order by _delivered_on),
            cast('9999-12-31' as date)
        ) as known_until_on
    from seen
    where row_md5 is distinct from replaced_md5
),

judged as (
    select
        {{ kept }}, known_from_on, known_until_on,
        case when known_until_on = cast('9999-12-31' as date) then 'accepted' else 'superseded' end as verdict
    from dated
    union all
    select
        {{ kept }}, cast(null as date) as known_from_on, cast(null as date) as known_until_on,
        'duplicate' as verdict
    from seen
    where row_md5 is not distinct from replaced_md5
    union all
    select
        {{ kept }}, cast(null as date) as known_from_on, cast(null as date) as known_until_on,
        case when first_sent_on < _delivered_on then 'duplicate' else 'superseded' end as verdict
    from contested
    where precedence <> best_precedence
    union all
    select
        {{ kept }}, cast(null as date) as known_from_on, cast(null as date) as known_until_on,
        'duplicate' as verdict
    from copies
    where copy_number > 1
)

select * from judged
{% endmacro %}

{#
    The same for extracts whose deliveries replace whole documents, or, without `document`, all that came before
    (a snapshot). A file holds whole documents: of two that hold the same one on the same day the one with the greatest
    content hash is seen, and so it is of two files of a snapshot with the same name. Of the rows of one key in what is
    left the one with the smallest hash is seen; a key with _record in it keeps equal rows apart.
#}
{% macro judge_replaced_rows(rows, key, columns, document=[]) %}
{%- set key = whole_key(key) -%}
{%- set key_list = key | join(', ') -%}
{%- set origin = ['_delivered_on', '_file', '_content', '_record'] -%}
{%- set kept = (columns + origin) | join(', ') -%}
{%- set unit = document + ['_delivered_on'] -%}
{%- set sent_as = unit if document else unit + ['_file'] -%}
with

chosen as (
    select {{ sent_as | join(', ') }}, max(_content) as seen_content
    from {{ rows }}
    group by {{ sent_as | join(', ') }}
),

delivery_days as (
    select {{ unit | join(', ') }} from chosen group by {{ unit | join(', ') }}
),

validity as (
    select
        *,
        coalesce(
            lead(_delivered_on) over (
                {% if document %}partition by {{ document | join(', ') }} {% endif %}order by _delivered_on
            ),
            cast('9999-12-31' as date)
        ) as replaced_on
    from delivery_days
),

repeated_keys as (
    select _delivered_on, {{ key_list }} from {{ rows }} group by _delivered_on, {{ key_list }} having count(*) > 1
),

concerned as (
    select
        {% for column in columns + origin -%}
        raw_rows.{{ column }},
        {% endfor -%}
        validity.replaced_on,
        raw_rows._content <> chosen.seen_content as is_passed_over
    from {{ rows }} as raw_rows
    inner join validity
        on raw_rows._delivered_on = validity._delivered_on
        {%- for column in document %}
            and raw_rows.{{ column }} is not distinct from validity.{{ column }}
        {%- endfor %}
    inner join chosen
        on {% for column in sent_as -%}
        raw_rows.{{ column }} is not distinct from chosen.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
    left join repeated_keys
        on raw_rows._delivered_on = repeated_keys._delivered_on
        {%- for column in key %}
            and raw_rows.{{ column }} is not distinct from repeated_keys.{{ column }}
        {%- endfor %}
    where validity.replaced_on < cast('9999-12-31' as date)
        or raw_rows._content <> chosen.seen_content
        or repeated_keys._delivered_on is not null
),

hashed as (
    select
        *,
        md5(concat_ws(
            chr(31)
            {%- for column in columns %},
            coalesce(cast({{ column }} as varchar), chr(30))
            {%- endfor %}
        )) as row_md5
    from concerned
),

ranked as (
    select
        *,
        row_number() over (
            partition by _delivered_on, {{ key_list }} order by is_passed_over, row_md5, _file, _content, _record
        ) as precedence,
        first_value(row_md5) over (
            partition by _delivered_on, {{ key_list }} order by is_passed_over, row_md5, _file, _content, _record
        ) as seen_md5
    from hashed
),

judged as (
    select
        {{ kept }},
        case when precedence = 1 and not is_passed_over then _delivered_on end as known_from_on,
        case when precedence = 1 and not is_passed_over then replaced_on end as known_until_on,
        case
            when precedence > 1 and row_md5 = seen_md5 then 'duplicate'
            when precedence > 1 or is_passed_over or replaced_on < cast('9999-12-31' as date) then 'superseded'
            else 'accepted'
        end as verdict
    from ranked
)

select * from judged
{% endmacro %}

{# A record number means something within its file only. #}
{% macro whole_key(key) -%}
    {{ return(key + ['_content'] if '_record' in key else key) }}
{%- endmacro %}

{#
    One row per version of a key of an extract, with the days on which it is the one known. The join against
    the few repeated keys keeps the rest of the rows streaming.
#}
{% macro versions(source_name, extract) %}
{%- set raw_view = ref('raw_' ~ source_name ~ '__' ~ extract) -%}
{%- set repeated = ref('stg_' ~ source_name ~ '__' ~ extract ~ '_repeated') -%}
{%- set columns = declared_columns(source_name, extract) -%}
{%- set key = declared(source_name, extract, 'key') -%}
{%- set replaces = declared(source_name, extract, 'delivers') in ('snapshot', 'documents') -%}
{%- set delivery_key = whole_key(key) + ['_delivered_on'] if replaces else key -%}
    select
        {% for column in columns -%}
        sent_once.{{ column }},
        {% endfor -%}
        sent_once._content as delivery,
        sent_once._delivered_on as known_from_on,
        cast('9999-12-31' as date) as known_until_on
    from {{ raw_view }} as sent_once
    anti join {{ repeated }} as sent_again
        on {% for column in delivery_key -%}
        sent_once.{{ column }} is not distinct from sent_again.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
    union all
    select
        {{ columns | join(', ') }},
        _content as delivery,
        known_from_on,
        known_until_on
    from {{ repeated }}
    where known_from_on is not null
{% endmacro %}

{# How many rows of an extract name no customer; none when the extract is not about customers. #}
{% macro anonymous_rows(source_name, extract) -%}
    {%- set customer = declared(source_name, extract, 'customer_column') -%}
    {%- if not customer -%}
        0
    {%- elif declared(source_name, extract, 'format') == 'parquet' -%}
        count(*) - count({{ customer }})
    {%- else -%}
        count(*) - count({{ text(customer) }})
    {%- endif -%}
{%- endmacro %}
