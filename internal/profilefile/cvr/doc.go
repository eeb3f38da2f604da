// Package cvr reads and writes cast vote records in NIST's common data format, JSON,
// version 1.0.0 (NIST SP 1500-103). Both spellings of the types are read: with the prefix
// "CVR.", as the schema has them, and without it.
//
// A report may hold several contests; one of them is read. Of each record the current
// snapshot counts. Where a count has added a snapshot for each of its rounds, as RCTab
// does, the original one counts.
package cvr
