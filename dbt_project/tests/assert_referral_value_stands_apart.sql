-- What referrals are worth is told beside what customers bought, and is in none of it: the money of the groups of
-- referral is that of all customers without it, both copies of it agree, and no row says it may be added.
with

customers as (
    select
        sum(net_w) as net_w,
        sum(crv) as crv
    from {{ ref('customer_360') }}
),

groups as (
    select sum(net_w) as net_w
    from {{ ref('segment_profile') }}
    where scheme = 'referral'
),

referrers as (
    select
        sum(crv) as crv,
        count(*) filter (where additive) as added
    from {{ ref('referral') }}
)

select
    customers.net_w,
    groups.net_w as net_of_groups,
    customers.crv,
    referrers.crv as crv_of_referrers,
    referrers.added
from customers
cross join groups
cross join referrers
where
    coalesce(customers.net_w, 0) <> coalesce(groups.net_w, 0)
    or customers.crv is distinct from referrers.crv
    or referrers.added > 0
