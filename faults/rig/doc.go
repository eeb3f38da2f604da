// Package rig is what layers share that break whole clusters: three nodes with data
// directories of the caller's, and load from HTTP clients whose answers the load
// test's ledger holds against what every node has in the end.
package rig
