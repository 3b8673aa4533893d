"""A process that has servers and is killed meanwhile: ``main("embedded")``, ``main("embedded", "worker")``.

It has a primary, a standby and an open transaction, and crashes and recovers the primary, again and again, until
somebody ends it; whenever it is up it says ``ready``. As ``worker`` it is a worker of the process that was started.
"""

import multiprocessing

from drydock.models.postgres.choice import parse
from drydock.models.postgres.cluster import Cluster


def live(kind: str) -> None:
    cluster = Cluster(parse(kind).template())
    cluster.connection.execute("CREATE TABLE t (a int)")
    cluster.standby("standby-1", cluster.flush_lsn())
    while True:
        cluster.connect().execute("BEGIN; LOCK TABLE t")
        print("ready", flush=True)
        cluster.crash()
        cluster.recover()


def main(kind: str, *as_worker: str) -> None:
    if not as_worker:
        live(kind)
    worker = multiprocessing.get_context("forkserver").Process(target=live, args=(kind,))
    worker.start()
    worker.join()
