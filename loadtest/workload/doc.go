// Package workload says who votes for what, when, and what is sent again. It is a
// pure function of its Options: the same seed makes the same polls, ballots and
// duplicates, however fast the cluster is.
package workload
