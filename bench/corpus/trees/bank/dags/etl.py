"""A pipeline of containers."""

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.docker.operators.docker import DockerOperator

load = DockerOperator(task_id="load", image="acme/etl:2.1", command="load db:5432")
train = KubernetesPodOperator(
    task_id="train",
    name="train",
    image="tensorflow/tensorflow:2.17.0",
)
