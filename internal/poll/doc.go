// Package poll is the pure core of voted: polls, ballots, the rules by which a ballot is
// counted or refused, and the replicated State that all members share.
//
// Nothing here waits, reads a clock, draws a random number, locks or logs. Time,
// log indexes, salts and made ids come in as arguments inside commands, so the
// same commands in the same order give the same State, bit for bit, everywhere.
//
// A poll's state is three things:
//
//   - the box: fixed-size records, append-only. A record is never changed; a
//     replacement is a new record that names the one it supersedes.
//   - the index: voter key → number of the voter's current record.
//   - the profile: distinct selections → how many current ballots hold them, each
//     with its voter's weight.
//
// The box is the memory that makes retries safe forever: a ballot is recognised by its
// voter for as long as its poll exists, not for a window or a session. Index and profile
// are derived from the box and rebuilt from it after a restore.
//
// A poll has a log too, by which others can check its box: the entries that package proof
// describes, made of the box when somebody asks and stored nowhere; see Capture.Leaves.
//
// A poll may have a roll, which names the voters who may vote, and their weights: entries
// appended like records, with an index of their own. The rules for a ballot, in order: no
// such poll, in the box already, not open, invalid, not on the roll, full, another ballot
// or version, counted or replaced.
//
// State is not safe for concurrent use; internal/fsm owns the lock. A Capture of
// a poll is immutable and may be read without any lock.
package poll
