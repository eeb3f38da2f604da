// Package prover makes the heads of polls' logs: statements about what was counted that a
// majority of the voting members signed, each after computing it from its own ballots.
//
//	box of the poll ─► tree ─────────────┐
//	                                     ▼
//	the collector ──── "cosign" ───► judge: own box? own root? own mark extended?
//	     ▲                               │ yes: mark written and synced, then signed
//	     └────────── signature, or behind · differs · forked · unknown
//	     ▼
//	a majority: a head, kept in a file, pushed to all members ─► readers of the API
//
// Nothing of it is on the way of a ballot. A prover reads captures of boxes, as exports do;
// if it lags, or its disk fails, proofs come later, and nothing else happens. Its trees are
// derived from the boxes and never stored (package proof has the tree).
//
// # The mark
//
// A member signs only what continues all that it signed before. What that was is on its own
// disk, outside the replicated state, so that no restore of a state can take it back: the
// file proof.mark. It has slots of 64 bytes, so that each is in one sector and is replaced
// as a whole or not at all. Numbers are big-endian.
//
//	slot 0    magic "votedpm1" ‖ 52 zero bytes ‖ CRC-32C of these 60
//	slot n    key 16 ‖ u64 size ‖ root 32 ‖ flags 1 ‖ 3 zero bytes ‖ CRC-32C of these 60
//
// The key is the first half of the SHA-256 of the log's origin. Flag 1 says that the log is
// forked, and that the member never signs it again. A slot of zeros is free. A slot that is
// neither is damage: then this member signs nothing until somebody has looked.
//
// A mark can be lost with its disk, or be rolled back with it. So at each start, before its
// first signature, a member asks the others for the newest heads that bear its signature,
// and moves its marks up to them. If all machines go back to yesterday together, nothing
// inside the cluster can notice: witnesses and kept receipts do.
//
// # The heads
//
// The newest head of each log is in the file proof.heads, a list of frames that only grows,
// and is written again when most of it is old:
//
//	u32 length ‖ u32 CRC-32C of the body ‖ body
//	body, a head:   'h' ‖ u64 size ‖ root 32 ‖ u64 milliseconds since 1970 ‖ u16 length ‖ origin ‖ signed note
//	body, keys:     'k' ‖ log key 32 ‖ cosigner key 32 ‖ member
//
// Nothing is lost with it: heads are signed again. What follows a frame that cannot be
// read is dropped, with a line in the log.
package prover
