-- As many rows in the source and in staging as the manifest of the run says. Gives what differs.
with counted as (
    select 'fires' as name, count(*) as rows from {{ source('lake', 'fires') }}
    union all
    select 'stg_fires', count(*) from {{ ref('stg_fires') }}
)
select counted.name, counted.rows, run.rows as rows_of_the_manifest
from counted
cross join {{ ref('report_run') }} as run
where counted.rows <> run.rows
