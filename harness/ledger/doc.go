// Package ledger keeps the load test's own books and closes them: what was sent and
// what was answered, against what every node holds in the end. It is pure: the
// same entries and exports give the same verdict, during a run and from its files.
//
// It proves the following, or names the ballots for which it cannot:
//
//   - O1 every acknowledged ballot is present and unchanged on every node;
//   - O2 the tally equals the distinct voters, and the first acceptance wins;
//   - O3 nothing is counted that no client sent;
//   - O4 equal digests at an equal log index.
package ledger
