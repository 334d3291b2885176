"""The whole lake on one machine without Docker: SeaweedFS, the wildfires API, PostgreSQL and Airflow.

Everything listens on 127.0.0.1 and lives in one folder (`.stack/`, or `STACK_HOME`). `make` is its front
door; `services.local.stack.Stack` is the same for tests and benchmarks.
"""
