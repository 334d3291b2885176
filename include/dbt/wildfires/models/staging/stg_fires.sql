-- A table, not a view: the source's table is dropped and made anew by every load, and takes its views with it.
select
    fod_id,
    fire_name,
    fire_year::integer as fire_year,
    {{ date_of_julian_day('discovery_date') }} as discovered_on,
    extract(month from {{ date_of_julian_day('discovery_date') }})::integer as discovery_month,
    {{ date_of_julian_day('cont_date') }} as contained_on,
    {{ date_of_julian_day('cont_date') }} - {{ date_of_julian_day('discovery_date') }} as days_to_containment,
    stat_cause_descr as cause,
    fire_size as acres,
    fire_size_class as size_class,
    state
from {{ source('lake', 'fires') }}
