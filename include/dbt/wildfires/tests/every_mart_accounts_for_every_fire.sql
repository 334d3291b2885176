-- The fires, and to the hundredth the acres, of every mart add up to those of staging. Gives the marts that do not.
{% set marts = ['fires_by_year', 'fires_by_cause_and_year', 'fires_by_state', 'fires_by_size_class',
                'fires_by_month_and_cause'] %}
with all_fires as (
    select count(*) as fires, {{ total_acres() }} as acres from {{ ref('stg_fires') }}
),
added_up as (
    {% for mart in marts %}
    select '{{ mart }}' as mart, coalesce(sum(fires), 0) as fires, {{ total_acres() }} as acres
    from {{ ref(mart) }}
    union all
    {% endfor %}
    select 'containment_by_size_class', coalesce(sum(fires), 0), (select acres from all_fires)
    from {{ ref('containment_by_size_class') }}
)
select added_up.*
from added_up
cross join all_fires
where added_up.fires <> all_fires.fires or abs(added_up.acres - all_fires.acres) > 0.01
