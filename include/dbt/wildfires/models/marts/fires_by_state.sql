-- States without a fire stay in, with 0: a map must not confuse "none" with "not known".
select
    states.state,
    states.name,
    count(fires.fod_id) as fires,
    {{ total_acres() }} as acres
from {{ ref('states') }} as states
left join {{ ref('stg_fires') }} as fires on fires.state = states.state
group by states.state, states.name
