-- The NWCG's size classes by acres. Gives fires whose class is another than their acres make it.
select fod_id, acres, size_class
from {{ ref('stg_fires') }}
where size_class <> case
    when acres <= 0.25 then 'A'
    when acres < 10 then 'B'
    when acres < 100 then 'C'
    when acres < 300 then 'D'
    when acres < 1000 then 'E'
    when acres < 5000 then 'F'
    else 'G'
end
