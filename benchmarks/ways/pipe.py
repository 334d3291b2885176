"""The floor: the body's bytes from the API to the store as they are, neither parsed nor looked at."""

from __future__ import annotations

from benchmarks.ways.measured import Job, Move, measure


def load(job: Job) -> Move:
    import requests

    from include.transfer.store.bucket import PART_BYTES
    from include.transfer.store.client import connect

    client = connect(job["endpoint"], "us-east-1", (job["access_key"], job["secret_key"], None))
    key = f"pipe/{job['prefix']}/data_from_{job['start']}.json"

    def move() -> dict[str, list[str]]:
        params = {"start": job["start"], "limit": job["rows"]}
        identity = {"Accept-Encoding": "identity"}
        with requests.get(f"{job['url']}/api/get", params, headers=identity, stream=True) as response:
            response.raise_for_status()
            # Parts as large as the copy's, one after the other as there: only what is done between differs.
            client.put_object(
                job["bucket"],
                key,
                response.raw,
                length=-1,
                part_size=PART_BYTES,
                num_parallel_uploads=1,
            )
        return {"keys": [key]}

    return move


if __name__ == "__main__":
    measure(load)
