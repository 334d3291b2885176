-- Of fires of the same size the one with the lower number comes first, so that the list is the same every time.
select
    (row_number() over (order by acres desc, fod_id))::integer as rank,
    fod_id,
    fire_name,
    fire_year,
    state,
    cause,
    acres,
    discovered_on,
    contained_on
from {{ ref('stg_fires') }}
order by rank
limit 100
