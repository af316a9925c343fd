{#
    Field → [when it is filled, whose it is to fill]. A company has no gender and a person no industry: who cannot fill
    a field is not counted as leaving it empty.
#}
{%- set person = "customer_kind is distinct from 'company'" %}
{%- set company = "customer_kind = 'company'" %}
{%- set fields = {
    'gender': ['gender is not null', person],
    'age': ['birth_on is not null or age is not null or age_band is not null', person],
    'income_band': ['income_band is not null', person],
    'occupation': ['occupation is not null', person],
    'education': ['education is not null', person],
    'family_size': ['family_size is not null', person],
    'customer_kind': ['customer_kind is not null', 'true'],
    'industry': ['industry is not null', company],
    'company_size': ['company_size is not null', company],
    'city': ['city is not null', 'true'],
    'phone': ['phone_hash is not null', 'true'],
    'email': ['email_hash is not null', 'true'],
    'consent_marketing': ['consent_marketing is not null', 'true'],
    'consent_personalisation': ['consent_personalisation is not null', 'true'],
    'account_owner': ['account_owner is not null', 'true'],
    'updated_on': ['updated_on is not null', 'true'],
} %}

with

as_of_dates as (
    {{ as_of_dates() }}
),

profiles as (
    select
        as_of_dates.as_of,
        customers.*
    from {{ ref('stg_customers') }} as customers
    inner join as_of_dates on {{ is_known('customers', 'as_of_dates') }}
    where customers.created_on is null or customers.created_on < as_of_dates.as_of
),

-- who has no owner is none's
owners as (
    select
        as_of,
        source,
        coalesce(account_owner, 'none') as account_owner,
        {%- for field, (filled, whose) in fields.items() %}
        count(*) filter (where {{ whose }}) as {{ field }}_customers,
        count(*) filter (where ({{ whose }}) and ({{ filled }})) as {{ field }}_filled,
        {%- endfor %}
        count(*) filter (where updated_on < as_of - {{ var('profile_stale_days') }}) as stale_customers
    from profiles
    group by as_of, source, coalesce(account_owner, 'none')
),

counted as (
    select * from owners
    union all
    select
        as_of,
        source,
        '*' as account_owner,
        {%- for field in fields %}
        cast(sum({{ field }}_customers) as bigint) as {{ field }}_customers,
        cast(sum({{ field }}_filled) as bigint) as {{ field }}_filled,
        {%- endfor %}
        cast(sum(stale_customers) as bigint) as stale_customers
    from owners
    group by as_of, source
),

-- both owners of a conflict have it
conflict_sides as (
    select
        customer_id,
        source,
        account_owner
    from {{ ref('owner_conflicts') }}
    union
    select
        customer_id,
        other_source as source,
        other_owner as account_owner
    from {{ ref('owner_conflicts') }}
),

conflicts as (
    select
        source,
        account_owner,
        count(distinct customer_id) as owner_conflicts
    from conflict_sides
    group by source, account_owner
    union all
    select
        source,
        '*' as account_owner,
        count(distinct customer_id) as owner_conflicts
    from conflict_sides
    group by source
),

fields as (
    {%- for field in fields %}
    select
        as_of,
        source,
        account_owner,
        '{{ field }}' as field,
        {{ field }}_customers as customers,
        {{ field }}_filled as filled,
        {{ 'stale_customers' if field == 'updated_on' else 'cast(null as bigint)' }} as stale_customers
    from counted
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- many who buy never told anything: whoever has no profile at all is in no source's fields
people as (
    select
        customers.as_of,
        '*' as source,
        '*' as account_owner,
        'profile' as field,
        count(*) as customers,
        count(profiles.customer_id) as filled,
        cast(null as bigint) as stale_customers
    from {{ ref('feat_customer') }} as customers
    left join {{ ref('feat_profile') }} as profiles
        on customers.as_of = profiles.as_of and customers.customer_id = profiles.customer_id
    group by customers.as_of
),

health as (
    select
        fields.*,
        case when fields.field = 'account_owner' then coalesce(conflicts.owner_conflicts, 0) end as owner_conflicts
    from fields
    left join conflicts
        on fields.source = conflicts.source and fields.account_owner = conflicts.account_owner
    union all
    select
        *,
        cast(null as bigint) as owner_conflicts
    from people
)

select * from health
