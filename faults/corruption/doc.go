// Package corruption is layer L5: what is on disk is not what was written.
//
// Store rounds take a member's directory as it is after its process has ended. They flip a
// bit, zero a sector, cut a file short or put an older copy back, and open it. Either the
// store refuses, in a sentence that names the file and the way back, or everything that
// raft can see is as it was. Anything else is silent damage, and a violation. Flips aim
// where random ones would seldom hit: at the batches of a segment and not only at the zeros
// behind them, and at the heads of pages. In a third of the rounds with flips the last
// append is torn, too.
//
// In further rounds the last append is torn and nothing else is wrong: any of its sectors
// may be missing. Such a store must open as if that append had never begun. If it refuses,
// that is a violation as well.
//
// Member rounds damage one of three nodes, which are real processes under load. The damaged
// member must stop by itself. It is then rebuilt from the other members, as its error says:
// it is removed, its directory is emptied, and it joins.
//
// The negative controls are a store that does not check its checksums, and one that does
// not look at the mark next to its log.
package corruption
