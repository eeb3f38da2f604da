// Package witness cosigns the heads of polls' logs for somebody who does not run the
// cluster: an observer, a union, a newspaper. It speaks c2sp.org/tlog-witness.
//
// It remembers, of each log, the last head that it signed, and signs a later one only with a
// proof that nothing of the earlier one was changed. So a cluster whose members lie together
// cannot show different people different logs, if both look for the witness's signature.
//
// Unlike other witnesses it takes any log under a prefix, since each poll has one, and only
// heads that a quorum of the cluster's members signed: one lying member cannot have its
// forgery cosigned first and lock the witness on it.
package witness
