"""What can go wrong with an order at head office after it was stored: planted in the reference central's books."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from edge_agent.simulator import central_reading


@contextmanager
def planted(database: Path, defect: str, order_no: str) -> Iterator[None]:
    """Spoil one order while the context lasts; see ``plant``."""
    held = central_reading.orders(database)
    (order_id,) = (one for one, order in held.items() if order.order_no == order_no)
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        before = connection.execute("SELECT * FROM book WHERE order_id = ?", (order_id,)).fetchall()
    plant(database, defect, order_no)
    try:
        yield
    finally:
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            born = {order_id for order_id, order in central_reading.orders(database).items()}
            connection.executemany(
                "DELETE FROM book WHERE order_id = ?",
                [row for row in connection.execute("SELECT order_id FROM book") if row[0] not in born],
            )
            # This order's row alone: others may have been revised meanwhile, as the last sale is by its display.
            connection.executemany("INSERT OR REPLACE INTO book VALUES (?, ?, ?, ?, ?, ?, ?)", before)


def plant(database: Path, defect: str, order_no: str) -> None:
    """Spoil one order in the books: ``missing``, ``altered``, ``revision`` or ``doubled`` (under another id)."""
    held = central_reading.orders(database)
    (order_id,) = (one for one, order in held.items() if order.order_no == order_no)
    statement = {
        "missing": "DELETE FROM book WHERE order_id = :id",
        "altered": "UPDATE book SET payable = payable + 100 WHERE order_id = :id",
        "revision": "UPDATE book SET revision = revision + 1 WHERE order_id = :id",
        "doubled": "INSERT INTO book SELECT agent, :twin, revision, kind, payable, business_day, workstation"
        " FROM book WHERE order_id = :id",
    }[defect]
    twin = order_id[:-4] + f"{int(order_id[-4:], 16) ^ 0x100:04x}"
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        changed = connection.execute(statement, {"id": order_id, "twin": twin}).rowcount
    assert changed == 1, f"{order_no} is not in the books"
