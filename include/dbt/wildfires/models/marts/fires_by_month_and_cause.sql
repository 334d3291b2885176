select
    discovery_month,
    cause,
    count(*) as fires,
    {{ total_acres() }} as acres
from {{ ref('stg_fires') }}
group by discovery_month, cause
