"""The real client libraries, each behind one function: a port of this machine and a statement, back come its rows."""

import asyncio

import aiotrino
import prestodb
import sqlalchemy
import trino
from pyhive import presto as pyhive_presto
from pyhive import trino as pyhive_trino


def with_trino(port, sql, **more):
    connection = trino_connection(port, **more)
    cursor = connection.cursor()
    cursor.execute(sql)
    return [tuple(row) for row in cursor.fetchall()]


def trino_connection(port, user="tester", **more):
    return trino.dbapi.connect(host="127.0.0.1", port=port, user=user, http_scheme="http", **more)


def with_prestodb(port, sql, **more):
    connection = prestodb.dbapi.connect(
        host="127.0.0.1", port=port, user="tester", http_scheme="http", **{"catalog": None, **more})
    cursor = connection.cursor()
    cursor.execute(sql)
    return [tuple(row) for row in cursor.fetchall()]


def with_pyhive_trino(port, sql, **more):
    return with_pyhive(pyhive_trino, port, sql, **more)


def with_pyhive_presto(port, sql, **more):
    return with_pyhive(pyhive_presto, port, sql, **more)


def with_pyhive(module, port, sql, **more):
    connection = module.connect(
        host="127.0.0.1", port=port, username="tester", poll_interval=0.01, **{"catalog": None, "schema": None, **more})
    cursor = connection.cursor()
    cursor.execute(sql)
    return [tuple(row) for row in cursor.fetchall()]


def with_aiotrino(port, sql, **more):
    async def run():
        connection = aiotrino.dbapi.connect(
            host="127.0.0.1", port=port, user="tester", http_scheme="http",
            **{"catalog": "memory", "schema": "default", **more})
        try:
            cursor = await connection.cursor()
            await cursor.execute(sql)
            return [tuple(row) for row in await cursor.fetchall()]
        finally:
            await connection.close()
    return asyncio.run(run())


def with_sqlalchemy(port, sql, catalog="memory", schema="default"):
    engine = sqlalchemy.create_engine(f"trino://tester@127.0.0.1:{port}/{catalog}/{schema}")
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sqlalchemy.text(sql))]


EVERY = {
    "trino": with_trino,
    "prestodb": with_prestodb,
    "pyhive-trino": with_pyhive_trino,
    "pyhive-presto": with_pyhive_presto,
    "aiotrino": with_aiotrino,
    "sqlalchemy": with_sqlalchemy,
}
