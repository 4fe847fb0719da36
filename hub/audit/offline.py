"""Checks an exported audit log, its signed heads and its proofs, without the hub.

Needs Python 3.11 alone; signatures are checked where `cryptography` is installed.

    python offline.py log EXPORT.jsonl --head HEAD.json --key KEY.json
    python offline.py proof PROOF.json --head HEAD.json --key KEY.json
    python offline.py heads --head HEAD.json --head OTHER.json --key KEY.json

Ends with 0 if it holds, 1 if it does not, 3 if it holds but for signatures that were not checked.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

plain = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
Hasher = Callable[[bytes], bytes]
Span = tuple[int, int]
_PLAIN, _NAMED = b"hub.audit.entry.v1\x00", b"hub.audit.entry.v2\x00"
_SM3 = b"sm3:"
GENESIS = bytes(32)


def hasher(algorithm: str) -> Hasher:
    """The hash function `sha256` or `sm3`; raises ``ValueError`` where Python has it not."""
    if algorithm not in ("sha256", "sm3"):
        raise ValueError("a hash of no known kind")
    hashlib.new(algorithm)
    return lambda data: hashlib.new(algorithm, data).digest()


def is_sm3(stored: bytes) -> bool:
    """Whether SM3 made a stored hash of the chain: its name stands before it then."""
    return len(stored) == len(_SM3) + 32 and stored.startswith(_SM3)


def chain_hash(before: bytes | None, body: str, *, sm3: bool, hashed: Hasher) -> bytes:
    """The hash that ties an entry to the one before, as stored: SM3 has its name before it."""
    held, name = before or GENESIS, _SM3 if sm3 else b""
    if not name and len(held) == 32:
        return hashed(_PLAIN + held + body.encode())
    ends = len(name).to_bytes(1) + name + len(held).to_bytes(2)
    return name + hashed(_NAMED + ends + held + body.encode())


def leaf_hash(hashed: Hasher, body: str) -> bytes:
    """The leaf of an entry's exact text."""
    return hashed(b"\x00" + body.encode())


def node_hash(hashed: Hasher, left: bytes, right: bytes) -> bytes:
    """The node over two others."""
    return hashed(b"\x01" + left + right)


class Peaks:
    """A tree that only grows, as its complete subtrees from left to right."""

    def __init__(self, hashed: Hasher) -> None:
        self._hashed = hashed
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """One leaf more."""
        level = 0
        while self._peaks and self._peaks[-1][0] == level:
            leaf = node_hash(self._hashed, self._peaks.pop()[1], leaf)
            level += 1
        self._peaks.append((level, leaf))

    def root(self) -> bytes:
        """The root; of no leaves the hash of nothing."""
        if not self._peaks:
            return self._hashed(b"")
        held = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            held = node_hash(self._hashed, peak, held)
        return held


def split(size: int) -> int:
    """How many leaves stand left of the root."""
    return 1 << ((size - 1).bit_length() - 1)


