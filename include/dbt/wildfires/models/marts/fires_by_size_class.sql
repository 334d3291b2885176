select
    size_class,
    count(*) as fires,
    {{ total_acres() }} as acres,
    min(acres) as smallest_acres,
    max(acres) as largest_acres
from {{ ref('stg_fires') }}
group by size_class
