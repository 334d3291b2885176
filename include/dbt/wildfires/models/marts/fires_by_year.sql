select
    fire_year,
    count(*) as fires,
    {{ total_acres() }} as acres,
    max(acres) as largest_acres
from {{ ref('stg_fires') }}
group by fire_year
