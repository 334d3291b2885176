-- A Julian day read wrongly is off by a day or by centuries: day, year and day of the year must agree, and no fire
-- is contained before it is discovered. Gives the fires that disagree.
select stg.fod_id, stg.discovered_on, stg.fire_year, fires.discovery_doy, stg.contained_on
from {{ ref('stg_fires') }} as stg
inner join {{ source('lake', 'fires') }} as fires on fires.fod_id = stg.fod_id
where extract(year from stg.discovered_on) <> stg.fire_year
    or extract(doy from stg.discovered_on) <> fires.discovery_doy
    or stg.days_to_containment < 0
