"""The market regulation bureau's REST service: a system of its own, as the sample city's fourth
kind of source. Run as ``python -m hub.demo.market --db FILE --port N``; the key is read from the
environment (``MARKET_KEY``)."""

from __future__ import annotations

import argparse
import hmac
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MAX_SIZE = 200
MAX_CODES = 100
_COLUMNS = "code, name, industry, industry_title, capital, established, district_code, status, head"


class Register:
    """The enterprises, read-only."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, check_same_thread=False)

    def select(self, where: str, values: list[Any], limit: int, skip: int = 0) -> list[Any]:
        """Rows as the service shows them."""
        text = f"SELECT {_COLUMNS} FROM enterprises {where} ORDER BY code LIMIT ? OFFSET ?"  # noqa: S608
        return [_shown(row) for row in self._database.execute(text, [*values, limit, skip])]

    def count(self, where: str, values: list[Any]) -> int:
        """How many there are."""
        text = f"SELECT count(*) FROM enterprises {where}"  # noqa: S608 - fixed clauses
        return int(self._database.execute(text, values).fetchone()[0])

    def close(self) -> None:
        self._database.close()


def _shown(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "code": row[0],
        "name": row[1],
        "industry": {"code": row[2], "title": row[3]},
        "registeredCapital": row[4],
        "established": row[5],
        "districtCode": row[6],
        "status": row[7],
        "legalRepresentative": {"idNumber": row[8]},
    }


def create_service(file: Path, key: str) -> Starlette:
    """The service over one register; every request but the document's needs ``X-Api-Key``."""
    register = Register(file)

    def allowed(request: Request) -> bool:
        return hmac.compare_digest(request.headers.get("x-api-key", "").encode(), key.encode())

    def listed(request: Request) -> Response:
        if not allowed(request):
            return JSONResponse({"error": "key"}, 401)
        given = request.query_params
        parts, values = [], []
        for name, clause in (
            ("industry", "industry = ?"),
            ("status", "status = ?"),
            ("district_prefix", "substr(district_code, 1, length(?)) = ?"),
        ):
            if name in given:
                parts.append(clause)
                values.extend([given[name]] * clause.count("?"))
        where = f"WHERE {' AND '.join(parts)}" if parts else ""
        try:
            page = max(1, int(given.get("page", "1")))
            size = min(MAX_SIZE, max(1, int(given.get("size", "50"))))
        except ValueError:
            return JSONResponse({"error": "page"}, 400)
        items = register.select(where, values, size, (page - 1) * size)
        total = register.count(where, values)
        following = page + 1 if page * size < total else None
        return JSONResponse({"items": items, "total": total, "next": following})

    def one(request: Request) -> Response:
        if not allowed(request):
            return JSONResponse({"error": "key"}, 401)
        found = register.select("WHERE code = ?", [request.path_params["code"]], 1)
        return JSONResponse(found[0]) if found else JSONResponse({"error": "none"}, 404)

    def batch(request: Request) -> Response:
        if not allowed(request):
            return JSONResponse({"error": "key"}, 401)
        codes = [code for code in request.query_params.get("codes", "").split(",") if code]
        if len(codes) > MAX_CODES:
            return JSONResponse({"error": "codes"}, 400)
        marks = ",".join("?" * len(codes))
        items = register.select(f"WHERE code IN ({marks})", list(codes), MAX_CODES)
        return JSONResponse({"items": items})

    def document(_: Request) -> Response:
        return JSONResponse(DOCUMENT)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        yield
        register.close()

    return Starlette(
        lifespan=life,
        routes=[
            Route("/openapi.json", document),
            Route("/v1/enterprises", listed),
            Route("/v1/enterprises/batch", batch),
            Route("/v1/enterprises/{code}", one),
        ],
    )


_TEXT = {"type": "string"}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Market regulation: enterprises", "version": "1"},
    "paths": {
        "/v1/enterprises": {
            "get": {
                "operationId": "listEnterprises",
                "parameters": [
                    {"name": name, "in": "query", "schema": _TEXT}
                    for name in ("industry", "status", "district_prefix", "page", "size")
                ],
                "responses": {
                    "200": {
                        "description": "A page",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {
                                        "items": {
                                            "type": "array",
                                            "items": {"$ref": "#/components/schemas/Enterprise"},
                                        },
                                        "total": {"type": "integer"},
                                        "next": {"type": ["integer", "null"]},
                                    },
                                }
                            }
                        },
                    }
                },
            }
        },
        "/v1/enterprises/batch": {
            "get": {
                "operationId": "getEnterprises",
                "parameters": [{"name": "codes", "in": "query", "required": True, "schema": _TEXT}],
                "responses": {
                    "200": {
                        "description": "Those that exist, of up to 100",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {
                                        "items": {
                                            "type": "array",
                                            "items": {"$ref": "#/components/schemas/Enterprise"},
                                        }
                                    },
                                }
                            }
                        },
                    }
                },
            }
        },
        "/v1/enterprises/{code}": {
            "get": {
                "operationId": "getEnterprise",
                "parameters": [{"name": "code", "in": "path", "required": True, "schema": _TEXT}],
                "responses": {
                    "200": {
                        "description": "One",
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Enterprise"}
                            }
                        },
                    }
                },
            }
        },
    },
    "components": {
        "schemas": {
            "Enterprise": {
                "type": "object",
                "required": ["code"],
                "properties": {
                    "code": _TEXT,
                    "name": _TEXT,
                    "industry": {"type": "object", "properties": {"code": _TEXT, "title": _TEXT}},
                    "registeredCapital": {"type": "string", "format": "decimal"},
                    "established": {"type": "string", "format": "date"},
                    "districtCode": _TEXT,
                    "status": _TEXT,
                    "legalRepresentative": {"type": "object", "properties": {"idNumber": _TEXT}},
                },
            }
        }
    },
}


def service() -> Starlette:
    """The service as the server process makes it, from the environment."""
    return create_service(Path(os.environ["MARKET_DB"]), os.environ["MARKET_KEY"])


def main() -> None:
    """Serve on loopback until terminated."""
    from granian import Granian
    from granian.constants import Interfaces

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    os.environ["MARKET_DB"] = given.db
    Granian(
        "hub.demo.market:service",
        address="127.0.0.1",
        port=given.port,
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
