-- customers and their life's net: as many and as much shown as features hold
select features.*
from {{ ref('reconciliation') }} as features
inner join {{ ref('reconciliation') }} as shown on shown.layer = 'published'
where features.layer = 'customer_features'
    and (features.rows <> shown.rows or features.amount <> shown.amount)
