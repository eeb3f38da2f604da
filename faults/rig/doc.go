// Package rig has what all layers need that break whole clusters: three nodes with data
// directories of the caller's, and load from HTTP clients. The load test's ledger compares
// the answers with what every node has in the end.
package rig
