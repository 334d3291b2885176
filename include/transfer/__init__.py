"""The engine: rows of an HTTP API become objects of an S3 store, and one write commits them.

It knows nothing of Airflow and imports nothing outside this folder. The way of the data:

    run.py                the whole run on one screen: count → plan → copy → verify → commit
    dataset.py, policy.py what to copy, and what a run does about what is there already
    batches.py, plan.py   the plan: which rows each copy takes, and the columns of all its objects
    copy.py               one batch: source → schema → formats → store, then its receipt
      source/             api: a count, and the rows of a batch
                            sample (some of the rows), paging (one class a style), paths, base_url, endpoint,
                            logins and tokens (a connection), fetch (one request), bodies (what is posted),
                            redirects and addresses (where it may be sent on to), answers (their bodies),
                            error_answers, pace (waits), windows (filters by time; marks, within), totals
                            (one class a way) and count, described (settings that are objects), row_hashes,
                            row_keys, row_shapes (one class a shape), json_rows (bytes to rows; below it
                            body_buffer, json_prologue, json_shapes, json_structure, json_values,
                            json_faults)
      schema/             contract (inferred columns), columns (the same in every row), numbers (their
                            digits), arrow (types)
      formats/            csv, ndjson, parquet (one file each: write and read back), row_groups,
                            compression
      store/              keys (where objects are), bucket (all calls), listing, upload (parts), swap (races),
                            client, errors (named once), connections (TLS, proxies), options (of the
                            connection), credentials
    commit/               plan_document, receipt and manifest (the documents), standing (how attempts keep
                            apart), vouch (a receipt's place), verify, proof (every row once: repeats,
                            key_order and reread, by stored_hashes), gates, publish (the one write), log (what
                            the dataset is since each commit: entry, live, live_windows), owner, history,
                            unchanged, drift, retention, sweep, audit (a run read back from outside),
                            audit_dataset (every window)
    publish/              the dataset as a table of an Iceberg catalog: its __init__ is a map of its own
    windowed/             a run of a dataset by windows: its __init__ is a map of its own
    payloads.py           what one step hands to the next
    documents.py          JSON from outside, read strictly
    errors.py, redact.py  named by what to do next; without secrets
    probe/                from a URL to a dataset's settings, by asking: its __init__ is a map of its own
    __main__.py           python -m include.transfer: count, verify, log, probe
    diagnose.py           what must be right before a copy can work
"""
