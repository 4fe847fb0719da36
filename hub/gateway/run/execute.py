"""Runs a plan: each fetch as soon as what it reads has come, then the answer completed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from hub.gateway.model import Graph
from hub.gateway.plan.asked import PIN
from hub.gateway.plan.solution import OWN, TYPE
from hub.gateway.plan.steps import Fetch, Plan, Section
from hub.gateway.run.complete import Completion
from hub.gateway.run.transport import Transport, Unanswered
from hub.gateway.run.tree import (
    Path,
    Representations,
    Tree,
    join,
    join_all,
    objects,
    part_for,
    paths,
    told_path,
)

FAILED = "DOWNSTREAM_SERVICE_ERROR"
MAX_ERRORS = 100


class Run:
    """One run of a plan."""

    def __init__(
        self,
        plan: Plan,
        graphs: Mapping[str, Graph],
        transport: Transport,
        variables: Mapping[str, Any],
    ) -> None:
        self._plan = plan
        self._graphs = graphs
        self._transport = transport
        self._variables = variables
        self.tree: Tree = {TYPE: plan.root}
        self.errors: list[dict[str, Any]] = []
        self._voided: set[Path] = set()
        """Objects that a subgraph did not give because of an error within."""

    async def answer(self) -> dict[str, Any]:
        """``data``, and ``errors`` if there are any."""
        if not self._plan.whole:
            # invariant: composition has checked that every field can be reached
            self._error({"message": "no subgraph answers a part of the operation",
                         "extensions": {"code": "INTERNAL"}})  # fmt: skip
        for section in self._plan.sections:
            await self._section(section)
        told = {tuple(error.get("path", ())) for error in self.errors}
        above = {path[:length] for path in told for length in range(len(path))}

        def report(message: str, path: Path) -> None:
            # a null that some error explains already needs no other
            if (
                path in above
                or path[:-1] in self._voided
                or any(path[:length] in told for length in range(len(path) + 1))
            ):
                return
            self._error({"message": message, "path": list(path),
                         "extensions": {"code": "INVALID_RESPONSE"}})  # fmt: skip

        data = Completion(report).whole(self.tree, self._plan.out)
        return {"data": data, "errors": self.errors} if self.errors else {"data": data}

    async def _section(self, section: Section) -> None:
        done = {fetch.index: asyncio.Event() for fetch in section.fetches}

        async def run(fetch: Fetch) -> None:
            for index in fetch.after:
                await done[index].wait()
            try:
                await self._fetch(fetch)
            finally:
                done[fetch.index].set()

        if len(section.fetches) == 1:
            await self._fetch(section.fetches[0])
            return
        async with asyncio.TaskGroup() as group:
            for fetch in section.fetches:
                group.create_task(run(fetch))

    async def _fetch(self, fetch: Fetch) -> None:
        if fetch.kind == "root":
            await self._root(fetch)
        else:
            await self._entities(fetch, objects(self.tree, fetch.path))

    async def _root(self, fetch: Fetch) -> None:
        targets = objects(self.tree, fetch.path)
        if not targets:
            return
        (shape,) = fetch.shapes.values()
        data, errors = await self._ask(fetch, {}, targets[0])
        for held in targets:
            join(held, data if isinstance(data, dict) else {}, shape)
        for error in errors:
            below = told_path(_path(error), shape, data)
            self._from_subgraph(fetch, error, targets[0], below=below, lost=data is None)

    async def _entities(self, fetch: Fetch, place: Sequence[Tree]) -> None:
        asked = Representations()
        lacking: list[Tree] = []
        for held in place:
            part = part_for(held, fetch.parts)
            if part is not None and not asked.add(held, part):
                lacking.append(held)
        if asked.listed and not (lacking and fetch.apart):
            await self._listed(fetch, asked)
            return
        async with asyncio.TaskGroup() as group:
            for one in fetch.apart if lacking else ():
                group.create_task(self._entities(one, lacking))
            if asked.listed:
                group.create_task(self._listed(fetch, asked))

    async def _listed(self, fetch: Fetch, asked: Representations) -> None:
        listed, targets = asked.listed, asked.targets
        data, errors = await self._ask(fetch, {"representations": listed}, targets[0][0])
        found = data.get("_entities") if isinstance(data, dict) else None
        entities = found if isinstance(found, list) else []
        for one, some, named in zip(entities, targets, listed, strict=False):
            if isinstance(one, dict):
                shape = fetch.shapes[named["__typename"]]
                join_all(some, one, shape)
        for error in errors:
            told = _path(error)
            if len(told) > 1 and told[0] == "_entities" and isinstance(told[1], int):
                index = told[1]
                if 0 <= index < len(listed):
                    shape = fetch.shapes[listed[index]["__typename"]]
                    one = entities[index] if index < len(entities) else None
                    below = told_path(told[2:], shape, one)
                    some = targets[index]
                    self._from_subgraph(fetch, error, *some, below=below, lost=one is None)
                    continue
            self._from_subgraph(fetch, error, targets[0][0])

    async def _ask(
        self, fetch: Fetch, more: Mapping[str, Any], first: Tree
    ) -> tuple[Any, Sequence[Mapping[str, Any]]]:
        """A response's data and errors; one that does not come is an error of its own."""
        held = self._variables
        variables = {name: held[name] for name in fetch.variables if name in held}
        body: dict[str, Any] = {"query": fetch.text}
        if variables or more:
            body["variables"] = {**variables, **more}
        if fetch.operation is not None:
            body["operationName"] = fetch.operation
        try:
            url = self._graphs[fetch.graph].url
            once = self._plan.kind == "mutation" and fetch.kind == "root" and not fetch.path
            answer = await self._transport.post(url, orjson.dumps(body), once=once)
        except Unanswered as error:
            self._from_subgraph(fetch, {"message": str(error)}, first)
            return None, ()
        errors = answer.get("errors")
        listed = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
        data = answer.get("data")
        if data is None and not listed:
            self._from_subgraph(fetch, {"message": "the subgraph sent no data"}, first)
        return data, listed

    def _from_subgraph(
        self,
        fetch: Fetch,
        error: Mapping[str, Any],
        *about: Tree,
        below: Path = (),
        lost: bool = False,
    ) -> None:
        """Pass an error on for each object that it is about; `lost`: it cost the whole object."""
        if len(self.errors) >= MAX_ERRORS:
            return
        places = {id(held): path for held, path in paths(self.tree, fetch.path)}
        message = error.get("message")
        extensions = error.get("extensions")
        told: dict[str, Any] = {"code": FAILED}
        if isinstance(extensions, dict):
            told.update(extensions)
        told["serviceName"] = fetch.graph
        for held in about:
            above = tuple(_key(one) for one in places.get(id(held), ()))
            path = [*above, *(_key(one) for one in below)]
            if lost and below:
                self._voided.add(above)
            made: dict[str, Any] = {
                "message": message if isinstance(message, str) else "the subgraph failed"
            }
            if path:
                made["path"] = path
            self._error({**made, "extensions": told})

    def _error(self, error: dict[str, Any]) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(error)


def _path(error: Mapping[str, Any]) -> list[Any]:
    path = error.get("path")
    return path if isinstance(path, list) else []


def _key(one: str | int) -> str | int:
    """The response key behind a key of the tree."""
    if isinstance(one, int):
        return one
    return one.split(OWN)[0].removeprefix("#").split("(")[0].split(PIN)[0]
