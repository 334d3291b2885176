"""What the lessons show of Airflow's own pages: a map's count in the graph, its instances by their labels."""

import re


def test_the_graph_says_how_many_copies_there_were(scenes, visit):
    run = scenes.small
    seen = visit("reader")
    seen.page.add_init_script("localStorage.setItem('default_dag_view', '\"graph\"')")
    page = seen.open(f"/dags/{run.dag_id}/runs/{run.run_id}")
    page.locator(".react-flow__node").get_by_text("copy [4]").wait_for()


def test_each_copy_is_listed_by_its_rows(scenes, visit):
    run = scenes.small
    page = visit("reader").open(f"/dags/{run.dag_id}/runs/{run.run_id}/tasks/copy/mapped")
    page.get_by_text("4 Task Instances").wait_for()
    labels = page.get_by_role("link", name=re.compile("^rows ")).all_inner_texts()
    assert set(labels) == {"rows 0–4,999", "rows 5,000–9,999", "rows 10,000–14,999", "rows 15,000–19,999"}
