// Package demo counts a real election on a cluster of three processes while its
// leader is killed and a third of the ballots arrive more than once, and then
// checks everything: each receipt, each export, each tally.
package demo
