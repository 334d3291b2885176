-- Gives fires that are larger than the smallest of the hundred largest, and are not among them.
select fod_id, acres
from {{ ref('stg_fires') }}
where acres > (select min(acres) from {{ ref('largest_fires') }})
    and fod_id not in (select fod_id from {{ ref('largest_fires') }})
