// Package corruption is layer L5: what is on disk is not what was written.
//
// Store rounds take a member's directory as it is left behind, flip a bit, zero a
// sector, cut a file short or put an older copy back, and open it. Either the store
// refuses, in a sentence that names the file and the way back, or everything that raft
// can see is as it was. Anything else is silent, and a violation. Some flips aim where
// a random one seldom hits: at the heads of pages, and at the pointers from one page
// of the log file to another, which can name an older page that is whole.
//
// Member rounds do the same to one of three nodes with real processes under load. The
// damaged member must stop by itself; it is then rebuilt from its peers, as its
// sentence says: removed, emptied, joined.
//
// The negative controls are a store that does not check its checksums, and one that
// does not look at the mark beside its log file.
package corruption
