// Package trace follows a request through the members of a cluster: by its id, which
// log lines name, and, if it is sampled, by spans.
//
// It knows nothing about ballots. Do not give it the name of a poll, a voter or a
// choice: ids and spans leave the node.
package trace
