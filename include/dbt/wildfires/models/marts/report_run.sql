select
    dataset,
    run,
    manifest,
    rows,
    committed_at,
    loaded_at
from {{ source('lake', 'loaded_run') }}
