select
    cause,
    fire_year,
    count(*) as fires,
    {{ total_acres() }} as acres
from {{ ref('stg_fires') }}
group by cause, fire_year
