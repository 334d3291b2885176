"""Who may see what: Airflow's own login, its auth manager, and its rights on each DAG."""

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session

# The page shows a DAG's runs, their tasks, and what these returned: a user needs the right to each.
SHOWN = (DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE, DagAccessEntity.XCOM)


def readable_dags(user: BaseUser, session: Session) -> set[str]:
    """Ids of the DAGs whose runs, tasks and XComs the user may read."""
    manager = get_auth_manager()
    allowed = manager.get_authorized_dag_ids(user=user, method="GET", session=session)
    teams = DagModel.get_dag_id_to_team_name_mapping(sorted(allowed), session=session)

    def may(dag_id: str, entity: DagAccessEntity) -> bool:
        details = DagDetails(id=dag_id, team_name=teams.get(dag_id))
        return manager.is_authorized_dag(method="GET", user=user, access_entity=entity, details=details)

    return {dag_id for dag_id in allowed if all(may(dag_id, entity) for entity in SHOWN)}


def reads_every_dag(readable: set[str], session: Session) -> bool:
    """Whether no DAG is hidden from the user: then runs without a known DAG are shown too."""
    known = select(DagModel.dag_id).join(DagBundleModel, DagModel.bundle_name == DagBundleModel.name)
    return set(session.scalars(known)) <= readable


def refuse_hidden_run(everything: bool) -> HTTPException:
    """For a run that cannot be shown: to a user with fewer rights, missing and hidden runs look alike."""
    if everything:
        return HTTPException(404, "There is no such run in the lake, nor in Airflow.")
    return HTTPException(403, "There is no such run, or it is of a DAG that you may not read.")
