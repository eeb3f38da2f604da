// Package proof checks that ballots were counted exactly once, without trust in the
// service that counted them. It needs no network, no clock and nothing but Go's standard
// library, so an observer can build a checker of their own on it.
//
// Each poll has a log: a list of entries that only grows. Entry 0 is the definition of
// the poll, entry n is ballot number n, and after the close one more entry ends it. The
// entries are the leaves of a hash tree (RFC 6962, section 2.1), whose root stands for all
// of them. Members of the cluster sign roots; a root that enough of them signed is a head.
//
//	box of the poll ─► Entry ─► Tree ─► Checkpoint ─► signatures ─► Policy.Check
//	                                         └─► Receipt, for one voter
//
// What strangers' tools read, and where it is written down:
//
//	signed note           c2sp.org/signed-note          Note, Verifier, Signer
//	checkpoint            c2sp.org/tlog-checkpoint      Checkpoint
//	cosignature, type 4   c2sp.org/tlog-cosignature     NewCosigner
//	tiles                 c2sp.org/tlog-tiles           Tile, AppendBundle, ParseBundle
//	proof of one entry    c2sp.org/tlog-proof           Proof
//	trust policy          c2sp.org/tlog-policy          Policy
//
// What is voted's own: the bytes of the entries, and what makes the keys and seals in
// them (entry.go, seal.go), which bits say what was replaced (superseded.go), and the
// extra data of a receipt (receipt.go). Integers in them are big-endian.
//
// A check that fails returns an error that wraps one of the Err values of this package.
// Programs go by those, people by the sentence.
package proof