def included(
    hashed: Hasher, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Whether a leaf stands at `index`, counted from 0, of the tree (RFC 9162, 2.1.3)."""
    rest = list(path)

    def over(index: int, size: int) -> bytes:
        if size == 1:
            return leaf
        left, other = split(size), rest.pop()
        if index < left:
            return node_hash(hashed, over(index, left), other)
        return node_hash(hashed, other, over(index - left, size - left))

    try:
        return 0 <= index < size and over(index, size) == root and not rest
    except IndexError:  # the path is too short
        return False


def consistent(
    hashed: Hasher, old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]
) -> bool:
    """Whether the older tree begins the newer one; each is (size, root) (RFC 9162, 2.1.4)."""
    rest = list(path)

    def over(first: int, size: int, *, whole: bool) -> tuple[bytes, bytes]:
        if first == size:
            same = old[1] if whole else rest.pop()
            return same, same
        left, other = split(size), rest.pop()
        if first <= left:
            was, now = over(first, left, whole=whole)
            return was, node_hash(hashed, now, other)
        was, now = over(first - left, size - left, whole=False)
        return node_hash(hashed, other, was), node_hash(hashed, other, now)

    try:
        if old[0] == 0:
            return old[1] == hashed(b"") and not rest and (new[0] > 0 or new[1] == old[1])
        held = 0 < old[0] <= new[0] and over(old[0], new[0], whole=True) == (old[1], new[1])
        return held and not rest
    except IndexError:  # the path is too short
        return False


class Line(NamedTuple):
    """One entry as it is exported; a pruned one has no body."""

    seq: int
    leaf: bytes
    chain: bytes
    body: str | None


class Head(NamedTuple):
    """What the hub has signed of its log."""

    size: int
    root: str
    ts: int
    hash_alg: str
    key_id: str
    signature: str


class Problem(NamedTuple):
    """What is wrong, in one word and at length."""

    kind: str
    seq: int | None
    text: str


class Report(NamedTuple):
    """What checking a log found."""

    entries: int
    pruned: int
    sm3: int
    last: bytes | None
    root: bytes
    problem: Problem | None


Read = Callable[[], Iterable[Line]]


def check_log(read: Read, heads: Sequence[Head] = (), algorithm: str = "sha256") -> Report:
    """Check entries from the first one on against heads; `read` gives them anew each time."""
    hashed = hasher(heads[0].hash_alg if heads else algorithm)
    roots, longest = {h.size: h.root for h in heads}, max((h.size for h in heads), default=0)
    peaks, acts, gone = Peaks(hashed), list[Span](), list[Span]()
    count = pruned = sm3 = proven = 0
    before: bytes | None = None

    def report(problem: Problem | None) -> Report:
        return Report(count, pruned, sm3, before, peaks.root(), problem)

    if (problem := forked(heads)) is not None:
        return report(problem)
    if len({head.hash_alg for head in heads}) > 1:
        return report(Problem("unreadable", None, "heads of two hash algorithms: check each alone"))
    for line in read():
        wrong = _misplaced(read, line, count + 1) or _changed(read, line, before, hashed, longest)
        if wrong is not None:
            return report(wrong)
        if line.body is None:
            pruned += 1
            after = gone and gone[-1][1] + 1 == line.seq
            gone.append((gone.pop()[0] if after else line.seq, line.seq))
        elif (span := _pruned_by(line.body)) is not None:
            acts.append(span)
        peaks.add(line.leaf)
        count, before, sm3 = line.seq, line.chain, sm3 + is_sm3(line.chain)
        if count in roots and peaks.root().hex() != roots[count]:
            text = f"some of entries {proven + 1} to {count} are others than the head was made of"
            return report(Problem("rewritten", proven + 1, text))
        proven = count if count in roots else proven
    if count < longest:
        cut = f"entries {count + 1} to {longest} are cut from the end"
        return report(Problem("cut", count + 1, cut))
    return report(_unexplained(gone, acts))


def forked(heads: Sequence[Head]) -> Problem | None:
    """Whether two heads tell of two logs."""
    seen: dict[tuple[int, str], str] = {}
    for head in heads:
        if seen.setdefault((head.size, head.hash_alg), head.root) != head.root:
            return Problem("fork", head.size, f"two heads of size {head.size} differ in root")
    return None


def _misplaced(read: Read, line: Line, due: int) -> Problem | None:
    if line.seq == due:
        return None
    if line.seq < due:
        return Problem("inserted", due, f"an entry {line.seq} stands where entry {due} belongs")
    if any(each.seq == due for each in read()):
        return Problem("reordered", due, f"entry {line.seq} stands before entry {due}")
    return Problem("removed", due, f"entries {due} to {line.seq - 1} are removed")


def _changed(
    read: Read, line: Line, before: bytes | None, hashed: Hasher, longest: int
) -> Problem | None:
    if line.body is None:
        return None
    if leaf_hash(hashed, line.body) != line.leaf:
        return Problem("edited", line.seq, f"entry {line.seq} was edited")
    sm3 = is_sm3(line.chain)  # fails closed: what is of no known kind is compared as a plain one
    link = hasher("sm3" if sm3 else "sha256")
    if chain_hash(before, line.body, sm3=sm3, hashed=link) == line.chain:
        return None
    missing = longest + 1
    for each in chain([None], (other.chain for other in read())):
        if chain_hash(each, line.body, sm3=sm3, hashed=link) == line.chain:
            return Problem("reordered", line.seq, f"entry {line.seq} is not in its place")
        missing -= 1
    if missing > 0:
        return Problem("removed", line.seq, f"entries before what now is {line.seq} are removed")
    kind = "edited" if longest else "edited or removed"
    return Problem(kind, line.seq, f"entry {line.seq} does not follow the one before it")


def _pruned_by(body: str) -> Span | None:
    """What an act says that it took the text of."""
    if not body.startswith('{"kind":"administration"') or '"act":"audit.pruned"' not in body:
        return None
    told = json.loads(body)
    if told["act"] != "audit.pruned":
        return None
    return int(told["details"]["first"]), int(told["details"]["last"])


def _unexplained(gone: Sequence[Span], acts: Sequence[Span]) -> Problem | None:
    for due, last in gone:
        for start, end in sorted(acts):
            if start <= due <= end:
                due = end + 1
        if due <= last:
            return Problem("removed", due, f"the text of entry {due} is gone without an act")
    return None


def base64url(data: bytes) -> str:
    """As JOSE writes bytes (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signing_input(head: Head) -> bytes:
    """The bytes under a signature: a JWS whose header and payload follow from the head."""
    header = {"alg": "Ed25519", "kid": head.key_id, "typ": "hub-head+json"}
    told = {name: value for name, value in head._asdict().items() if name != "signature"}
    return ".".join(base64url(plain(part).encode()) for part in (header, told)).encode()


def key_id(jwk: dict[str, Any]) -> str:
    """The thumbprint of a public key (RFC 7638)."""
    return base64url(
        hashlib.sha256(plain({n: jwk[n] for n in ("crv", "kty", "x")}).encode()).digest()
    )


def check_signature(head: Head, keys: Sequence[dict[str, Any]]) -> Problem | None:
    """Whether one of the keys has signed the head. Raises: ``ImportError``: no `cryptography`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as Public

    key = next((one for one in keys if key_id(one) == head.key_id), None)
    if key is None:
        return Problem("forged", head.size, f"the head of size {head.size} is of another key")
    try:
        x, signature = (base64.urlsafe_b64decode(b + "==") for b in (key["x"], head.signature))
        Public.from_public_bytes(x).verify(signature, signing_input(head))
    except (InvalidSignature, ValueError):
        return Problem("forged", head.size, f"the signature of head {head.size} does not hold")
    return None


def check_proof(proof: dict[str, Any], heads: Sequence[Head]) -> Problem | None:
    """Check one proof against heads whose signatures hold: those of its sizes must be there."""
    hashed = hasher(proof["hash_alg"])
    kind = proof["kind"]
    path = [bytes.fromhex(one) for one in proof["path"]]
    sizes = ("size",) if kind == "inclusion" else ("old", "new")
    roots = {h.size: bytes.fromhex(h.root) for h in heads if h.hash_alg == proof["hash_alg"]}
    found = [(int(proof[name]), roots.get(int(proof[name]), b"")) for name in sizes]
    for size, root in found:
        if not root:
            return Problem("unproven", size, f"there is no head of size {size} to check against")
    if kind == "consistency":
        if consistent(hashed, found[0], found[1], path):
            return None
        return Problem("rewritten", found[0][0], "the newer log does not begin with the older one")
    seq, (size, root) = int(proof["seq"]), found[0]
    leaf = bytes.fromhex(proof["leaf"])
    if proof.get("body") is not None and leaf_hash(hashed, proof["body"]) != leaf:
        return Problem("edited", seq, f"entry {seq} was edited")
    if included(hashed, leaf, seq - 1, size, path, root):
        return None
    return Problem("unproven", seq, f"entry {seq} is not in the log of the head")


def read_head(told: dict[str, Any]) -> Head:
    """A head as it is written; raises ``KeyError``, ``ValueError``, ``TypeError``."""
    named = {name: str(told[name]) for name in ("root", "hash_alg", "key_id", "signature")}
    return Head(size=int(told["size"]), ts=int(told["ts"]), **named)


def read_line(text: str | bytes) -> Line:
    """An entry as it is exported; raises ``KeyError``, ``ValueError``, ``TypeError``."""
    told = json.loads(text)
    kind, _, digits = told["chain"].rpartition(":")
    tied = (_SM3 if kind == "sm3" else b"") + bytes.fromhex(digits)
    return Line(int(told["seq"]), bytes.fromhex(told["leaf"]), tied, told["body"])


def _asked(what: str, file: str | None, heads: Sequence[Head]) -> Problem | None:
    if file is None or what == "heads":
        return forked(heads)
    if what == "proof":
        return check_proof(json.loads(Path(file).read_text()), heads)
    with ExitStack() as held:
        opened = partial(Path(file).open, "rb")
        report = check_log(lambda: map(read_line, held.enter_context(opened())), heads)
    sys.stdout.write(f"{report.entries} entries hold, {report.pruned} of them pruned\n")
    return report.problem


def main(words: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description="Checks exports of a hub's audit log.")
    parser.add_argument("what", choices=("log", "proof", "heads"))
    parser.add_argument("file", nargs="?", help="the log or the proof")
    parser.add_argument("--head", action="append", default=[], help="a head, or one a line")
    parser.add_argument("--key", action="append", default=[], help="a hub's public audit key")
    asked = parser.parse_args(words)
    unchecked, problem = "" if asked.key else "no key was given", None
    try:
        told = [text for file in asked.head for text in Path(file).read_text().splitlines()]
        heads = [read_head(json.loads(text)) for text in told if text.strip()]
        keys = [json.loads(Path(file).read_text()) for file in asked.key]
        try:
            wrong = [check_signature(head, keys) for head in heads] if keys else []
            problem = next(filter(None, wrong), None)
        except ImportError:
            unchecked = "`cryptography` is not installed"
        problem = problem or _asked(asked.what, asked.file, heads)
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = Problem("unreadable", None, f"what was given cannot be read: {error!r}")
    if problem is not None:
        sys.stdout.write(f"{problem.kind.upper()}: {problem.text}\n")
        return 1
    said = f"it holds, but signatures are NOT CHECKED: {unchecked}" if unchecked else "it holds"
    sys.stdout.write(f"{said}\n")
    return 3 if unchecked else 0


if __name__ == "__main__":
    sys.exit(main())
