#!/usr/bin/env python3
"""Makes the golden files of package proof from the specifications alone: docs/proof.md, RFC 6962 and c2sp.org. It
shares no code with the package, so that an error in one is not an error in both. Needs the package `cryptography`.

    cd proof/testdata && python3 golden.py
"""
import base64, hashlib, json, struct
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LOG, POLL, LINEAGE = "votes.example/acme", "board-2026", "1"
ORIGIN = f"{LOG}/{POLL}/{LINEAGE}"
SALT = bytes(range(16))
RULES = b"the canonical definition"
BALLOTS, VOTERS = 300, 290  # the last ten voters vote twice

sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
u32, u64 = (lambda n: struct.pack(">I", n)), (lambda n: struct.pack(">Q", n))
b64 = lambda b: base64.b64encode(b).decode()


def root(leaves):  # RFC 6962, section 2.1
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha(b"\x01", root(leaves[:k]), root(leaves[k:]))


def path(m, leaves):  # RFC 6962, section 2.1.1
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return path(m, leaves[:k]) + [root(leaves[k:])]
    return path(m - k, leaves[k:]) + [root(leaves[:k])]


leaf = lambda entry: sha(b"\x00", entry)

# Entries.
seal_key = sha(b"voted/sealkey/1", SALT, POLL.encode())
entries = [b"d\x01\x02\x00" + sha(b"voted/salt/1", SALT) + sha(RULES)]
facts, current, profile = {}, {}, {}
bits = bytearray(32 * (BALLOTS // 256 + 1))
for n in range(1, BALLOTS + 1):
    voter = f"v-{n}" if n <= VOTERS else f"v-{n - 10}"
    v = sha(b"voted/voter/1", SALT, voter.encode())[:16]
    key = sha(b"voted/key/1", v, voter.encode())[:16]
    nonce = sha(b"voted/nonce/1", seal_key, u32(n))[:16]
    supersedes = current.get(voter, 0)
    version = 1
    if supersedes:
        version = facts[supersedes]["version"] + 1
        bits[supersedes // 8] |= 1 << supersedes % 8
        profile[facts[supersedes]["selections"]] -= 1
    selections = bytes([1, n % 3])
    index, cast_at = 1000 + n, 1796112000000 + n
    seal = sha(b"voted/seal/1", nonce, u32(version), u64(index), u64(cast_at), selections)
    entries.append(b"b" + key + u32(supersedes) + seal)
    facts[n] = dict(voter=voter, v=v, key=key, nonce=nonce, supersedes=supersedes, version=version, index=index,
                    cast_at=cast_at, selections=selections, seal=seal)
    current[voter] = n
    profile[selections] = profile.get(selections, 0) + 1
profile_hash = sha(*(bytes([len(s)]) + s + u64(c) + u64(c) for s, c in sorted(profile.items())))
chunks = [bytes(bits[i : i + 32]) for i in range(0, len(bits), 32)]
chunk_leaves = [leaf(c) for c in chunks]
closing = (b"x" + u32(BALLOTS) + u32(VOTERS) + u64(2000) + u64(1796115600000) + sha(RULES) + profile_hash + bytes(32)
           + root(chunk_leaves))
entries.append(closing)
leaves = [leaf(e) for e in entries]


# Keys and signatures: c2sp.org/signed-note and c2sp.org/tlog-cosignature.
class Key:
    def __init__(self, seed, info, name, kind):
        secret = HKDF(hashes.SHA256(), 32, None, info).derive(seed)
        self.private, self.name, self.kind = Ed25519PrivateKey.from_private_bytes(secret), name, bytes([kind])
        self.public = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = sha(name.encode(), b"\n", self.kind, self.public)[:4]

    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{b64(self.kind + self.public)}"

    def sign(self, text, at=None):
        if at is None:
            sig = self.private.sign(text.encode())
        else:
            sig = u64(at) + self.private.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        return f"\u2014 {self.name} {b64(self.id + sig)}\n"


seeds = {f"n{i}": bytes([i]) * 32 for i in (1, 2, 3)}
logs = {m: Key(s, b"voted/log/1", ORIGIN, 1) for m, s in seeds.items()}
members = {m: Key(s, b"voted/cosigner/1", f"{LOG}/{m}", 4) for m, s in seeds.items()}
policy = "".join(f"log {k.vkey()}\n" for k in logs.values())
policy += "".join(f"witness {m} {k.vkey()}\n" for m, k in members.items())
policy += "group members 2 n1 n2 n3\nquorum members\n"


def checkpoint(size):
    text = f"{ORIGIN}\n{size}\n{b64(root(leaves[:size]))}\n"
    at = 1796112010 + size
    return text + "\n" + logs["n1"].sign(text) + members["n1"].sign(text, at) + members["n2"].sign(text, at)


def receipt(n, size, kind):
    f = facts[n]
    extra = dict(kind=kind, poll=POLL, voter=f["voter"], key_nonce=b64(f["v"]), key=b64(f["key"]),
                 supersedes=f["supersedes"], seal=b64(f["seal"]))
    if kind == "opened":
        extra |= dict(nonce=b64(f["nonce"]), version=f["version"], index=f["index"], cast_at=f["cast_at"],
                      selections=b64(f["selections"]))
    if kind == "final":
        extra |= dict(closing=b64(closing), closing_path=[b64(h) for h in path(size - 1, leaves)],
                      chunk=b64(chunks[n // 256]), chunk_path=[b64(h) for h in path(n // 256, chunk_leaves)])
    text = json.dumps(extra, separators=(",", ":")).encode()
    lines = ["c2sp.org/tlog-proof@v1", "extra " + b64(text), f"index {n}", *(b64(h) for h in path(n, leaves[:size]))]
    return "\n".join(lines) + "\n\n" + checkpoint(size)


def promise(n, member):
    text = f"voted promise v1\n{ORIGIN}\n{n}\n{b64(leaves[n])}\n"
    return text + "\n" + logs[member].sign(text)


files = {
    "board-2026.policy": policy,
    "checkpoint-200": checkpoint(200),
    "checkpoint-302": checkpoint(302),
    "counted.tlog-proof": receipt(17, 200, "counted"),
    "opened.tlog-proof": receipt(17, 200, "opened"),
    "final.tlog-proof": receipt(17, 302, "final"),
    "replaced.tlog-proof": receipt(281, 302, "final"),  # one that must be refused
    "17.promise": promise(17, "n2"),
    "entries": "".join(e.hex() + "\n" for e in entries),
}
for name, text in files.items():
    with open("golden/" + name, "w", encoding="utf-8", newline="\n") as f:
        f.write(text)
