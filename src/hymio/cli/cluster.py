"""What `hymio db distribute` and `hymio db status` print of a Citus cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from hymio.cli.command import console, hint, how_many, say
from hymio.cli.listing import Shown

if TYPE_CHECKING:
    from hymio.cli.listing import Cell
    from hymio.store import Store
    from hymio.store.distribute import Distribution


def distribute(store: Store) -> None:
    """Distributes the tables and says what was done; warns before where the cluster is not complete."""
    from hymio.store.distribute import distribute as spread
    from hymio.store.distribute import distribution

    cluster = distribution(store)
    if cluster is not None:
        _warn(cluster)
    done = spread(store, waiting=lambda: hint("Another process migrates or distributes this database; waiting for it."))
    if not done.tables:
        say("All tables are distributed already.")
    else:
        say(f"{how_many(len(done.tables), 'table')} distributed. Restart every Hymio server of this database now.")
    if done.emptied:
        say(f"The rows that the coordinator had before were removed from it: {how_many(len(done.emptied), 'table')}.")


def _warn(cluster: Distribution) -> None:
    """Says what should be done before, as it cannot be done afterwards without moving shards."""
    if not any(node.is_coordinator for node in cluster.nodes):
        _warning(
            "The coordinator is not a node of its cluster, so that its small tables are read from a worker, and a "
            "worker that hangs stops everything: SELECT citus_set_coordinator_host('NAME', PORT);"
        )
    if not cluster.workers:
        _warning(
            "The cluster has no workers: all rows stay on the coordinator. SELECT citus_add_node('NAME', PORT); for "
            "each worker, then SELECT citus_rebalance_start();"
        )


def _warning(text: str) -> None:
    console(stderr=True).print(f"[yellow]warning:[/] {escape(text)}", soft_wrap=True)


def cells(store: Store) -> tuple[tuple[Cell, ...], str]:
    """What `hymio db status` shows of a cluster, and what to do; nothing of a database without Citus.

    The cells are the nodes, the number of distributed tables, and the tables that are not or have a local copy though
    others are distributed.
    """
    from hymio.store.distribute import distribution

    cluster = distribution(store)
    if cluster is None:
        return (None, None, (), ()), ""
    nodes = [
        node.address + (" (coordinator)" if node.is_coordinator else "") + ("" if node.is_active else " (not active)")
        for node in cluster.nodes
    ]
    tables = len(cluster.distributed)
    counts = Shown(tables, f"{tables} distributed, {len(cluster.local)} not")
    if not tables:
        return (nodes, counts, (), ()), "To distribute them: hymio db distribute"
    is_partial = bool(cluster.local or cluster.copies)
    return (nodes, counts, cluster.local, cluster.copies), "To complete it: hymio db distribute" if is_partial else ""
