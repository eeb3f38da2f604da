// Package trace follows a request through the members of a cluster: by its id, which
// the lines of logs name, and, where it is sampled, by spans.
//
// It knows nothing of ballots. What it is told of a request must not name a poll, a
// voter or a choice: ids and spans leave the node.
package trace
