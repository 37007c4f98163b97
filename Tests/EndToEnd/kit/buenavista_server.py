"""Starts buenavista 0.4.0 on loopback: buenavista_server.py PORT."""

import sys

import duckdb
import uvicorn
from buenavista.backends.duckdb import DuckDBConnection
from buenavista.examples.duckdb_http import rewriter
from buenavista.http import main
from fastapi import FastAPI

database = duckdb.connect()
database.execute("CREATE TABLE numbers AS SELECT range AS i, 'row ' || range AS s FROM range(1000)")
app = FastAPI()
main.quacko(app, DuckDBConnection(database), rewriter)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
