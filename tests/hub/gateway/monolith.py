"""A random schema with data, whole and split over subgraphs."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from graphql import (
    GraphQLSchema,
    build_schema,
)

from tests.hub.gateway.subgraphs import Service


class Split:
    """One case: the services, the whole schema, and the data under it."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = Random(seed)
        self.graphs = [f"g{n}" for n in range(rng.randint(2, 4))]
        self.entities = [f"E{n}" for n in range(rng.randint(2, 4))]
        self.members = rng.sample(self.entities, rng.randint(2, len(self.entities)))
        self.stand_in = rng.random() < 0.5
        self.objects: dict[str, list[dict[str, Any]]] = {}
        self.whole: dict[str, dict[str, str]] = {name: {} for name in self.entities}
        """Field -> type of the monolith."""
        self.parts: dict[str, dict[str, dict[str, str]]] = {graph: {} for graph in self.graphs}
        """Graph -> type -> field -> text."""
        self.keys: dict[tuple[str, str], list[str]] = {}
        self.computed: dict[tuple[str, str], Any] = {}
        self.roots: dict[str, dict[str, str]] = {graph: {} for graph in self.graphs}
        self.whole_roots: dict[str, str] = {}
        self.data: dict[str, Any] = {}
        self.parted = {"x": rng.choice(self.graphs), "y": rng.choice(self.graphs)}
        """Each field of the type without a key, with the one graph that has it."""
        self.provided: dict[tuple[str, str, str], str] = {}
        """The fields that a link brings along, by graph, type and link."""
        self.stale: set[tuple[str, str, str]] = set()
        for name in self.entities:
            self._entity(name)
        for name in self.entities:
            self._links(name)
        for name in self.entities:
            self._providing(name)
        for name in self.entities:
            self._needing(name)
        self._root_fields()
        # what only the second version has is not there by chance
        self.first_version = not self.stand_in and not self.stale
        self.schema = self._monolith()
        self.services = {graph: self._service(graph) for graph in self.graphs}
        if self.stand_in:
            self.services["io"] = self._stand_in()

    # -- what there is

    def _entity(self, name: str) -> None:
        rng = self.rng
        home = "g0"  # has every type with both keys, so that every way leads on
        for graph in self.graphs:
            if graph == home:
                self.keys[graph, name] = ["id", "k"]
            elif rng.random() < 0.8:
                self.keys[graph, name] = rng.choice([["id"], ["id"], ["k"], ["id", "k"], ["k id"]])
        self.objects[name] = [
            {"__typename": name, "id": f"{name}-{n}", "k": f"k{name}{n}"}
            for n in range(rng.randint(1, 3))
        ]
        self.whole[name] = {"id": "ID!", "k": "ID!"}
        for field in ["name", *(f"s{n}" for n in range(rng.randint(1, 3)))]:
            owners = self._owners(name, rng.choice([1, 1, 2]))
            if field == "name":
                owners = sorted({home, owners[0]})
            self.whole[name][field] = "String"
            for one in self.objects[name]:
                one[field] = None if rng.random() < 0.15 else f"{field} of {one['id']}"
            self._put(name, field, "String", owners)
            others = [g for g in self._owners(name, 9) if g not in owners]
            if len(owners) == 1 and field != "name" and others and rng.random() < 0.2:
                # taken over: what the other would say is wrong
                self.parts[others[0]].setdefault(name, {})[field] = "String"
                self.stale.add((others[0], name, field))
                self.parts[owners[0]][name][field] = f'String @override(from: "{others[0]}")'

    def _owners(self, name: str, count: int) -> list[str]:
        having = [graph for graph in self.graphs if (graph, name) in self.keys]
        return self.rng.sample(having, min(count, len(having)))

    def _put(self, name: str, field: str, kind: str, owners: list[str], extra: str = "") -> None:
        for graph in owners:
            shared = " @shareable" if len(owners) > 1 else ""
            self.parts[graph].setdefault(name, {})[field] = f"{kind}{shared}{extra}"

    def _links(self, name: str) -> None:
        rng = self.rng
        for number in range(rng.randint(1, 3)):
            field = f"r{number}"
            owners = self._owners(name, rng.choice([1, 1, 2]))
            choices = [t for t in self.entities if all((g, t) in self.keys for g in owners)]
            pool = [m for m in self.members if all(m in self._seen(g) for g in owners)]
            if pool and rng.random() < 0.4:
                target = rng.choice(["Node", "Either"])
            elif choices:
                target = rng.choice(choices)
                pool = [target]
            else:
                continue
            kind = rng.choice([target, target, f"[{target}]", f"[{target}]", f"[{target}!]!"])
            self.whole[name][field] = kind
            for one in self.objects[name]:
                one[field] = self._pick(pool, kind)
            self._put(name, field, kind, owners)
        if rng.random() < 0.5 and all((g, name) in self.keys for g in self.parted.values()):
            owners = sorted(set(self.parted.values()))
            self.whole[name]["v"] = "V"
            for one in self.objects[name]:
                one["v"] = {"__typename": "V", "x": f"x{one['id']}", "y": f"y{one['id']}"}
            self._put(name, "v", "V", owners)

        owners = self._owners(name, rng.choice([1, 2]))
        self.whole[name]["m"] = "String!"
        for one in self.objects[name]:
            one["m"] = None if rng.random() < 0.1 else f"m of {one['k']}"
        self._put(name, "m", "String!", owners)
        owners = self._owners(name, rng.choice([1, 2]))
        kind = "(n: Int = 3, t: String): String"
        self.whole[name]["a"] = kind
        self.computed[name, "a"] = lambda o, a: f"{a['n']} {a.get('t')} {o['k']}"
        for one in self.objects[name]:
            one["a"] = lambda _info, one=one, **a: f"{a['n']} {a.get('t')} {one['k']}"
        self._put(name, "a", kind, owners)

    def _providing(self, name: str) -> None:
        """Links that bring a field along which their graph does not have otherwise."""
        rng = self.rng
        for graph in self.graphs:
            for field, text in list(self.parts[graph].get(name, {}).items()):
                target = text.split()[0].strip("[]!")
                if not field.startswith("r") or target not in self.entities or rng.random() < 0.5:
                    continue
                mine = self.parts[graph].setdefault(target, {})
                free = [f for f in self.whole[target] if f[0] == "s" and f not in mine
                        and not any((g, target, f) in self.stale for g in self.graphs)]  # fmt: skip
                if not free:
                    continue
                mine[free[0]] = "String @external"
                self.provided[graph, name, field] = free[0]
                self.parts[graph][name][field] += f' @provides(fields: "{free[0]}")'
                for other in self.graphs:
                    held = self.parts[other].get(target, {})
                    if free[0] in held and "@external" not in held[free[0]]:
                        held[free[0]] = "String @shareable"

    def _pick(self, pool: list[str], kind: str) -> Any:
        rng = self.rng
        found = [one for name in pool for one in self.objects[name]]
        if "!" not in kind:
            found.append(None)
        if "[" in kind:
            return [rng.choice(found) for _ in range(rng.randint(0, 3))]
        return rng.choice(found)

    def _seen(self, graph: str) -> list[str]:
        """The members of the abstract types that a graph knows."""
        return [name for name in self.members if "id" in " ".join(self.keys.get((graph, name), ()))]

    def _needing(self, name: str) -> None:
        """Fields that need others; each with its value in the whole."""
        rng = self.rng
        for graph in self.graphs:
            if (graph, name) not in self.keys or rng.random() < 0.4:
                continue
            mine = self.parts[graph].setdefault(name, {})
            plain = [f for f in self.whole[name] if f[0] in "sq" and f not in mine]
            self._nested_needing(graph, name, mine)
            if not plain:
                continue
            need = rng.choice(plain)
            field = f"q{graph}"
            mine[need] = "String @external"
            mine[field] = f'String @requires(fields: "{need}")'
            self.whole[name][field] = "String"
            self.computed[name, field] = lambda o, need=need: f"<{o[need]}>"
            for one in self.objects[name]:
                one[field] = f"<{one[need]}>"

    def _nested_needing(self, graph: str, name: str, mine: dict[str, str]) -> None:
        """A field that needs one of a linked entity, which this graph does not have."""
        rng = self.rng
        for link, kind in list(self.whole[name].items()):
            target = kind.strip("[]!")
            if link in mine or not link.startswith("r") or (graph, target) not in self.keys:
                continue
            theirs = self.parts[graph].setdefault(target, {})
            free = [f for f in self.whole[target] if f[0] == "s" and (
                f not in theirs or theirs[f] == "String @external")]  # fmt: skip
            if not free or rng.random() < 0.5:
                continue
            theirs[free[0]] = "String @external"
            mine[link] = f"{kind} @external"
            field = f"d{graph}{link}"
            mine[field] = f'String @requires(fields: "{link} {{ {free[0]} }}")'
            self.whole[name][field] = "String"
            self.computed[name, field] = lambda o, at=link, f=free[0]: _told(o[at], f)
            for one in self.objects[name]:
                one[field] = _told(one[link], free[0])
            return

    def _root_fields(self) -> None:
        rng = self.rng
        for graph in self.graphs:
            for name in self.entities:
                if (graph, name) in self.keys and rng.random() < 0.7:
                    self._root(graph, f"all{name}{graph}", f"[{name}]", self.objects[name])
            if self._seen(graph):
                found = [one for name in self._seen(graph) for one in self.objects[name]]
                self._root(graph, f"nodes{graph}", "[Node]", found)
                self._root(graph, f"either{graph}", "[Either]", found)
        self._root("g0", "first", self.entities[0], self.objects[self.entities[0]][0])

    def _root(self, graph: str, field: str, kind: str, value: Any) -> None:
        self.roots[graph][field] = kind
        self.whole_roots[field] = kind
        self.data[field] = value

    # -- the whole

    def _monolith(self) -> GraphQLSchema:
        extra = " extra: String label: String near: [Node]" if self.stand_in else ""
        if self.stand_in:
            self.whole_roots["io"] = "[Node]"
            self.data["io"] = [one for name in self.members for one in self.objects[name]]
        lines = [
            f"interface Node {{ id: ID! name: String{extra} }}",
            f"union Either = {' | '.join(self.members)}",
            "type V { x: String y: String }",
        ]
        for name, fields in self.whole.items():
            more = ""
            if name in self.members:
                more = " implements Node"
                if self.stand_in:
                    fields |= {"extra": "String", "label": "String", "near": "[Node]"}
                    for one in self.objects[name]:
                        one["extra"] = f"extra {one['id']}"
                        one["label"] = f"label {one['name']}"
                        one["near"] = self._pick(self.members, "[Node!]")
            lines.append(f"type {name}{more} {{ {_text(fields)} }}")
        lines.append(f"type Query {{ {_text(self.whole_roots)} }}")
        return build_schema("\n".join(lines))

    # -- the parts

    def _service(self, graph: str) -> Service:
        lines = []
        seen = self._seen(graph)
        named = all("name" in self.parts[graph].get(t, {}) for t in seen)
        if seen:
            key = ' @key(fields: "id")' if self.stand_in and graph == "g0" else ""
            lines.append(f"interface Node{key} {{ id: ID!{' name: String' * named} }}")
            lines.append(f"union Either = {' | '.join(seen)}")
        for name in self.entities:
            keys = self.keys.get((graph, name))
            if keys is None:
                continue
            fields = dict.fromkeys(" ".join(keys).split(), "ID!") | self.parts[graph].get(name, {})
            told = " ".join(f'@key(fields: "{key}")' for key in keys)
            more = " implements Node" if name in seen else ""
            lines.append(f"type {name}{more} {told} {{ {_text(fields)} }}")
        parted = [f"{field}: String" for field, home in self.parted.items() if home == graph]
        if any("v" in fields for fields in self.parts[graph].values()):
            lines.append(f"type V {{ {' '.join(parted)} }}")
        if self.roots[graph]:
            lines.append(f"type Query {{ {_text(self.roots[graph])} }}")
        entities: dict[str, list[dict[str, Any]]] = {"Node": []}
        for name in self.entities:
            entities[name] = [self._part(graph, name, one) for one in self.objects[name]]
            if name in seen:
                entities["Node"].extend(entities[name])
        data = {field: _stubs(self.data[field]) for field in self.roots[graph]}
        sdl = "\n".join(lines)
        if self.first_version and sdl:
            return Service(sdl.replace(" @shareable", ""), data, entities, link=False)
        return Service(sdl, data, entities)

    def _part(self, graph: str, name: str, one: Mapping[str, Any]) -> dict[str, Any]:
        """What a graph knows of an object."""
        made: dict[str, Any] = {"__typename": name, "id": one["id"], "k": one["k"]}
        for field, text in self.parts[graph].get(name, {}).items():
            if "@external" in text:
                continue
            if "@requires" in text:
                made[field] = lambda o, _a, f=self.computed[name, field]: f(o)
            elif (graph, name, field) in self.stale:
                made[field] = "stale"
            elif (graph, name, field) in self.provided:
                made[field] = _with(one[field], self.provided[graph, name, field])
            elif text.startswith("("):
                made[field] = lambda o, a, f=self.computed[name, field]: f(o, a)
            elif field == "v":
                made[field] = {k: one["v"][k] for k, g in self.parted.items() if g == graph}
            else:
                made[field] = _stubs(one[field])
        return made

    def _stand_in(self) -> Service:
        """A graph that knows the interface as one object type."""
        held = [
            {
                "__typename": "Node",
                "id": one["id"],
                "extra": f"extra {one['id']}",
                "label": lambda o, _: f"label {o['name']}",
                "near": [{"__typename": "Node", "id": other["id"]} for other in one["near"]],
            }
            for name in self.members
            for one in self.objects[name]
        ]
        return Service(
            """type Node @interfaceObject @key(fields: "id") { id: ID! extra: String near: [Node]
                 name: String @external label: String @requires(fields: "name") }
               type Query { io: [Node] }""",
            {"io": held},
            {"Node": held},
        )


def _told(value: Any, field: str) -> str:
    if isinstance(value, list):
        return "+".join(_told(one, field) for one in value)
    return "-" if value is None else str(value[field])


def _stubs(value: Any) -> Any:
    """References as a subgraph has them: keys only."""
    if isinstance(value, list):
        return [_stubs(one) for one in value]
    if isinstance(value, dict) and "id" in value:
        return {key: value[key] for key in ("__typename", "id", "k")}
    return value


def _with(value: Any, field: str) -> Any:
    """References with one more field."""
    if isinstance(value, list):
        return [_with(one, field) for one in value]
    return None if value is None else {**_stubs(value), field: value[field]}


def _text(fields: Mapping[str, str]) -> str:
    return " ".join(
        f"{name}{kind}" if kind.startswith("(") else f"{name}: {kind}"
        for name, kind in fields.items()
    )
