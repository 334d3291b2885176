-- Only fires whose day of containment is known, about half of them, say how long it took.
select
    size_class,
    count(*) as fires,
    count(days_to_containment) as fires_with_known_duration,
    count(*) filter (where days_to_containment = 0) as contained_the_same_day,
    avg(days_to_containment)::double precision as mean_days,
    percentile_cont(0.5) within group (order by days_to_containment) as median_days,
    percentile_cont(0.9) within group (order by days_to_containment) as ninetieth_percentile_days,
    max(days_to_containment) as longest_days
from {{ ref('stg_fires') }}
group by size_class
