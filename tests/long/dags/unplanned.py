"""What Airflow does with a longer list than it may map, without a plan that knows the limit."""

from airflow.sdk import dag, task

from tests.stack import MAPS


@dag(schedule=None)
def unplanned():
    @task
    def numbers():
        return list(range(MAPS + 1))

    @task
    def one(number):
        return number

    one.expand(number=numbers())


unplanned()
