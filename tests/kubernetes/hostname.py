"""A container has the pod's name as its host name; a process of the double has it as a variable alone."""

import os


def of_the_pod() -> str:
    return os.environ["HOSTNAME"]
